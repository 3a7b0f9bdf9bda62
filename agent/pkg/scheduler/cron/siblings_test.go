//go:build unix

package cron

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

// Who goes from user mode to system mode with a new enrolment leaves the first installation's entries where they are.
func TestEntriesOfAnotherInstallationAreKnown(t *testing.T) {
	c, m := newSystem(t, Debian)
	other, job := uuid.UUID{15: 7}, uuid.UUID{15: 8}
	line := "0 4 * * * /opt/crontopus-run --state-dir /home/games/state " + job.String() + " " + marker(other, job) + "\n"
	if _, ok := m.Run(t, "1 1 * * * theirs\n"+line, "-u", "games", "-"); !ok {
		t.Fatal("crontab -u games")
	}
	m.Write(t, "etc/cron.d/crontopus-old", strings.Replace(line, "/opt", "games /opt", 1), 0o644)
	write(t, c, scheduler.Change{Want: []scheduler.Entry{renderFor(t, c, "games", uuid.UUID{1}, "@daily")}})

	list, err := c.Siblings(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, where := range []string{"crontab", m.Root + "/etc/cron.d/crontopus-old"} {
		s := list[i]
		if s.Installation != other || s.Source != where || s.User != "games" || s.StateDir != "/home/games/state" || !slices.Equal(s.Jobs, []uuid.UUID{job}) {
			t.Errorf("%+v", s)
		}
	}
}
