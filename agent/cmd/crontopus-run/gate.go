package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/gate"
	"crontopus.dev/agent/pkg/statedir"
)

const (
	slotsDir = "slots"
	// deciding is how long another start of the same job may take over its gate: two small files' fsync.
	deciding = 10 * time.Second
)

// gate tells whether a slot is due, and writes down that it is served before it says so.
func (r *runner) gate() (due bool, err error) {
	if !r.job.Gate || r.atOnce {
		return true, nil
	}
	g, err := gate.New(r.job.Schedules, r.job.Timezone, time.Duration(r.job.GraceSeconds)*time.Second)
	if err != nil {
		return false, err
	}
	release, err := r.lockGate()
	if err != nil {
		return false, err
	}
	defer release()
	now := r.now()
	memory, err := loadSlots(r.root, r.job.JobID)
	if err != nil {
		if _, near := g.Near(now); !near {
			return false, nil // no slot's time: nothing is lost
		}
		// The next slot finds no memory, and runs.
		return false, errors.Join(err, os.Rename(slotsFile(r.root, r.job.JobID), slotsFile(r.root, r.job.JobID)+".bad"))
	}
	slot, due := g.Decide(now, memory)
	if !due {
		return false, nil
	}
	r.slot = &slot
	if err := saveSlots(r.root, r.job.JobID, memory.With(slot)); err != nil {
		if now.Sub(slot) > gate.Punctual {
			return false, fmt.Errorf("a late slot cannot be marked as served: %w", err)
		}
		r.warn(err) // a full disk is no reason: no second trigger of this slot is within its minute
	}
	return true, nil
}

// lockGate keeps two starts of a job from deciding at once. Where there can be no lock it does without: only a
// trigger that fires twice in one instant could then run a slot twice.
func (r *runner) lockGate() (release func(), err error) {
	f, err := openLock(r.root, r.job.JobID.String()+".gate")
	if err != nil {
		r.warn(err)
		return func() {}, nil
	}
	release = func() { r.warnIf(f.Close()) }
	tick := time.NewTicker(lockRetry / 10)
	defer tick.Stop()
	end := time.NewTimer(deciding)
	defer end.Stop()
	for {
		err := statedir.TryFlock(f)
		if !errors.Is(err, statedir.ErrLocked) {
			r.warnIf(err)
			return release, nil
		}
		select {
		case <-tick.C:
		case <-end.C:
			release()
			return nil, fmt.Errorf("another start of this job does not let go of its gate: %w", err)
		}
	}
}

func slotsFile(root string, job uuid.UUID) string {
	return filepath.Join(root, slotsDir, job.String())
}

func loadSlots(root string, job uuid.UUID) (gate.Memory, error) {
	data, err := statedir.ReadFile(slotsFile(root, job), gate.Size)
	if errors.Is(err, fs.ErrNotExist) {
		return gate.Memory{}, nil
	}
	if err != nil {
		return gate.Memory{}, fmt.Errorf("served slots: %w", err)
	}
	memory, err := gate.Decode(data)
	if err != nil {
		return gate.Memory{}, fmt.Errorf("served slots: %w", err)
	}
	return memory, nil
}

// saveSlots replaces the file durably. Where there is no room for a second one it overwrites the first, whose size
// never changes.
func saveSlots(root string, job uuid.UUID, memory gate.Memory) error {
	data, err := memory.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, slotsDir), 0o700); err != nil {
		return fmt.Errorf("served slots: %w", err)
	}
	path := slotsFile(root, job)
	if err = statedir.WriteFile(path, data); err == nil {
		return nil
	}
	f, inPlace := os.OpenFile(path, os.O_WRONLY, 0)
	if inPlace != nil {
		return err
	}
	_, inPlace = f.WriteAt(data, 0)
	if inPlace = errors.Join(inPlace, f.Sync(), f.Close()); inPlace != nil {
		return errors.Join(err, inPlace)
	}
	return nil
}
