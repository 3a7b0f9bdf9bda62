package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/config"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

// leftBehind is what another installation of ours left in this machine's scheduler: jobs that run twice, or that no agent
// looks after any more. A new enrolment does that, and going from user mode to system mode.
type leftBehind struct {
	text string
	hint string
}

// leftBehinds looks for them. Another user's own agent, with jobs of its own, is none; with all it is told as well.
func (m *machine) leftBehinds(ctx context.Context, all bool) ([]leftBehind, error) {
	familiar, ok := m.sched.(scheduler.Familiar)
	if !ok {
		return nil, nil
	}
	snap, err := m.sched.Read(ctx)
	if err != nil {
		return nil, err
	}
	siblings, trouble := familiar.Siblings(ctx)
	var out []leftBehind
	for _, s := range siblings {
		both := twice(s.Jobs, snap.Entries)
		dir := stateOf(s)
		why := ""
		switch {
		case both > 0:
			why = fmt.Sprintf("%d of these jobs are this agent's as well, and run twice", both)
		case !tended(dir):
			why = "no agent looks after them"
		case all:
			why = "its agent runs; jobs that both are given would run twice"
		default:
			continue
		}
		out = append(out, leftBehind{
			text: fmt.Sprintf("%s of %s has %d entries of another installation: %s", s.Source, or(s.User, "somebody"), len(s.Jobs), why),
			hint: fmt.Sprintf("stop the agent they belong to, then as %s: crontopus-agent eject --state-dir %s (or remove the lines that end in %s:…)",
				or(s.User, "their user"), dir, "# crontopus:"+s.Installation.String())})
	}
	return out, trouble
}

func twice(jobs []uuid.UUID, ours []scheduler.Entry) int {
	n := 0
	for _, id := range jobs {
		if slices.ContainsFunc(ours, func(e scheduler.Entry) bool { return e.JobID == id }) {
			n++
		}
	}
	return n
}

// stateOf is the state directory of the agent that wrote the entries.
func stateOf(s scheduler.Sibling) string {
	if s.StateDir == "" {
		who, err := user.Lookup(s.User)
		if err != nil {
			return ""
		}
		return filepath.Join(who.HomeDir, ".local", "state", "crontopus")
	}
	if above := filepath.Dir(s.StateDir); filepath.Base(above) == area.Users {
		return filepath.Dir(above) // an agent in system mode has an area for each user
	}
	return s.StateDir
}

// tended tells whether an agent works in a state directory. Where that cannot be seen, one does.
func tended(dir string) bool {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0)
	if err != nil {
		return dir == "" || !errors.Is(err, fs.ErrNotExist)
	}
	defer file.Close()
	return statedir.TryFlock(file) != nil
}

// warnLeftBehind tells, at the installation of a service, of entries that an earlier one left or an agent of a user's keeps.
// The service is installed all the same.
func warnLeftBehind(ctx context.Context, c *config.Config, out io.Writer) {
	e, err := openEndpoint(c)
	if errors.Is(err, enroll.ErrNotEnrolled) {
		return // doctor will tell
	}
	var found []leftBehind
	if err == nil {
		var m *machine
		if m, err = openMachine(c, e); err == nil {
			found, err = m.leftBehinds(ctx, true)
		}
	}
	for _, f := range found {
		fmt.Fprintf(out, "Take care: %s.\n  %s\n", f.text, f.hint)
	}
	if err != nil {
		fmt.Fprintf(out, "Entries of earlier installations could not be looked for: %v\n", err)
	}
}
