package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/reconcile"
)

// say tells what was ordered, and when it happens.
func say(out io.Writer, e *endpoint, what string) error {
	works, err := running(e)
	if err != nil {
		return err
	}
	when := "The agent does it within seconds."
	if !works {
		when = "No agent is running here: it happens at the next crontopus-agent apply, or when the agent is started."
	}
	if _, err := fmt.Fprintf(out, "%s\n%s\n", what, when); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{12}$`)

func confirmCommand(_ context.Context, args []string, out io.Writer) error {
	s := newSettings("confirm", out)
	c, words, err := s.parseWords(args)
	if err != nil {
		return err
	}
	if len(words) != 1 || !digestForm.MatchString(words[0]) {
		return &usageError{"confirm needs the digest that plan or status shows: crontopus-agent confirm DIGEST"}
	}
	e, err := openEndpoint(c)
	if err != nil {
		return err
	}
	if err := reconcile.Confirm(e.dir, words[0], time.Now()); err != nil {
		return err
	}
	return say(out, e, "Approved, for a day and for exactly these removals: "+words[0])
}

func holdCommand(_ context.Context, args []string, out io.Writer) error {
	s := newSettings("hold", out)
	release := s.flags.Bool("release", false, "change things again")
	reason := s.flags.String("reason", "", "why, for whoever wonders")
	_, e, err := s.open(args)
	if err != nil {
		return err
	}
	if *release {
		if err := reconcile.ReleaseHold(e.dir); err != nil {
			return err
		}
		return say(out, e, "Released: what waits is applied.")
	}
	if err := reconcile.SetHold(e.dir, reconcile.Hold{At: time.Now().UTC(), Reason: *reason}); err != nil {
		return err
	}
	return say(out, e, "On hold: jobs go on running, and no entry is changed until: crontopus-agent hold --release")
}

func ejectCommand(ctx context.Context, args []string, out io.Writer) error {
	s := newSettings("eject", out).withOutput()
	keep := s.flags.Bool("keep", false, "let jobs go on as plain entries, where those do the same")
	dry := s.flags.Bool("dry-run", false, "only show what would be done")
	c, e, err := s.open(args)
	if err != nil {
		return err
	}
	if !*dry {
		unlock, err := e.dir.Lock(lockFile)
		if err != nil {
			return err
		}
		defer unlock()
	}
	m, err := openMachine(c, e)
	if err != nil {
		return err
	}
	done, err := m.applier(e).Eject(ctx, *keep, !*dry, time.Now())
	if err != nil {
		return err
	}
	return showEjected(out, s.format, done, *dry)
}

func showEjected(out io.Writer, format string, done *reconcile.Ejected, dry bool) error {
	if format == "json" {
		return showJSON(out, done)
	}
	var b strings.Builder
	list := func(what string, entries []reconcile.EjectedEntry) {
		for _, entry := range entries {
			fmt.Fprintf(&b, "%s %s", what, or(entry.Address, entry.JobID.String()))
			if entry.Reason != "" {
				b.WriteString(": " + entry.Reason)
			}
			b.WriteString("\n")
			showDiff(&b, "+", entry.Text)
		}
	}
	list("removed", done.Removed)
	list("restored what was there before", done.Restored)
	list("made plain", done.Plain)
	list("left, still started by crontopus-run:", done.Left)
	switch {
	case dry:
		b.WriteString("Nothing was done: this is what would be.\n")
	default:
		b.WriteString("The endpoint is on hold. To forget this machine, revoke it in the console under Endpoints.\n")
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}
