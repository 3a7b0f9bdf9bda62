//go:build unix

package cron

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/crontabtest"
	"crontopus.dev/agent/pkg/scheduler"
)

// TestAnEmptyAnswerIsNotAnEmptyCrontab: a `crontab -l` that prints nothing and says that all is well is not believed when
// something was written before; one that stops in the middle of a line neither.
func TestAnEmptyAnswerIsNotAnEmptyCrontab(t *testing.T) {
	const foreign = "# mine\n0 0 * * * x\n"
	for name, list := range map[string]string{
		"empty":     `[ -e "$tab.odd" ] || exec cat "$tab"`,
		"cut off":   `if [ -e "$tab.odd" ]; then exec head -c 30 "$tab"; else exec cat "$tab"; fi`,
		"only half": `if [ -e "$tab.odd" ]; then head -c 30 "$tab"; echo "I/O error" >&2; exit 1; else exec cat "$tab"; fi`,
	} {
		t.Run(name, func(t *testing.T) {
			command, path := oddCrontab(t, list, "")
			if err := os.WriteFile(path, []byte(foreign), 0o600); err != nil {
				t.Fatal(err)
			}
			c, _ := newCron(t, command)
			change := scheduler.Change{Want: []scheduler.Entry{entry(uuid.UUID{1}, "0 1 * * *")}}
			if err := c.Write(t.Context(), read(t, c), change); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+".odd", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			snap, err := c.Read(t.Context())
			if !errors.Is(err, scheduler.ErrUnavailable) {
				t.Errorf("read %+v, %v", snap, err)
			}
			for _, from := range []scheduler.Snapshot{snap, {}} {
				if err := c.Write(t.Context(), from, change); err == nil {
					t.Error("wrote over it")
				}
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != string(before) {
				t.Errorf("crontab %q, %v", now, err)
			}
			if err := os.Remove(path + ".odd"); err != nil {
				t.Fatal(err)
			}
			if snap := read(t, c); len(snap.Entries) != 1 {
				t.Errorf("afterwards: %+v", snap)
			}
		})
	}
}

// TestAnEmptiedCrontab: empty before anything of ours was in it, and removed by its owner, are both plainly empty.
func TestAnEmptiedCrontab(t *testing.T) {
	crontabtest.Borrow(t)
	crontabtest.Set(t, "")
	c, _ := newCron(t, "")
	want := []scheduler.Entry{entry(uuid.UUID{1}, "0 1 * * *")}
	for range 2 {
		if err := c.Write(t.Context(), read(t, c), scheduler.Change{Want: want}); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("crontab", "-r").CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	}
	if err := c.Write(t.Context(), read(t, c), scheduler.Change{Want: want}); err != nil {
		t.Fatal(err)
	}
	if err := c.Write(t.Context(), read(t, c), scheduler.Change{}); err != nil {
		t.Fatal(err)
	}
	if snap := read(t, c); len(snap.Entries) != 0 || crontabtest.Get(t) != "" {
		t.Errorf("%+v", snap)
	}
	crontabtest.Set(t, want[0].Body+"\n")
	if err := c.Write(t.Context(), read(t, c), scheduler.Change{Want: []scheduler.Entry{entry(uuid.UUID{2}, "0 1 * * *")}}); err != nil {
		t.Fatal(err)
	}
	crontabtest.Set(t, "")
	if _, err := c.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "crontab -r") {
		t.Errorf("emptied by hand: %v", err)
	}
}

// TestWarningsAreNoFailure: what the command says on standard error means nothing when it does its work.
func TestWarningsAreNoFailure(t *testing.T) {
	command, path := oddCrontab(t, `echo "warning: locale" >&2; cat "$tab"`, `echo "no crontab for me" >&2; cat > "$tab"`)
	if err := os.WriteFile(path, []byte("# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := newCron(t, command)
	want := entry(uuid.UUID{1}, "0 1 * * *")
	if err := c.Write(t.Context(), read(t, c), scheduler.Change{Want: []scheduler.Entry{want}}); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != want.Body+"\n# mine\n" {
		t.Errorf("%q, %v", now, err)
	}
}

// TestRealFailures: the real command on a read-only disk, killed by a limit while it writes, and refused as PAM does it.
func TestRealFailures(t *testing.T) {
	foreign := "# mine\n0 0 * * * x\n" + strings.Repeat("# filler so that the file is larger than the limit\n", 100)
	for name, before := range map[string]string{
		"read-only disk": "mount -o remount,bind,ro /var/spool/cron/crontabs",
		"killed":         "ulimit -f 1",
		"not allowed":    `echo "You (root) are not allowed to access to (crontab) because of pam configuration." >&2; [ "$1" = -l ] || exit 1`,
	} {
		t.Run(name, func(t *testing.T) {
			m := crontabtest.NewMachine(t)
			if _, ok := m.Run(t, foreign, "-"); !ok {
				t.Fatal("crontab -")
			}
			odd := m.Odd(t, before)
			c, state := newCron(t, m.Crontab)
			snap := read(t, c)
			c.command = odd
			err := c.Write(t.Context(), snap, scheduler.Change{Want: []scheduler.Entry{entry(uuid.UUID{1}, "0 1 * * *")}})
			if err == nil {
				t.Error("it worked")
			}
			t.Log(err)
			if now, ok := m.Run(t, "", "-l"); !ok || now != foreign {
				t.Errorf("crontab %q", now)
			}
			if left, err := filepath.Glob(filepath.Join(state, "backups", "*")); err != nil || len(left) == 0 {
				t.Errorf("backups %v, %v", left, err)
			}
		})
	}
}

// TestNoBackupNoWrite: a state directory that takes no copy (full disk, wrong owner) keeps the crontab as it is.
func TestNoBackupNoWrite(t *testing.T) {
	command, path := oddCrontab(t, "", "")
	if err := os.WriteFile(path, []byte("# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, state := newCron(t, command)
	if err := os.WriteFile(filepath.Join(state, "backups"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if snap, err := c.Read(t.Context()); err != nil {
		t.Errorf("%+v, %v", snap, err)
	}
	err := c.Write(t.Context(), scheduler.Snapshot{Token: token([]sight{{c.placeOf(""), "# mine\n"}})},
		scheduler.Change{Want: []scheduler.Entry{entry(uuid.UUID{1}, "0 1 * * *")}})
	if now, readErr := os.ReadFile(path); err == nil || readErr != nil || string(now) != "# mine\n" {
		t.Errorf("%v: %q, %v", err, now, readErr)
	}
}
