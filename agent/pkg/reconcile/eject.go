package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/scheduler"
)

// Ejected is what leaving a machine did.
type Ejected struct {
	Removed  []EjectedEntry `json:"removed"`
	Restored []EjectedEntry `json:"restored"` // adopted ones, as they were
	Plain    []EjectedEntry `json:"plain"`    // turned into entries that need nothing of ours
	Left     []EjectedEntry `json:"left"`     // still ours, because nothing plain does what they do; Reason says why
}

// EjectedEntry is one of them.
type EjectedEntry struct {
	JobID   uuid.UUID `json:"job_id"`
	Address string    `json:"job,omitempty"`
	User    string    `json:"user,omitempty"`
	Text    string    `json:"text,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}

// Eject takes this installation out of the native scheduler, in one write, and brings adopted entries back. With
// keep, jobs go on as plain entries where those do the same; else their entries stay. A hold is set first, so that
// an agent that is started again changes nothing. Without apply it only tells.
func (a *Applier) Eject(ctx context.Context, keep, apply bool, now time.Time) (*Ejected, error) {
	if apply {
		if err := SetHold(a.Dir, Hold{At: now, Reason: "ejected"}); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		e, err := a.ejection(ctx, keep)
		if err != nil {
			return nil, err
		}
		if !apply {
			return e.result, nil
		}
		err = a.carryOutEjection(ctx, e)
		if !errors.Is(err, scheduler.ErrConflict) || try == maxTries {
			return e.result, err
		}
	}
}

// ejection is a plan of leaving.
type ejection struct {
	result  *Ejected
	snap    scheduler.Snapshot
	change  scheduler.Change
	applied Applied
	adopted Adoptions
	files   []FileChange
}

func (a *Applier) ejection(ctx context.Context, keep bool) (*ejection, error) {
	applied, err := LoadApplied(a.Dir)
	if err != nil {
		return nil, err
	}
	adopted, err := LoadAdopted(a.Dir)
	if err != nil {
		return nil, err
	}
	found, _, err := a.Areas.read(nil)
	if err != nil {
		return nil, err
	}
	files := found.data()
	snap, err := a.Scheduler.Read(ctx)
	if err != nil {
		return nil, err
	}
	e := &ejection{result: &Ejected{Removed: []EjectedEntry{}, Restored: []EjectedEntry{}, Plain: []EjectedEntry{}, Left: []EjectedEntry{}},
		snap: snap, applied: applied, adopted: adopted}
	if err := e.restoreAdopted(ctx, a.Scheduler); err != nil {
		return nil, err
	}
	for _, entry := range snap.Entries {
		key := Key{a.Areas.key(entry.User), entry.JobID}
		e.entry(a.Scheduler.Name(), key, entry, files[key], keep)
	}
	kept := map[Key]bool{}
	for _, entry := range e.change.Want {
		kept[Key{a.Areas.key(entry.User), entry.JobID}] = true
	}
	for key := range files {
		if !kept[key] {
			e.files = append(e.files, FileChange{User: key.User, JobID: key.ID, Removed: true})
			delete(e.applied.Entries, key.ID)
		}
	}
	return e, nil
}

// restoreAdopted brings back what our entries replaced and still stand for.
func (e *ejection) restoreAdopted(ctx context.Context, s scheduler.Scheduler) error {
	var here wordings
	if d, can := s.(scheduler.Discoverer); can && len(e.adopted.Entries) > 0 {
		foreign, err := d.Foreign(ctx)
		if err != nil {
			return err
		}
		here = count(foreign)
	}
	for _, id := range slices.Sorted(maps.Keys(e.adopted.Entries)) {
		record := e.adopted.Entries[id]
		f := record.Foreign
		f.Spot.Equal = e.adopted.due(f, func(_ string, other Adoption) bool { return !other.Undone && !e.ours(other.JobID) })
		if !e.ours(record.JobID) || here[wordingOf(f)] >= f.Spot.Equal {
			continue
		}
		e.change.Restore = append(e.change.Restore, f)
		e.result.Restored = append(e.result.Restored, EjectedEntry{JobID: record.JobID, Address: record.Address, User: record.Foreign.User, Text: record.Foreign.Text})
	}
	return nil
}

func (e *ejection) ours(job uuid.UUID) bool {
	return slices.ContainsFunc(e.snap.Entries, func(entry scheduler.Entry) bool { return entry.JobID == job })
}

func (e *ejection) entry(name string, key Key, entry scheduler.Entry, file []byte, keep bool) {
	out := EjectedEntry{JobID: key.ID, Address: e.applied.Entries[key.ID].Address, User: key.User}
	restored := slices.ContainsFunc(e.result.Restored, func(r EjectedEntry) bool { return r.JobID == key.ID })
	if !keep || restored || key.ID == uuid.Nil {
		e.result.Removed = append(e.result.Removed, out)
		return
	}
	text, err := plain(name, entry, file)
	if err != nil {
		out.Reason = err.Error()
		e.result.Left = append(e.result.Left, out)
		e.change.Want = append(e.change.Want, entry)
		return
	}
	out.Text = text
	e.result.Plain = append(e.result.Plain, out)
	e.change.Restore = append(e.change.Restore, scheduler.Foreign{ID: "ejected-" + key.ID.String(), Source: "crontab", User: entry.User, Text: text})
}

func (a *Applier) carryOutEjection(ctx context.Context, e *ejection) error {
	if err := a.Scheduler.Write(ctx, e.snap, e.change); err != nil {
		return err
	}
	for id, record := range e.adopted.Entries {
		if slices.ContainsFunc(e.change.Restore, func(f scheduler.Foreign) bool { return f.ID == id }) {
			record.Undone = true
			e.adopted.Entries[id] = record
		}
	}
	return errors.Join(a.Dir.WriteJSON(adoptedFile, e.adopted), a.Dir.WriteJSON(appliedFile, e.applied), a.Areas.changeFiles(e.files, true))
}

// maxPlain is below the 998 characters that Debian's cron takes for a command.
const maxPlain = 900

// plain is the crontab text that does what a job does; the error says what it would lose.
func plain(name string, entry scheduler.Entry, file []byte) (string, error) {
	var job jobfile.Job
	if name != "cron" {
		return "", fmt.Errorf("there is no plain form of it for %s", name)
	}
	if err := json.Unmarshal(file, &job); err != nil {
		return "", fmt.Errorf("its job file cannot be read: %w", err)
	}
	for _, lost := range []struct {
		is   bool
		what string
	}{
		{job.Gate, "its times need crontopus-run to decide"}, {job.TimeoutSeconds > 0, "its timeout"}, {job.JitterSeconds > 0, "its jitter"},
		{job.Retry.Attempts > 1, "its retries"}, {job.Concurrency != "allow", "that its runs do not overlap"},
		{len(job.Output.Redact) > 0, "the redaction of its output, which cron would mail"},
	} {
		if lost.is {
			return "", errors.New("a plain entry would lose: " + lost.what)
		}
	}
	command := commandLine(&job)
	if strings.ContainsAny(command, "\n\r\x00") {
		return "", errors.New("a crontab line cannot hold its line breaks")
	}
	command = strings.ReplaceAll(command, "%", `\%`)
	var lines []string
	for _, line := range strings.Split(entry.Body, "\n") {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			return "", errors.New("its entry is not as it was written")
		}
		lines = append(lines, strings.Join(fields[:5], " ")+" "+command)
	}
	if len(command) > maxPlain {
		return "", errors.New("it is too long for a crontab line")
	}
	return strings.Join(lines, "\n"), nil
}

func commandLine(job *jobfile.Job) string {
	var words []string
	if job.WorkingDir != "" {
		words = append(words, "cd", quote(job.WorkingDir), "&&")
	}
	if len(job.Env) > 0 {
		words = append(words, "env")
		for _, key := range slices.Sorted(maps.Keys(job.Env)) {
			words = append(words, key+"="+quote(job.Env[key]))
		}
	}
	if job.Shell {
		words = append(words, "/bin/sh", "-c", quote(job.Argv[0]))
		return strings.Join(words, " ")
	}
	for _, arg := range job.Argv {
		words = append(words, quote(arg))
	}
	return strings.Join(words, " ")
}

// quote makes one shell word of any text.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_./:=@,+-", c))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
