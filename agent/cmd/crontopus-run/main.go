// crontopus-run is what the native scheduler starts in place of a job's command. It spools a start record,
// runs the command, spools a finish record and exits with the command's own code. It waits for no network
// and prints nothing; trouble with the spool never keeps a job from running.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/clock"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
	"crontopus.dev/agent/pkg/version"
)

// Exit codes of crontopus-run's own; everything else is the command's. As env(1), nohup(1) and timeout(1) use them.
const (
	exitUsage       = 2
	exitOwn         = 125 // crontopus-run itself failed
	exitNotRunnable = 126
	exitNotFound    = 127
)

const usage = `usage: crontopus-run [--state-dir DIR] [--now] [--print] [--verbose] JOB-ID
       crontopus-run --ping URL [--rid UUID] [options] -- COMMAND [ARGS…]
       crontopus-run --api URL --token-file FILE --job-id UUID [options] -- COMMAND [ARGS…]

The first runs a job that crontopus-agent has applied on this machine, and reports the run. Crontab entries
call it; by hand, add --now to run the job whatever its schedule says, and --print to see its output.

The others wrap a command on a machine without an agent: they run it at once and tell a ping URL, or the API,
of its start and its end. What cannot be told now is told with the next call. Options of these:

  --timeout DURATION   end the command after so long (90s, 2h)
  --max-output BYTES   how much of the output is told, head and tail (65536; 0: none)
  --redact REGEXP      hide what matches; may be repeated
  --wait DURATION      how long telling the end may take (30s)

The exit code is the command's, 128+n when signal n ended it.
`

// options are the command line.
type options struct {
	stateDir, ping, rid, api, tokenFile, jobID string
	now, print, verbose, version               bool
	timeout, wait                              time.Duration
	maxOutput                                  int
	redact                                     []string
}

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func parse(args []string, stderr io.Writer) (*options, []string, error) {
	o := &options{}
	flags := flag.NewFlagSet("crontopus-run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	flags.StringVar(&o.stateDir, "state-dir", "", "where job files, spool and locks are")
	flags.BoolVar(&o.now, "now", false, "run the job whatever its schedule says")
	flags.BoolVar(&o.print, "print", false, "pass the command's output on")
	flags.BoolVar(&o.verbose, "verbose", false, "say on stderr what could not be recorded")
	flags.BoolVar(&o.version, "version", false, "print the version")
	flags.StringVar(&o.ping, "ping", "", "ping URL")
	flags.StringVar(&o.rid, "rid", "", "id of the run")
	flags.StringVar(&o.api, "api", "", "address of the server")
	flags.StringVar(&o.tokenFile, "token-file", "", "file with an API token")
	flags.StringVar(&o.jobID, "job-id", "", "id of the job")
	flags.DurationVar(&o.timeout, "timeout", 0, "end the command after so long")
	flags.DurationVar(&o.wait, "wait", 30*time.Second, "how long telling the end may take")
	flags.IntVar(&o.maxOutput, "max-output", 64<<10, "how much of the output is told")
	flags.Func("redact", "hide what matches", func(s string) error { o.redact = append(o.redact, s); return nil })
	err := flags.Parse(args)
	return o, flags.Args(), err
}

func run(args []string, stderr io.Writer) int {
	o, rest, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case o.version:
		fmt.Println("crontopus-run", version.Version)
		return 0
	}
	warn := func(error) {}
	if o.verbose {
		warn = func(err error) { fmt.Fprintln(stderr, "crontopus-run:", err) }
	}
	r := &runner{runID: newID(warn), now: time.Now, warn: warn, grace: killGrace, atOnce: o.now, print: o.print, stderr: stderr}
	if o.ping != "" || o.api != "" {
		return wrap(r, o, rest, stderr)
	}
	id, err := uuid.Parse(first(rest))
	if err != nil || len(rest) != 1 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	if r.root, err = stateRoot(o.stateDir); err != nil {
		fmt.Fprintln(stderr, "crontopus-run:", err)
		return exitOwn
	}
	r.now = clock.At(r.root)
	return runJob(r, id)
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func stateRoot(flagValue string) (string, error) {
	if flagValue != "" {
		return flagValue, nil
	}
	return statedir.CronDefault()
}

func runJob(r *runner, id uuid.UUID) int {
	r.report = spool.NewWriter(r.root, r.runID)
	job, err := loadJob(r.root, id)
	if err != nil {
		// The one case that must be heard: cron mails it, and the server hears of a failed run.
		fmt.Fprintln(r.stderr, "crontopus-run: cannot run:", err)
		r.job = &jobfile.Job{JobID: id}
		r.append(r.finish(result{code: exitOwn, outcome: spool.OutcomeFailure, message: "crontopus-run could not read the job: " + err.Error()}, nil, nil))
		r.warnIf(r.report.Close())
		return exitOwn
	}
	r.job = job
	return r.run()
}

// loadJob reads the job's file and makes sure that it is this user's to run: root must not be led to run what
// somebody else has written.
func loadJob(root string, id uuid.UUID) (*jobfile.Job, error) {
	if err := ownDirectory(root); err != nil {
		return nil, err
	}
	job, err := jobfile.Load(root, id)
	if err != nil {
		return nil, err
	}
	if job.User == "" {
		return job, nil
	}
	// A user whom this program cannot look up (a directory service) is left to the check above.
	if who, err := user.Lookup(job.User); err == nil && ownID() != "" && who.Uid != ownID() {
		return nil, fmt.Errorf("it runs as %s: try `sudo -u %s crontopus-run …`", job.User, job.User)
	}
	return job, nil
}
