package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/statedir"
)

// maxRejected is how many records that nobody wants are kept for whoever looks for them.
const maxRejected = 1000

// place is the spool of one area. What is in it was written by that area's user, who may be hostile.
type place struct {
	*Options
	files   *area.Files
	acked   map[string]int64 // bytes of a file that the server has answered for
	checked time.Time        // when it was prepared, and the budget looked at
	unused  time.Time        // when the reserve, empty when it was last read, had been written
}

// prepare makes, now and then, what a full disk could keep from being made later.
func (p *place) prepare() error {
	now := p.Now()
	if now.Sub(p.checked).Abs() < time.Minute {
		return nil
	}
	if err := p.files.Mkdir(Dir); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if err := ensureReserve(p.files); err != nil {
		p.Log.Warn("no reserve for a full disk", "user", p.files.Area().User, "error", err)
	}
	p.checked = now
	if freed, err := Trim(p.files, p.Budget); err != nil || freed.any() {
		p.Log.Warn("the spool is larger than it may be", "user", p.files.Area().User, "outputs_dropped", freed.Outputs,
			"runs_dropped", freed.Runs, "error", err)
	}
	return nil
}

func (p *place) close(log *slog.Logger) {
	if err := p.files.Close(); err != nil {
		log.Warn("spool", "error", err)
	}
}

// runOf reads the run's id from the name of its file.
func runOf(name string) (uuid.UUID, bool) {
	base, ok := strings.CutSuffix(name, suffix)
	run, err := uuid.Parse(base)
	return run, ok && err == nil && run.String() == base
}

// each gives every record that waits, run by run, oldest first (run ids are UUIDv7).
func (p *place) each(add func(item) error) error {
	names, err := p.files.Names(Dir)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	spare := p.spare()
	runs := map[string]bool{}
	for _, name := range names {
		if _, ok := runOf(name); ok {
			runs[name] = true
		}
	}
	maps.DeleteFunc(p.acked, func(name string, _ int64) bool { return !runs[name] })
	for _, s := range spare {
		runs[s.rec.RunID.String()+suffix] = true
	}
	order := slices.Sorted(maps.Keys(runs))
	for _, name := range order[:min(len(order), maxPerPass)] {
		items, err := p.run(name, spare)
		if err != nil {
			p.Log.Warn("spool file skipped", "user", p.files.Area().User, "file", name, "error", err)
		}
		for _, it := range items {
			if err := add(it); err != nil {
				return err
			}
		}
	}
	return nil
}

// settled is how old a change must be to be told from a later one by its time.
const settled = 2 * time.Second

// spare reads the reserve, unless it is as empty as it was: where nothing tells of changes an idle agent looks every second.
func (p *place) spare() []spareRecord {
	info, err := p.files.Stat(reserve)
	if err != nil || info.ModTime().Equal(p.unused) {
		return nil // prepare has told of it
	}
	spare := readReserve(p.files)
	if len(spare) == 0 && p.Now().Sub(info.ModTime()).Abs() > settled {
		p.unused = info.ModTime()
	}
	return spare
}

// run gives the records of one run that the server has not answered for.
func (p *place) run(name string, spare []spareRecord) ([]item, error) {
	items, err := p.file(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // its records are in the reserve alone
	}
	for _, s := range spare {
		if s.rec.RunID.String()+suffix == name && p.owned(s.rec) {
			items = append(items, item{place: p, name: name, line: s.line, rec: s.rec, last: s.rec.Kind == KindFinish, spare: s.slot})
		}
	}
	return items, err
}

func (p *place) file(name string) ([]item, error) {
	f, err := p.files.OpenFile(Dir+"/"+name, os.O_RDWR)
	if err != nil && !errors.Is(err, area.ErrUnsafe) && !errors.Is(err, fs.ErrNotExist) { // a disk that can only be read
		f, err = p.files.OpenFile(Dir+"/"+name, os.O_RDONLY)
	}
	if errors.Is(err, area.ErrUnsafe) {
		return nil, errors.Join(err, p.moveAside(name))
	}
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if info.Size() > maxFile {
		return nil, p.moveAside(name)
	}
	items, finished, err := p.read(f, name)
	if err != nil || finished {
		return items, err
	}
	return p.unfinished(f, info, name, items)
}

// read gives the records behind what is acknowledged, and whether the file holds the run's end.
func (p *place) read(f *os.File, name string) (items []item, finished bool, err error) {
	run, _ := runOf(name)
	data, err := io.ReadAll(io.NewSectionReader(f, 0, maxFile))
	if err != nil {
		return nil, false, fmt.Errorf("spool: %w", err)
	}
	offset := int64(0)
	for line := range bytes.Lines(data) {
		if line[len(line)-1] != '\n' {
			break // torn, or being written
		}
		offset += int64(len(line))
		line = line[:len(line)-1]
		rec, err := decode(line, run)
		finished = finished || err == nil && rec.Kind == KindFinish
		if offset <= p.acked[name] {
			continue
		}
		if err == nil && !p.owned(rec) {
			err = errNotOwned
		}
		if err != nil {
			p.Log.Warn("spool record moved aside", "user", p.files.Area().User, "file", name, "error", err)
			p.keepRejected(name, offset, line)
			if len(items) == 0 {
				p.acked[name] = offset
			}
			continue
		}
		items = append(items, item{place: p, name: name, end: offset, line: bytes.Clone(line), rec: rec, last: rec.Kind == KindFinish, spare: -1})
	}
	if finished && len(items) == 0 { // all answered for; it could not be removed then
		p.remove(name)
	}
	return items, finished, nil
}

func (p *place) owned(rec Record) bool { return p.Owns == nil || p.Owns(p.files.Area(), rec.JobID) }

// unfinished gives a run that died without its finish record one that says so. The run's lock is free and its
// file old: nobody will write the end any more. The record is made anew at each pass until the server has it.
func (p *place) unfinished(f *os.File, info fs.FileInfo, name string, items []item) ([]item, error) {
	if !statedir.LocksWork || p.Now().Sub(info.ModTime()).Abs() < orphanAge {
		return items, nil
	}
	if err := statedir.TryFlock(f); err != nil {
		if errors.Is(err, statedir.ErrLocked) {
			err = nil // it runs
		}
		return items, err
	}
	// With the lock in hand nothing follows: what was read before may be older than the run's last word.
	items, finished, err := p.read(f, name)
	if err != nil || finished || slices.ContainsFunc(readReserve(p.files), func(s spareRecord) bool { return s.ends(name) }) {
		return items, err
	}
	run, _ := runOf(name)
	start := p.started(f, run)
	if start == nil && info.Size() == 0 { // the disk was full
		p.remove(name)
		return nil, nil
	}
	if start == nil {
		return nil, p.moveAside(name)
	}
	lost := Record{EventID: uuid.NewSHA1(run, []byte(OutcomeLost)), RunID: run, JobID: start.JobID, InstanceID: start.InstanceID,
		Kind: KindFinish, At: p.Now().UTC(), Outcome: OutcomeLost, SlotAt: start.SlotAt, Commit: start.Commit,
		Message: "crontopus-run ended without reporting: killed, or the machine went down"}
	return append(items, item{place: p, name: name, end: info.Size(), rec: lost, last: true, spare: -1}), nil
}

// started is the start record of a run that may be acknowledged already.
func (p *place) started(f *os.File, run uuid.UUID) *Record {
	data, err := io.ReadAll(io.NewSectionReader(f, 0, maxFile))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(data) {
		if rec, err := decode(line, run); err == nil && rec.Kind == KindStart && p.owned(rec) {
			return &rec
		}
	}
	return nil
}

func (p *place) ack(it item) {
	if it.spare >= 0 {
		if err := clearReserve(p.files, it.spare, it.line); err != nil {
			p.Log.Warn("a shipped record stays in the reserve", "error", err)
		}
	} else {
		p.acked[it.name] = it.end
	}
	if it.last {
		p.remove(it.name)
	}
}

func (p *place) remove(name string) {
	if err := p.files.Remove(Dir + "/" + name); err != nil {
		p.Log.Warn("shipped spool file stays", "file", name, "error", err)
		return
	}
	delete(p.acked, name)
}

func (p *place) reject(it item, code, message string) {
	p.Log.Warn("check-in rejected by the server and moved aside", "job_id", it.rec.JobID, "run_id", it.rec.RunID,
		"kind", it.rec.Kind, "code", code, "message", message)
	p.keepRejected(it.name, it.end, it.line)
}

func (p *place) keepRejected(name string, offset int64, line []byte) {
	err := p.makeRejected()
	if err == nil {
		err = p.files.Write(fmt.Sprintf("%s/%s.%d", Rejected, name, offset), append(bytes.Clone(line), '\n'))
	}
	if err != nil {
		p.Log.Error("rejected check-in could not be kept", "error", err)
	}
}

func (p *place) moveAside(name string) error {
	p.Log.Warn("spool file moved aside", "user", p.files.Area().User, "file", name)
	if err := p.makeRejected(); err != nil {
		return err
	}
	if err := p.files.Rename(Dir+"/"+name, Rejected+"/"+name); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// makeRejected makes the folder, and room in it: the oldest go.
func (p *place) makeRejected() error {
	if err := p.files.Mkdir(Rejected); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	names, err := p.files.Names(Rejected)
	for i := 0; err == nil && i <= len(names)-maxRejected; i++ {
		err = p.files.Remove(Rejected + "/" + names[i])
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}
