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
	"time"

	"github.com/google/uuid"

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

const usage = `usage: crontopus-run [--state-dir DIR] [--verbose] JOB-ID

Runs a job that crontopus-agent has applied on this machine. Crontab entries call it;
by hand it runs the job once, now, and reports the run like any other.
`

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("crontopus-run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	dir := flags.String("state-dir", "", "the agent's state directory")
	verbose := flags.Bool("verbose", false, "say on stderr what could not be recorded")
	showVersion := flags.Bool("version", false, "print the version")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	if *showVersion {
		fmt.Println("crontopus-run", version.Version)
		return 0
	}
	id, err := uuid.Parse(flags.Arg(0))
	if err != nil || flags.NArg() != 1 {
		flags.Usage()
		return exitUsage
	}
	root, err := stateRoot(*dir)
	if err != nil {
		fmt.Fprintln(stderr, "crontopus-run:", err)
		return exitOwn
	}
	warn := func(error) {}
	if *verbose {
		warn = func(err error) { fmt.Fprintln(stderr, "crontopus-run:", err) }
	}
	return runJob(root, id, warn, stderr)
}

func stateRoot(flagValue string) (string, error) {
	if flagValue != "" {
		return flagValue, nil
	}
	return statedir.CronDefault()
}

func runJob(root string, id uuid.UUID, warn func(error), stderr io.Writer) int {
	runID, err := uuid.NewV7()
	if err != nil {
		warn(err)
		runID = uuid.New()
	}
	job, err := jobfile.Load(root, id)
	if err != nil {
		// The one case that must be heard: cron mails it, and the server hears of a failed run.
		fmt.Fprintln(stderr, "crontopus-run: cannot run:", err)
		reportUnrunnable(root, id, runID, err, warn)
		return exitOwn
	}
	r := &runner{root: root, job: job, runID: runID, now: time.Now, warn: warn, grace: killGrace}
	return r.run()
}

func reportUnrunnable(root string, id, runID uuid.UUID, cause error, warn func(error)) {
	w := spool.NewWriter(root, runID)
	code := exitOwn
	rec := spool.Record{EventID: newEventID(warn), RunID: runID, JobID: id, Kind: spool.KindFinish, At: time.Now().UTC(),
		Outcome: spool.OutcomeFailure, ExitCode: &code, Message: "crontopus-run could not read the job: " + cause.Error()}
	if err := errors.Join(w.Append(rec), w.Close()); err != nil {
		warn(err)
	}
}

func newEventID(warn func(error)) uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		warn(err)
		return uuid.New()
	}
	return id
}
