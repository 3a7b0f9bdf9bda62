package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
)

const killGrace = 10 * time.Second

type runner struct {
	root  string
	job   *jobfile.Job
	runID uuid.UUID
	now   func() time.Time
	warn  func(error)
	grace time.Duration // between TERM and KILL
}

// result is how the command ended.
type result struct {
	code    int
	outcome string
	message string
	stopped bool // by a signal to crontopus-run: no further attempt
}

func (r *runner) run() int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	defer signal.Stop(signals)

	w := spool.NewWriter(r.root, r.runID)
	defer func() {
		if err := w.Close(); err != nil {
			r.warn(err)
		}
	}()
	release, busy := r.lock()
	defer release()
	if busy {
		r.append(w, r.finish(result{outcome: spool.OutcomeSkipped, message: "the previous run is still going"}, nil, nil))
		return 0
	}
	if !r.pause(signals, r.jitter()) {
		return 128 + 15
	}
	return r.record(w, signals)
}

// record spools both ends of the run around the command.
func (r *runner) record(w *spool.Writer, signals <-chan os.Signal) int {
	began := r.now()
	r.append(w, r.base(spool.KindStart, began))
	cap := newCapture(r.job.Output)
	res, drained := r.attempts(cap, signals)
	elapsed := r.now().Sub(began) // monotonic
	seconds := float64(elapsed.Milliseconds()) / 1000
	r.append(w, r.finish(res, &seconds, cap))
	if err := w.Close(); err != nil { // the run is over, even where a daemon it left still holds the pipe
		r.warn(err)
	}
	<-drained
	return res.code
}

func (r *runner) base(kind string, at time.Time) spool.Record {
	return spool.Record{EventID: newEventID(r.warn), RunID: r.runID, JobID: r.job.JobID, InstanceID: &r.job.InstanceID,
		Kind: kind, At: at.UTC(), Commit: r.job.Commit}
}

func (r *runner) finish(res result, seconds *float64, cap *capture) spool.Record {
	rec := r.base(spool.KindFinish, r.now())
	rec.Outcome, rec.Message, rec.DurationSeconds = res.outcome, res.message, seconds
	if res.outcome != spool.OutcomeSkipped {
		rec.ExitCode = &res.code
	}
	if cap != nil {
		rec.Output = cap.output()
	}
	return rec
}

func (r *runner) append(w *spool.Writer, rec spool.Record) {
	if err := w.Append(rec); err != nil {
		r.warn(err)
	}
}

// lock keeps runs of a `concurrency: forbid` job apart. Trouble with the lock file lets the job run.
func (r *runner) lock() (release func(), busy bool) {
	nothing := func() {}
	if r.job.Concurrency != "forbid" {
		return nothing, false
	}
	dir := filepath.Join(r.root, "locks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		r.warn(err)
		return nothing, false
	}
	f, err := os.OpenFile(filepath.Join(dir, r.job.JobID.String()), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		r.warn(err)
		return nothing, false
	}
	release = func() { _ = f.Close() } // the kernel frees the lock; nothing was written
	if err := statedir.TryFlock(f); err != nil {
		if errors.Is(err, statedir.ErrLocked) {
			return release, true
		}
		r.warn(err)
	}
	return release, false
}

func (r *runner) jitter() time.Duration {
	if r.job.JitterSeconds <= 0 {
		return 0
	}
	return time.Duration(rand.Int64N(r.job.JitterSeconds*1000)) * time.Millisecond
}

// pause waits; false when a signal came first.
func (r *runner) pause(signals <-chan os.Signal, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-signals:
		return false
	}
}

// attempts runs the command until it succeeds, is stopped, or has had its tries. The output is the last one's.
func (r *runner) attempts(cap *capture, signals <-chan os.Signal) (result, <-chan struct{}) {
	tries := max(r.job.Retry.Attempts, 1)
	for try := 1; ; try++ {
		cap.reset()
		res, drained := r.attempt(cap, signals)
		if tries > 1 && try > 1 {
			res.message = joinMessage(res.message, fmt.Sprintf("attempt %d of %d", try, tries))
		}
		if res.code == 0 || res.stopped || try == tries || !r.pause(signals, backoff(r.job.Retry, try)) {
			return res, drained
		}
	}
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
func (r *runner) attempt(cap *capture, signals <-chan os.Signal) (result, <-chan struct{}) {
	drained := make(chan struct{})
	cmd, read, err := r.command()
	if err != nil {
		close(drained)
		return startFailure(err), drained
	}
	go func() {
		defer close(drained)
		defer read.Close()
		if _, err := cap.ReadFrom(read); err != nil {
			r.warn(err)
		}
	}()
	res := r.wait(cmd, signals)
	select {
	case <-drained:
	case <-time.After(outputWait):
	}
	return res, drained
}

// outputWait is how long a finished command's output may trickle in before the run is recorded.
const outputWait = 2 * time.Second

// command starts the job; what it prints comes out of read.
func (r *runner) command() (*exec.Cmd, *os.File, error) {
	argv := r.job.Argv
	if r.job.Shell {
		argv = shellArgv(argv)
	}
	env := os.Environ()
	for k, v := range r.job.Env {
		env = append(env, k+"="+v)
	}
	env = append(env, "CRONTOPUS_RUN_ID="+r.runID.String(), "CRONTOPUS_JOB="+r.job.Namespace+"/"+r.job.Name)
	path, err := lookPath(argv[0], r.job.WorkingDir, env)
	if err != nil {
		return nil, nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("pipe: %w", err)
	}
	defer write.Close()
	cmd := &exec.Cmd{Path: path, Args: argv, Dir: r.job.WorkingDir, Env: env, Stdout: write, Stderr: write}
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, read.Close())
	}
	return cmd, read, nil
}

// startFailure gives the exit code a shell would give.
func startFailure(err error) result {
	code := exitNotRunnable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = exitNotFound
	}
	return result{code: code, outcome: spool.OutcomeFailure, message: "could not start: " + err.Error()}
}

// wait forwards signals and enforces the timeout until the command has ended.
func (r *runner) wait(cmd *exec.Cmd, signals <-chan os.Signal) result {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var timeout, kill <-chan time.Time
	if r.job.TimeoutSeconds > 0 {
		t := time.NewTimer(time.Duration(r.job.TimeoutSeconds) * time.Second)
		defer t.Stop()
		timeout = t.C
	}
	res := result{}
	for {
		select {
		case err := <-done:
			return r.ended(cmd, err, res)
		case s := <-signals:
			res.stopped = true
			r.warnIf(signalGroup(cmd, s))
		case <-timeout:
			res.outcome = spool.OutcomeTimeout
			res.message = fmt.Sprintf("stopped after its timeout of %ds", r.job.TimeoutSeconds)
			r.warnIf(terminateGroup(cmd))
			t := time.NewTimer(r.grace)
			defer t.Stop()
			kill = t.C
		case <-kill:
			res.message += "; killed, as it did not end within " + r.grace.String()
			r.warnIf(killGroup(cmd))
		}
	}
}

func (r *runner) ended(cmd *exec.Cmd, err error, res result) result {
	if res.outcome == spool.OutcomeTimeout {
		r.warnIf(killGroup(cmd)) // what the command left in its group has had its chance
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.warn(err)
	}
	res.code = exitCode(cmd.ProcessState)
	if res.outcome == "" {
		res.outcome = spool.OutcomeSuccess
		if res.code != 0 {
			res.outcome = spool.OutcomeFailure
		}
	}
	return res
}

func (r *runner) warnIf(err error) {
	if err != nil {
		r.warn(err)
	}
}

// lookPath finds the command as execvp would with the job's own PATH and directory.
func lookPath(name, dir string, env []string) (string, error) {
	if filepath.Base(name) != name {
		if dir != "" && !filepath.IsAbs(name) {
			return name, nil // the kernel resolves it after the change of directory
		}
		return exec.LookPath(name)
	}
	path := ""
	for _, kv := range env {
		if v, ok := cutPath(kv); ok {
			path = v
		}
	}
	for _, d := range filepath.SplitList(path) {
		if !filepath.IsAbs(d) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(d, name)); err == nil {
			return found, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}
