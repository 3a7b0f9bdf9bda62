// Package fake is a scheduler in memory for tests of what stands above it.
package fake

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
)

// Scheduler holds entries in memory. Errors to be met can be put into ReadErr and WriteErr.
type Scheduler struct {
	mu       sync.Mutex
	entries  []scheduler.Entry
	foreign  []scheduler.Foreign
	blind    error
	revision int
	writes   int
	ReadErr  error
	WriteErr error
}

var (
	_ scheduler.Scheduler  = (*Scheduler)(nil)
	_ scheduler.Discoverer = (*Scheduler)(nil)
	_ scheduler.Flavoured  = (*Scheduler)(nil)
)

// Name is fake.
func (s *Scheduler) Name() string { return "fake" }

// Flavour is fake, in memory.
func (s *Scheduler) Flavour() string { return "fake, in memory" }

// Render writes the native schedules of a machine in UTC.
func (s *Scheduler) Render(job scheduler.Job) (scheduler.Entry, error) {
	triggers, err := schedule.Express(job.Schedules, job.Zone, time.UTC, schedule.Vixie, time.Unix(0, 0))
	if err != nil {
		return scheduler.Entry{}, fmt.Errorf("job %s: %w", job.ID, err)
	}
	lines := make([]string, len(triggers.Fields))
	for i, fields := range triggers.Fields {
		lines[i] = fields + " run " + job.ID.String()
	}
	return scheduler.Entry{JobID: job.ID, User: job.User, Body: strings.Join(lines, "\n"), Gated: triggers.Gated}, nil
}

// Read returns a copy of what is there.
func (s *Scheduler) Read(context.Context) (scheduler.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return scheduler.Snapshot{Entries: slices.Clone(s.entries), Token: strconv.Itoa(s.revision)}, s.ReadErr
}

// Write replaces what is there.
func (s *Scheduler) Write(_ context.Context, from scheduler.Snapshot, change scheduler.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.WriteErr != nil {
		return s.WriteErr
	}
	if from.Token != strconv.Itoa(s.revision) {
		return scheduler.ErrConflict
	}
	foreign := slices.Clone(s.foreign)
	for _, f := range change.Adopt {
		i := slices.IndexFunc(foreign, func(o scheduler.Foreign) bool { return o.ID == f.ID && o.Text == f.Text })
		if i < 0 {
			return scheduler.ErrConflict
		}
		if foreign[i].Fixed != "" {
			return scheduler.ErrUnsupported
		}
		foreign = slices.Delete(foreign, i, i+1)
	}
	for _, f := range change.Restore {
		if !slices.ContainsFunc(foreign, func(o scheduler.Foreign) bool { return o.ID == f.ID }) {
			foreign = append(foreign, f)
		}
	}
	s.foreign = foreign
	s.entries = slices.Clone(change.Want)
	for i := range s.entries {
		s.entries[i].Gated = "" // a native scheduler does not keep it
	}
	s.revision++
	s.writes++
	return nil
}

// Foreign returns the jobs of others.
func (s *Scheduler) Foreign(context.Context) ([]scheduler.Foreign, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.foreign), cmp.Or(s.ReadErr, s.blind)
}

// SetForeign puts jobs of others there.
func (s *Scheduler) SetForeign(list ...scheduler.Foreign) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.foreign = slices.Clone(list)
	s.revision++
}

// SetForeignError makes a place unreadable where jobs of others may be; nil: it is readable again.
func (s *Scheduler) SetForeignError(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = err
}

// Edit is a change by hand.
func (s *Scheduler) Edit(change func([]scheduler.Entry) []scheduler.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = change(slices.Clone(s.entries))
	s.revision++
}

// Entries returns a copy of what is there.
func (s *Scheduler) Entries() []scheduler.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries)
}

// Writes counts the writes.
func (s *Scheduler) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}
