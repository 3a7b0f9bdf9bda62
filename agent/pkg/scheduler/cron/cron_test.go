//go:build unix

package cron

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/crontabtest"
	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
)

func newCron(t *testing.T, command string) (*Cron, string) {
	t.Helper()
	state, err := os.MkdirTemp("", "crontopus-cron-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(state); err != nil {
			t.Error(err)
		}
	})
	c, err := New(Options{Installation: inst, RunPath: "/usr/bin/crontopus-run", StateDir: state, Command: command, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	return c, state
}

func render(t *testing.T, c *Cron, id uuid.UUID, text string) scheduler.Entry {
	t.Helper()
	s, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Render(scheduler.Job{ID: id, Schedules: []schedule.Schedule{s}, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func read(t *testing.T, c *Cron) scheduler.Snapshot {
	t.Helper()
	snap, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func TestRealCrontab(t *testing.T) {
	crontabtest.Borrow(t)
	c, state := newCron(t, "")
	if snap := read(t, c); len(snap.Entries) != 0 || snap.Token != "" {
		t.Fatalf("no crontab: %+v", snap)
	}
	foreign := "# mine % \\% ü\n\nMAILTO=\"\"\n0 3 * * *\ttrue\n" + strings.Repeat("# filler line\n", 200)
	crontabtest.Set(t, foreign)
	a := render(t, c, uuid.UUID{1}, "every 5m")
	if err := c.Write(t.Context(), read(t, c), scheduler.Change{Want: []scheduler.Entry{a}}); err != nil {
		t.Fatal(err)
	}
	if got := crontabtest.Get(t); got != a.Body+"\n"+foreign {
		t.Fatalf("crontab: %q", got)
	}
	stale := read(t, c)
	crontabtest.Set(t, "# by hand\n"+crontabtest.Get(t))
	if err := c.Write(t.Context(), stale, scheduler.Change{}); !errors.Is(err, scheduler.ErrConflict) {
		t.Errorf("stale write: %v", err)
	}
	if err := c.Write(t.Context(), read(t, c), scheduler.Change{}); err != nil {
		t.Fatal(err)
	}
	if got := crontabtest.Get(t); got != "# by hand\n"+foreign {
		t.Errorf("crontab after removal: %q", got)
	}
	kept, err := filepath.Glob(filepath.Join(state, "backups", "crontab-*"))
	if err != nil || len(kept) != 2 {
		t.Fatalf("backups: %v, %v", kept, err)
	}
	if data, err := os.ReadFile(kept[0]); err != nil || string(data) != foreign {
		t.Errorf("backup: %q, %v", data, err)
	}
}

// oddCrontab is a crontab command over a file that can be told to misbehave.
func oddCrontab(t *testing.T, list, write string) (command, file string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "tab")
	if list == "" {
		list = `[ -e "$tab" ] || { echo "no crontab for me" >&2; exit 1; }; cat "$tab"`
	}
	if write == "" {
		write = `cat > "$tab"`
	}
	script := "#!/bin/sh\ntab=" + file + "\nif [ \"$1\" = -l ]; then " + list + "; else " + write + "; fi\n"
	command = filepath.Join(dir, "crontab")
	if err := os.WriteFile(command, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return command, file
}

func TestOnlyAPlainlyMissingCrontabIsEmpty(t *testing.T) {
	for name, list := range map[string]string{
		"PAM":            `echo "You (me) are not allowed to access to (crontab) because of pam configuration." >&2; exit 1`,
		"cron.allow":     `echo "You (me) are not allowed to use this program (crontab)" >&2; exit 1`,
		"silent":         `exit 1`,
		"other code":     `echo "no crontab for me" >&2; exit 2`,
		"killed":         `kill -9 $$`,
		"both":           `echo "0 0 * * * x"; echo "no crontab for me" >&2; exit 1`,
		"unknown user":   `echo "crontab:  user 'me' unknown" >&2; exit 1`,
		"more than that": `printf 'no crontab for me\nbut disk trouble\n' >&2; exit 1`,
		"endless":        `exec yes`,
	} {
		t.Run(name, func(t *testing.T) {
			command, file := oddCrontab(t, list, "")
			c, _ := newCron(t, command)
			if snap, err := c.Read(t.Context()); !errors.Is(err, scheduler.ErrUnavailable) {
				t.Errorf("read %+v, %v", snap, err)
			}
			if err := c.Write(t.Context(), scheduler.Snapshot{}, scheduler.Change{Want: []scheduler.Entry{entry(uuid.UUID{1}, "0 1 * * *")}}); err == nil {
				t.Error("wrote over it")
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("the crontab was written")
			}
		})
	}
	for _, said := range []string{"no crontab for me", "crontab: no crontab for me", "crontab: can't open 'me': No such file or directory"} {
		command, _ := oddCrontab(t, `echo "`+said+`" >&2; exit 1`, "")
		c, _ := newCron(t, command)
		if snap, err := c.Read(t.Context()); err != nil || len(snap.Entries) != 0 {
			t.Errorf("%s: %+v, %v", said, snap, err)
		}
	}
}

func TestWritesThatGoWrong(t *testing.T) {
	const foreign = "# mine\n0 0 * * * x\n"
	for _, c := range []struct{ name, write, want, after string }{
		{"refused", `echo "bad minute" >&2; exit 1`, "bad minute", foreign},
		{"no space", `cat >/dev/null; exit 0`, "unchanged", foreign},
		// The first write spoils the crontab, the second (the restore) works.
		{"truncated", `if [ -e "$tab.once" ]; then cat > "$tab"; else : > "$tab.once"; head -c 5 > "$tab"; fi`, "restored", foreign},
		{"killed in the middle", `if [ -e "$tab.once" ]; then cat > "$tab"; else : > "$tab.once"; : > "$tab"; kill -9 $$; fi`, "restored", foreign},
		{"somebody else's line", `{ cat; echo "# theirs"; } > "$tab"`, scheduler.ErrConflict.Error(), ""},
		{"said no, did it", `cat > "$tab"; echo warning >&2; exit 1`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			command, file := oddCrontab(t, "", c.write)
			if err := os.WriteFile(file, []byte(foreign), 0o600); err != nil {
				t.Fatal(err)
			}
			tab, state := newCron(t, command)
			err := tab.Write(t.Context(), read(t, tab), scheduler.Change{Want: []scheduler.Entry{entry(uuid.UUID{1}, "0 1 * * *")}})
			if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			now, readErr := os.ReadFile(file)
			if readErr != nil || !strings.Contains(string(now), foreign) || (c.after != "" && string(now) != c.after) {
				t.Errorf("crontab %q, %v", now, readErr)
			}
			if kept, err := filepath.Glob(filepath.Join(state, "backups", "crontab-*")); err != nil || len(kept) == 0 {
				t.Errorf("no backup: %v", err)
			}
		})
	}
}

func TestAStopDoesNotInterruptAWrite(t *testing.T) {
	command, file := oddCrontab(t, "", "")
	c, _ := newCron(t, command)
	snap := read(t, c)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := c.Write(stopped, snap, scheduler.Change{Want: []scheduler.Entry{entry(uuid.UUID{1}, "0 1 * * *")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestBackupsAreBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range keptBackups + 5 {
		if err := (backups{dir, func() time.Time { return time.Unix(int64(i), 0) }}).keep("crontab", "x"); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(kept) != keptBackups {
		t.Errorf("%d kept, %v", len(kept), err)
	}
}

func TestPathsThatCronOrTheShellWouldReadAreRefused(t *testing.T) {
	for _, bad := range []string{"/a b", "/a%b", "/a$b", "/a;b", "/a'b", "/a\nb", "relative", "/a#b", "/ä"} {
		if _, err := New(Options{Installation: inst, RunPath: bad, StateDir: "/s"}); err == nil {
			t.Errorf("run path %q accepted", bad)
		}
		if _, err := New(Options{Installation: inst, RunPath: "/r", StateDir: bad}); err == nil {
			t.Errorf("state directory %q accepted", bad)
		}
	}
}
