package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
)

// outputWait is how long a finished command's output may trickle in before the run is recorded.
const outputWait = 2 * time.Second

// attempts runs the command until it succeeds, is stopped, has had its tries, or the run's time is up.
type attempts struct {
	*runner
	kept    *capture
	own     *overlap
	signals <-chan os.Signal
	timeout <-chan time.Time // of the run as a whole
	try     int
}

// run gives the last attempt's result; the output kept is its. drained closes when that has ended.
func (a *attempts) run() (result, <-chan struct{}) {
	if a.job.TimeoutSeconds > 0 {
		t := time.NewTimer(time.Duration(a.job.TimeoutSeconds) * time.Second)
		defer t.Stop()
		a.timeout = t.C
	}
	tries := max(a.job.Retry.Attempts, 1)
	for a.try = 1; ; a.try++ {
		a.kept.reset()
		res, drained := a.attempt()
		if a.try > 1 {
			res.message = joinMessage(res.message, fmt.Sprintf("attempt %d of %d", a.try, tries))
		}
		if res.code == 0 || res.stopped || res.outcome == spool.OutcomeTimeout || a.try == tries || a.halted(&res) {
			return res, drained
		}
	}
}

// halted waits before the next attempt; true where there will be none.
func (a *attempts) halted(res *result) bool {
	s, up := pause(a.signals, a.timeout, backoff(a.job.Retry, a.try))
	switch {
	case s != nil:
		res.stopped = true
		res.message = joinMessage(res.message, fmt.Sprintf("stopped by a signal (%v) before the next attempt", s))
	case up:
		res.outcome = spool.OutcomeTimeout
		res.message = joinMessage(res.message, fmt.Sprintf("no further attempt: the timeout of %ds is over", a.job.TimeoutSeconds))
	}
	return s != nil || up
}

func joinMessage(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// backoff is the wait after a failed try; at most an hour.
func backoff(retry jobfile.Retry, try int) time.Duration {
	d := time.Duration(retry.DelaySeconds) * time.Second
	switch retry.Backoff {
	case "exponential":
		d <<= min(try-1, 12)
	case "linear":
		d *= time.Duration(try)
	}
	return min(d, time.Hour)
}

// attempt runs the command once. drained closes when its output has ended, which a daemon that it left
// behind can put off after the command itself is over.
func (a *attempts) attempt() (result, <-chan struct{}) {
	drained := make(chan struct{})
	g, streams, err := a.start()
	if err != nil {
		close(drained)
		return startFailure(err), drained
	}
	a.own.started(g.cmd.Process.Pid)
	go func() {
		defer close(drained)
		a.collect(streams)
	}()
	res := a.wait(g)
	a.warnIf(g.release())
	select {
	case <-drained:
	case <-time.After(outputWait):
	}
	return res, drained
}

// wait forwards signals and enforces the timeout until the command has ended.
func (a *attempts) wait(g *group) result {
	done := make(chan error, 1)
	go func() { done <- g.cmd.Wait() }()
	var kill <-chan time.Time
	res := result{}
	for {
		select {
		case err := <-done:
			return a.ended(g, err, res, kill != nil)
		case s := <-a.signals:
			res.stopped = true
			a.warnIf(g.signal(s))
			if kill == nil && asksToEnd(s) && a.forget(a.runID) {
				res.message = "ended to make room for the next run"
				kill = time.After(a.grace)
			}
		case <-a.timeout:
			res.outcome = spool.OutcomeTimeout
			res.message = joinMessage(res.message, fmt.Sprintf("stopped after its timeout of %ds", a.job.TimeoutSeconds))
			a.warnIf(g.terminate())
			kill = time.After(a.grace)
		case <-kill:
			res.message += "; killed, as it did not end within " + a.grace.String()
			a.warnIf(g.kill())
		}
	}
}

// ended reads how the command ended. What an ended run left in its group has had its chance.
func (a *attempts) ended(g *group, err error, res result, stopping bool) result {
	if stopping {
		a.warnIf(g.kill())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		a.warn(err)
	}
	res.code = exitCode(g.cmd.ProcessState)
	if res.outcome == "" {
		res.outcome = spool.OutcomeSuccess
		if res.code != 0 {
			res.outcome = spool.OutcomeFailure
		}
	}
	return res
}
