// crontopus-agent keeps this machine's own scheduler in step with the tenant's Git repository and reports
// what ran. It never runs a job itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"crontopus.dev/agent/pkg/version"
)

const usage = `crontopus-agent keeps this machine's scheduler in step with your Crontopus repository.

usage:
  crontopus-agent enroll --server URL --token TOKEN [--label key=value …]   make this machine an endpoint
  crontopus-agent run [--config FILE]       work: pull, reconcile, report (also: crontopus-agent --config FILE)
  crontopus-agent plan                      show what apply would change
  crontopus-agent apply                     fetch and reconcile once
  crontopus-agent status                    show how this endpoint is doing
  crontopus-agent doctor                    look for trouble, and say how each job is scheduled
  crontopus-agent confirm DIGEST            approve removals that wait; plan and status show the digest
  crontopus-agent hold [--release]          change nothing until it is released
  crontopus-agent discover                  list the jobs on this machine that are not Crontopus's
  crontopus-agent adopt ID [--as NAMESPACE/NAME] | --undo ID | --again ID
                                            show the manifest that takes a job over; take an adoption back
  crontopus-agent eject [--keep]            take every entry out of the scheduler and restore what was adopted
  crontopus-agent service install|start|stop|status|uninstall
                                            run as a service of this machine, or of your user
  crontopus-agent verify FILE               check a downloaded file of a release
  crontopus-agent signers                   show whose commits are trusted; --accept a changed key
  crontopus-agent version

Settings: --config FILE, or CRONTOPUS_* in the environment. Help on a command: crontopus-agent COMMAND --help
`

type command func(ctx context.Context, args []string, out io.Writer) error

var commands = map[string]command{
	"enroll": enrollCommand, "run": runCommand, "plan": planCommand, "apply": applyCommand, "status": statusCommand,
	"doctor": doctorCommand, "confirm": confirmCommand, "hold": holdCommand, "discover": discoverCommand, "adopt": adoptCommand, "eject": ejectCommand,
	"verify": verifyCommand, "signers": signersCommand, "service": serviceCommand,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	name, rest := "", args
	switch {
	case len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h":
		fmt.Fprint(stdout, usage)
		return 0
	case args[0] == "version" || args[0] == "--version":
		fmt.Fprintln(stdout, strings.TrimSpace("crontopus-agent "+version.Version+" "+version.Commit))
		return 0
	case strings.HasPrefix(args[0], "-"):
		name = "run" // crontopus-agent --config FILE
	default:
		name, rest = args[0], args[1:]
	}
	run, ok := commands[name]
	if !ok {
		fmt.Fprintf(stderr, "crontopus-agent: unknown command %q; see crontopus-agent --help\n", name)
		return exitUsage
	}
	err := run(ctx, rest, stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	line, code := explain(err)
	fmt.Fprintln(stderr, "crontopus-agent:", line)
	return code
}
