package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/statedir"
)

const (
	allow   = "allow"
	replace = "replace"

	locksDir  = "locks"
	lockRetry = 50 * time.Millisecond
	maxHolder = 4 << 10
)

var errBusy = errors.New("the previous run is still going")

// holder is what the lock file of a job says about the run that holds it.
type holder struct {
	RunID   uuid.UUID `json:"run_id"`
	Run     process   `json:"run"`     // crontopus-run
	Command process   `json:"command"` // leader of its group; zero before it is started
}

// overlap keeps the runs of a job apart. The kernel frees the lock when crontopus-run ends; a command that outlives
// a killed crontopus-run is known by what the file says.
type overlap struct {
	f    *os.File
	held holder
	warn func(error)
}

// enter takes the job's lock, by ending the earlier run where the job says replace. errBusy: there is one, and it
// stays. Any other trouble is no reason not to run the job. A signal that comes meanwhile is given back.
func (r *runner) enter(signals <-chan os.Signal) (*overlap, os.Signal, error) {
	none := &overlap{warn: r.warn}
	if r.job.Concurrency == allow || r.job.Concurrency == "" {
		return none, nil, nil
	}
	f, err := openLock(r.root, r.job.JobID.String())
	if err != nil {
		r.warn(err)
		return none, nil, nil
	}
	o := &overlap{f: f, warn: r.warn}
	stopped, err := r.take(o, signals)
	if errors.Is(err, errBusy) || stopped != nil {
		o.leave()
		return none, stopped, err
	}
	r.warnIf(err)
	if o.held.Run, err = thisProcess(); err != nil {
		r.warn(err)
	}
	o.held.RunID = r.runID
	o.tell()
	return o, nil, nil
}

func openLock(root, name string) (*os.File, error) {
	dir := filepath.Join(root, locksDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}

// take gets the lock of a job, whose file is open. Nobody else's command runs when it returns without an error.
func (r *runner) take(o *overlap, signals <-chan os.Signal) (os.Signal, error) {
	tick := time.NewTicker(lockRetry)
	defer tick.Stop()
	patience := time.NewTimer(r.grace + slack)
	defer patience.Stop()
	var asked uuid.UUID
	killing := false
	for {
		err := statedir.TryFlock(o.f)
		earlier := o.read()
		if err == nil && !earlier.Command.alive() {
			r.forget(asked)
			return nil, nil
		}
		if err != nil && !errors.Is(err, statedir.ErrLocked) {
			return nil, err
		}
		if r.job.Concurrency != replace {
			return nil, errBusy
		}
		r.warnIf(r.end(earlier, err == nil, killing, &asked))
		select {
		case s := <-signals:
			return s, nil
		case <-tick.C:
		case <-patience.C:
			if killing {
				return nil, fmt.Errorf("%w and could not be stopped", errBusy)
			}
			killing = true
			patience.Reset(slack)
		}
	}
}

// end asks the earlier run to end, once, and later makes it.
func (r *runner) end(earlier holder, orphaned, killing bool, asked *uuid.UUID) error {
	if earlier.RunID == uuid.Nil {
		return nil // it has the lock and has not said yet who it is
	}
	if killing {
		return earlier.kill()
	}
	if *asked == earlier.RunID {
		return nil
	}
	*asked = earlier.RunID
	if orphaned {
		return earlier.endCommand()
	}
	r.warnIf(os.WriteFile(replacedBy(r.root, earlier.RunID), []byte(r.runID.String()), 0o600))
	return earlier.endRun()
}

// replacedBy is the file in which a run reads that a later one wants its place.
func replacedBy(root string, run uuid.UUID) string {
	return filepath.Join(root, locksDir, run.String()+".replaced")
}

// forget removes what asked a run to end; it tells whether there was anything.
func (r *runner) forget(run uuid.UUID) bool {
	err := os.Remove(replacedBy(r.root, run))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.warn(err)
	}
	return err == nil
}

// read gives what the file says; nothing where it is empty or just being written.
func (o *overlap) read() holder {
	var h holder
	data, err := io.ReadAll(io.NewSectionReader(o.f, 0, maxHolder))
	if err != nil || json.Unmarshal(data, &h) != nil {
		return holder{}
	}
	return h
}

// started tells whoever waits for the lock which command runs under it.
func (o *overlap) started(pid int) {
	if o.f == nil {
		return
	}
	var err error
	if o.held.Command, err = identify(pid); err != nil {
		return // it is over already
	}
	o.tell()
}

// tell needs no fsync: after a reboot nobody runs any more.
func (o *overlap) tell() {
	data, err := json.Marshal(o.held)
	if err == nil {
		err = o.f.Truncate(0)
	}
	if err == nil {
		_, err = o.f.WriteAt(data, 0)
	}
	if err != nil {
		o.warn(err)
	}
}

// leave lets the next run in; it is safe to call twice.
func (o *overlap) leave() {
	if o.f == nil {
		return
	}
	if o.held.RunID != uuid.Nil {
		if err := o.f.Truncate(0); err != nil {
			o.warn(err)
		}
	}
	if err := o.f.Close(); err != nil {
		o.warn(err)
	}
	o.f = nil
}
