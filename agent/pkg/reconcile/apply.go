package reconcile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

const (
	appliedFile = "applied.json"
	maxTries    = 3
)

// Applier carries plans out on one machine.
type Applier struct {
	Dir       *statedir.Dir
	Scheduler scheduler.Scheduler
}

// LoadApplied reads what was applied last; empty when nothing was.
func LoadApplied(dir *statedir.Dir) (Applied, error) {
	a := Applied{}
	err := dir.ReadJSON(appliedFile, &a)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	if a.Entries == nil {
		a.Entries = map[uuid.UUID]AppliedEntry{}
	}
	return a, nil
}

// Plan completes in with what is on the machine and decides.
func (a *Applier) Plan(ctx context.Context, in Input) (*Plan, error) {
	plan, _, err := a.look(ctx, in)
	return plan, err
}

func (a *Applier) look(ctx context.Context, in Input) (*Plan, scheduler.Snapshot, error) {
	applied, err := LoadApplied(a.Dir)
	if err != nil {
		return nil, scheduler.Snapshot{}, err
	}
	snap, err := a.Scheduler.Read(ctx)
	if err != nil {
		return nil, snap, err
	}
	in.Applied, in.Actual, in.Render = applied, snap.Entries, a.Scheduler.Render
	return Make(in), snap, nil
}

// Apply plans and carries the plan out; when somebody else edits the scheduler meanwhile it starts over.
func (a *Applier) Apply(ctx context.Context, in Input) (*Plan, error) {
	for try := 1; ; try++ {
		plan, snap, err := a.look(ctx, in)
		if err != nil {
			return nil, err
		}
		err = a.carryOut(ctx, plan, snap)
		if !errors.Is(err, scheduler.ErrConflict) || try == maxTries {
			return plan, err
		}
	}
}

// carryOut writes job files before the entries that need them and drops them after the entries are gone.
func (a *Applier) carryOut(ctx context.Context, plan *Plan, snap scheduler.Snapshot) error {
	if err := a.writeJobFiles(plan); err != nil {
		return err
	}
	if plan.Changes() {
		if err := a.Scheduler.Write(ctx, snap, plan.Entries); err != nil {
			return err
		}
	}
	if err := a.saveApplied(plan.Next); err != nil {
		return err
	}
	return a.dropJobFiles(plan)
}

// saveApplied writes only what changed: an idle agent leaves the disk alone.
func (a *Applier) saveApplied(next Applied) error {
	last, err := LoadApplied(a.Dir)
	if err == nil && last.Tenant == next.Tenant && last.Commit == next.Commit && maps.EqualFunc(last.Entries, next.Entries, sameApplied) {
		return nil
	}
	return a.Dir.WriteJSON(appliedFile, next)
}

func sameApplied(x, y AppliedEntry) bool {
	return x.Address == y.Address && x.Path == y.Path && x.Body == y.Body && slices.Equal(x.Heals, y.Heals)
}

func (a *Applier) writeJobFiles(plan *Plan) error {
	if _, err := a.Dir.Sub(jobfile.Dir); err != nil {
		return err
	}
	for id, job := range plan.JobFiles {
		if old, err := jobfile.Load(a.Dir.Root(), id); err == nil {
			// A commit that left this job alone doesn't rewrite its file.
			job = keepCommit(old, job)
		}
		data, err := job.Encode()
		if err != nil {
			return err
		}
		path := jobfile.Path(a.Dir.Root(), id)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
			continue
		}
		if err := statedir.WriteFile(path, data); err != nil {
			return fmt.Errorf("job %s/%s: %w", job.Namespace, job.Name, err)
		}
	}
	return nil
}

func keepCommit(old, fresh *jobfile.Job) *jobfile.Job {
	same := *fresh
	same.Commit = old.Commit
	x, errX := same.Encode()
	y, errY := old.Encode()
	if errX == nil && errY == nil && bytes.Equal(x, y) {
		return &same
	}
	return fresh
}

// dropJobFiles removes the files of jobs without entry and record.
func (a *Applier) dropJobFiles(plan *Plan) error {
	files, err := os.ReadDir(a.Dir.Path(jobfile.Dir))
	if err != nil {
		return fmt.Errorf("job files: %w", err)
	}
	held := make(map[uuid.UUID]bool, len(plan.Entries))
	for _, e := range plan.Entries {
		held[e.JobID] = true
	}
	for _, f := range files {
		id, err := uuid.Parse(strings.TrimSuffix(f.Name(), ".json"))
		if err != nil || held[id] {
			continue
		}
		if _, recorded := plan.Next.Entries[id]; recorded {
			continue
		}
		if err := a.Dir.Remove(jobfile.Dir, f.Name()); err != nil {
			return err
		}
	}
	return nil
}
