//go:build unix

package cron

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

func TestForeignOfASystem(t *testing.T) {
	c, m := newSystem(t, Debian)
	m.Write(t, "etc/crontab", "PATH=/bin\n25 6 * * *\troot\tcd / && run-parts --report /etc/cron.daily\n", 0o644)
	m.Write(t, "etc/cron.d/a.b", "0 0 * * * root not read\n", 0o644)
	m.Write(t, "etc/cron.daily/rotate", "#!/bin/sh\n", 0o755)
	m.Write(t, "etc/cron.daily/off", "#!/bin/sh\n", 0o644)
	m.Write(t, "etc/cron.daily/x.disabled", "#!/bin/sh\n", 0o755)
	m.Write(t, "etc/anacrontab", "SHELL=/bin/sh\n7\t10\tcron.weekly\tweekly\n", 0o644)
	target := m.Write(t, "elsewhere", "@hourly root linked\n", 0o644)
	if err := os.Symlink(target, m.Root+"/etc/cron.d/link"); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Run(t, "0 4 * * * four\n", "-u", "games", "-"); !ok {
		t.Fatal("crontab -u games")
	}
	write(t, c, scheduler.Change{Want: []scheduler.Entry{renderFor(t, c, "games", uuid.UUID{1}, "@daily")}})
	list, err := c.Foreign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range list {
		got = append(got, fmt.Sprintf("%s %s %s %s %s %v", strings.TrimPrefix(f.Source, m.Root), f.User, f.Schedule, f.Timezone, strings.TrimPrefix(f.Command, m.Root), f.Fixed != ""))
	}
	want := []string{"crontab games 0 4 * * * UTC four false", "/etc/crontab root 25 6 * * * UTC cd / && run-parts --report /etc/cron.daily true",
		"/etc/cron.d/link root @hourly UTC linked true", "/etc/cron.daily/rotate root 25 6 * * * UTC /etc/cron.daily/rotate true", "/etc/anacrontab root @weekly UTC weekly true"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
	own, _ := newCron(t, m.Crontab)
	own.root, own.me = m.Root, "nobody"
	m.Write(t, "etc/cron.d/pkg", "0 0 * * * nobody n\n0 0 * * * games g\n", 0o644)
	if list, err := own.Foreign(t.Context()); err != nil || len(list) != 1 || list[0].Command != "n" || list[0].Fixed == "" {
		t.Errorf("user mode: %+v, %v", list, err)
	}
}
