// Package fake is a scheduler in memory for tests of what stands above it.
package fake

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"crontopus.dev/agent/pkg/scheduler"
)

// Scheduler holds entries in memory. Errors to be met can be put into ReadErr and WriteErr.
type Scheduler struct {
	mu       sync.Mutex
	entries  []scheduler.Entry
	revision int
	writes   int
	ReadErr  error
	WriteErr error
}

var _ scheduler.Scheduler = (*Scheduler)(nil)

// Name is fake.
func (s *Scheduler) Name() string { return "fake" }

// Render writes the native schedules of a machine in UTC.
func (s *Scheduler) Render(job scheduler.Job) (scheduler.Entry, error) {
	lines := make([]string, len(job.Schedules))
	for i, sch := range job.Schedules {
		native, err := sch.Native(job.Zone, time.UTC, time.Unix(0, 0))
		if err != nil {
			return scheduler.Entry{}, fmt.Errorf("job %s: %w", job.ID, err)
		}
		lines[i] = native + " run " + job.ID.String()
	}
	return scheduler.Entry{JobID: job.ID, Body: strings.Join(lines, "\n")}, nil
}

// Read returns a copy of what is there.
func (s *Scheduler) Read(context.Context) (scheduler.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return scheduler.Snapshot{Entries: slices.Clone(s.entries), Token: strconv.Itoa(s.revision)}, s.ReadErr
}

// Write replaces what is there.
func (s *Scheduler) Write(_ context.Context, from scheduler.Snapshot, want []scheduler.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.WriteErr != nil {
		return s.WriteErr
	}
	if from.Token != strconv.Itoa(s.revision) {
		return scheduler.ErrConflict
	}
	s.entries = slices.Clone(want)
	s.revision++
	s.writes++
	return nil
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
