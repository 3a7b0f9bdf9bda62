package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/statedir"
)

const (
	maxFile       = 8 << 20 // a run's file: two records, the output at most 1 MiB before base64
	maxBatch      = 500
	maxBatchBytes = 1 << 20
	orphanAge     = time.Minute
)

// Send ships a batch and returns one result per record, in order.
type Send func(ctx context.Context, batch []Record) ([]Result, error)

// ErrRefused is wrapped by Send's error when the server will never take this batch as it is.
var ErrRefused = errors.New("the server refused the check-ins")

// Shipper empties the spool of one state directory. It is not safe for concurrent use.
type Shipper struct {
	dir, rejected string
	send          Send
	log           *slog.Logger
	now           func() time.Time
	acked         map[string]int64 // bytes of a file the server has answered for
}

// NewShipper makes the folders.
func NewShipper(root string, send Send, log *slog.Logger, now func() time.Time) (*Shipper, error) {
	s := &Shipper{dir: filepath.Join(root, Dir), rejected: filepath.Join(root, Rejected), send: send, log: log,
		now: now, acked: map[string]int64{}}
	for _, d := range []string{s.dir, s.rejected} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
	}
	return s, nil
}

// item is a record on its way, with the place in its file where it ends.
type item struct {
	name string
	end  int64
	size int
	rec  Record
	last bool // the record ends its run: nothing that counts follows in its file
}

// Pending counts the runs whose records are not all with the server yet.
func Pending(root string) (int, error) {
	entries, err := os.ReadDir(filepath.Join(root, Dir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	return len(entries), nil
}

// Ship sends what is there and returns how many records the server answered for. A run still going
// keeps its file; its start is not sent twice while this Shipper lives.
func (s *Shipper) Ship(ctx context.Context) (int, error) {
	names, err := s.names()
	if err != nil {
		return 0, err
	}
	total := 0
	var batch []item
	bytesIn := 0
	for _, name := range names {
		items, err := s.read(name)
		if err != nil {
			s.log.Warn("spool file skipped", "file", name, "error", err)
			continue
		}
		for _, it := range items {
			if len(batch) > 0 && (len(batch) == maxBatch || bytesIn+it.size > maxBatchBytes) {
				if err := s.flush(ctx, batch); err != nil {
					return total, err
				}
				total += len(batch)
				batch, bytesIn = nil, 0
			}
			batch = append(batch, it)
			bytesIn += it.size
		}
	}
	if len(batch) == 0 {
		return total, nil
	}
	if err := s.flush(ctx, batch); err != nil {
		return total, err
	}
	return total + len(batch), nil
}

// names lists the runs' files, oldest first (run ids are UUIDv7), and forgets files that are gone.
func (s *Shipper) names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	seen := make(map[string]bool, len(entries))
	var names []string
	for _, e := range entries {
		base := strings.TrimSuffix(e.Name(), suffix)
		if _, err := uuid.Parse(base); err != nil || base == e.Name() || !e.Type().IsRegular() {
			continue
		}
		names = append(names, e.Name())
		seen[e.Name()] = true
	}
	for name := range s.acked {
		if !seen[name] {
			delete(s.acked, name)
		}
	}
	sort.Strings(names)
	return names, nil
}

// read returns the records of a file behind what is acknowledged. Lines that are no records are moved aside.
func (s *Shipper) read(name string) ([]item, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if info.Size() > maxFile {
		return nil, s.moveAside(name)
	}
	if err := s.bury(f, info, name); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(io.NewSectionReader(f, s.acked[name], maxFile), maxFile))
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return s.split(name, data), nil
}

func (s *Shipper) split(name string, data []byte) []item {
	run := uuid.MustParse(strings.TrimSuffix(name, suffix)) // names() let only such files through
	var items []item
	offset := s.acked[name]
	for {
		line, rest, complete := bytes.Cut(data, []byte{'\n'})
		if !complete {
			return items // torn or still being written
		}
		offset += int64(len(line)) + 1
		data = rest
		rec, err := decode(line, run)
		if err != nil {
			s.log.Warn("spool record moved aside", "file", name, "error", err)
			s.keepRejected(name, line)
			if len(items) == 0 {
				s.acked[name] = offset
			}
			continue
		}
		items = append(items, item{name, offset, len(line), rec, rec.Kind == KindFinish})
	}
}

// bury gives a run that died without its finish record one that says so. The run's lock is free and its
// file old: nobody will write the end any more.
func (s *Shipper) bury(f *os.File, info fs.FileInfo, name string) error {
	if !statedir.LocksWork || s.now().Sub(info.ModTime()) < orphanAge {
		return nil
	}
	if err := statedir.TryFlock(f); err != nil {
		if errors.Is(err, statedir.ErrLocked) {
			return nil
		}
		return err
	}
	data, err := io.ReadAll(io.NewSectionReader(f, 0, maxFile))
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	run := uuid.MustParse(strings.TrimSuffix(name, suffix))
	var start *Record
	for line := range bytes.Lines(data) {
		rec, err := decode(line, run)
		if err == nil && rec.Kind == KindFinish && line[len(line)-1] == '\n' {
			return nil
		}
		if err == nil && rec.Kind == KindStart {
			start = &rec
		}
	}
	if start == nil {
		return s.moveAside(name)
	}
	lost := Record{EventID: uuid.NewSHA1(run, []byte(OutcomeLost)), RunID: run, JobID: start.JobID, InstanceID: start.InstanceID,
		Kind: KindFinish, At: s.now().UTC(), Outcome: OutcomeLost, Commit: start.Commit,
		Message: "crontopus-run ended without reporting: killed, or the machine went down"}
	w := &Writer{dir: s.dir, run: run, f: f}
	return w.Append(lost)
}

func (s *Shipper) flush(ctx context.Context, batch []item) error {
	records := make([]Record, len(batch))
	for i, it := range batch {
		records[i] = it.rec
	}
	results, err := s.send(ctx, records)
	if errors.Is(err, ErrRefused) {
		return s.refused(ctx, batch, err)
	}
	if err != nil {
		return err
	}
	if len(results) != len(batch) {
		return fmt.Errorf("the server answered %d results for %d check-ins", len(results), len(batch))
	}
	for i, res := range results {
		switch {
		case res.EventID != batch[i].rec.EventID:
			return fmt.Errorf("the server answered for event %s where %s was sent", res.EventID, batch[i].rec.EventID)
		case res.Status == StatusRejected:
			s.reject(batch[i], res.Code, res.Message)
		case res.Status != StatusAccepted && res.Status != StatusDuplicate:
			return fmt.Errorf("the server answered %q for a check-in", res.Status)
		}
		s.ack(batch[i])
	}
	return nil
}

// refused finds the record that makes the server refuse a whole batch, so that it can't block the others.
func (s *Shipper) refused(ctx context.Context, batch []item, err error) error {
	if len(batch) == 1 {
		s.reject(batch[0], "refused", err.Error())
		s.ack(batch[0])
		return nil
	}
	half := len(batch) / 2
	if err := s.flush(ctx, batch[:half]); err != nil {
		return err
	}
	return s.flush(ctx, batch[half:])
}

func (s *Shipper) ack(it item) {
	s.acked[it.name] = it.end
	if !it.last {
		return
	}
	if err := os.Remove(filepath.Join(s.dir, it.name)); err != nil {
		s.log.Warn("shipped spool file stays", "file", it.name, "error", err)
		return
	}
	delete(s.acked, it.name)
}

func (s *Shipper) reject(it item, code, message string) {
	s.log.Warn("check-in rejected by the server and moved aside", "job_id", it.rec.JobID, "run_id", it.rec.RunID,
		"kind", it.rec.Kind, "code", code, "message", message, "file", filepath.Join(s.rejected, it.name))
	data, err := os.ReadFile(filepath.Join(s.dir, it.name))
	if err != nil || int64(len(data)) < it.end {
		s.log.Error("rejected check-in could not be kept", "error", err)
		return
	}
	s.keepRejected(it.name, data[it.end-int64(it.size)-1:it.end-1])
}

func (s *Shipper) keepRejected(name string, line []byte) {
	f, err := os.OpenFile(filepath.Join(s.rejected, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.Write(append(bytes.Clone(line), '\n'))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		s.log.Error("rejected check-in could not be kept", "error", err)
	}
}

func (s *Shipper) moveAside(name string) error {
	s.log.Warn("spool file moved aside", "file", name)
	if err := os.Rename(filepath.Join(s.dir, name), filepath.Join(s.rejected, name)); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}
