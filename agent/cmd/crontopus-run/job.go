package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
)

// maxMessage is what the API takes, in characters.
const maxMessage = 2000

// Variables, so that tests are in a hurry.
var (
	// killGrace lies between TERM and KILL.
	killGrace = 10 * time.Second
	// slack is how long beyond it an earlier run may take to report and to let go of its lock.
	slack = 5 * time.Second
)

// runner is one run of one job.
type runner struct {
	root   string
	job    *jobfile.Job
	runID  uuid.UUID
	now    func() time.Time
	warn   func(error)
	grace  time.Duration // killGrace
	atOnce bool          // whatever the gate says
	stdin  *os.File      // nil: nothing to read
	print  bool          // pass the output on
	stderr io.Writer     // for what must be heard
	slot   *time.Time    // which the gate found due
	report reporter
}

// reporter takes the records of a run. Nothing it does may keep the run from going on.
type reporter interface {
	Append(spool.Record) error
	Close() error
}

// result is how the command ended.
type result struct {
	code    int
	outcome string
	message string
	stopped bool // by a signal to crontopus-run: no further attempt
}

func (r *runner) run() int {
	signals, stop := listen()
	defer stop()
	defer func() { r.warnIf(r.report.Close()) }()

	if due, err := r.gate(); err != nil {
		return r.gateFailed(err)
	} else if !due {
		return 0
	}
	if s, _ := pause(signals, nil, r.jitter()); s != nil {
		return r.stoppedEarly(s)
	}
	own, s, err := r.enter(signals)
	if s != nil {
		return r.stoppedEarly(s)
	}
	if err != nil {
		r.append(r.finish(result{outcome: spool.OutcomeSkipped, message: err.Error()}, nil, nil))
		return 0
	}
	defer own.leave()
	return r.record(own, signals)
}

// stoppedEarly tells of a run that a signal ended before its command was started.
func (r *runner) stoppedEarly(s os.Signal) int {
	res := result{code: stoppedCode(s), outcome: spool.OutcomeFailure, message: fmt.Sprintf("stopped by a signal (%v) before the command was started", s)}
	r.append(r.finish(res, nil, nil))
	return res.code
}

// record spools both ends of the run around the command.
func (r *runner) record(own *overlap, signals <-chan os.Signal) int {
	began := r.now()
	r.append(r.base(spool.KindStart, began))
	kept := newCapture(r.job.Output)
	a := &attempts{runner: r, kept: kept, own: own, signals: signals}
	res, drained := a.run()
	seconds := float64(max(r.now().Sub(began), 0).Milliseconds()) / 1000
	r.append(r.finish(res, &seconds, kept))
	r.warnIf(r.report.Close()) // the run is over, even where a daemon it left still holds the pipe
	own.leave()
	select {
	case <-drained:
	case <-signals:
	}
	return res.code
}

func (r *runner) base(kind string, at time.Time) spool.Record {
	rec := spool.Record{EventID: newID(r.warn), RunID: r.runID, JobID: r.job.JobID, Kind: kind, At: at.UTC(), SlotAt: r.slot, Commit: r.job.Commit}
	if r.job.InstanceID != uuid.Nil {
		rec.InstanceID = &r.job.InstanceID
	}
	return rec
}

func (r *runner) finish(res result, seconds *float64, kept *capture) spool.Record {
	rec := r.base(spool.KindFinish, r.now())
	rec.Outcome, rec.Message, rec.DurationSeconds = res.outcome, clip(res.message), seconds
	if res.outcome != spool.OutcomeSkipped {
		rec.ExitCode = &res.code
	}
	if kept != nil {
		rec.Output = kept.output()
	}
	return rec
}

// clip keeps a message within what the API takes.
func clip(message string) string {
	runes := []rune(message)
	for i, c := range runes {
		if c == 0 {
			runes[i] = '\ufffd'
		}
	}
	return string(runes[:min(len(runes), maxMessage)])
}

func (r *runner) append(rec spool.Record) { r.warnIf(r.report.Append(rec)) }

func (r *runner) warnIf(err error) {
	if err != nil {
		r.warn(err)
	}
}

func (r *runner) jitter() time.Duration {
	if r.job.JitterSeconds <= 0 || r.atOnce {
		return 0
	}
	return time.Duration(rand.Int64N(min(r.job.JitterSeconds, 3600)*1000)) * time.Millisecond
}

// pause waits. It gives the signal that came first, if one did, and whether end cut it short.
func pause(signals <-chan os.Signal, end <-chan time.Time, d time.Duration) (os.Signal, bool) {
	if d <= 0 {
		return nil, false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-end:
		return nil, true
	case s := <-signals:
		return s, false
	}
	return nil, false
}

func newID(warn func(error)) uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		warn(err)
		return uuid.New()
	}
	return id
}

var errGate = errors.New("the gate of this job could not be evaluated, and it was not run")

// gateFailed says that a slot may have gone by without its run.
func (r *runner) gateFailed(cause error) int {
	err := fmt.Errorf("%w: %w", errGate, cause)
	r.append(r.finish(result{code: exitOwn, outcome: spool.OutcomeFailure, message: err.Error()}, nil, nil))
	fmt.Fprintln(r.stderr, "crontopus-run:", err)
	return exitOwn
}
