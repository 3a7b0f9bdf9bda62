//go:build unix

package systemd

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, isLink := strings.CutPrefix(text, "-> "); isLink {
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestTimersOfUnitFiles(t *testing.T) {
	root := tree(t, map[string]string{
		"usr/lib/systemd/system/backup.timer":                 "# c\n[Timer]\nOnCalendar=daily\n",
		"usr/lib/systemd/system/backup.timer.d/10.conf":       "[Timer]\nOnCalendar=\nOnCalendar=Mon..Fri 02:30 Europe/London\n",
		"usr/lib/systemd/system/backup.service":               "[Service]\nUser=ann\nExecStart=-/usr/bin/backup \\\n  --all\nExecStart=/bin/true\n",
		"etc/systemd/system/timers.target.wants/backup.timer": "-> /usr/lib/systemd/system/backup.timer",
		"usr/lib/systemd/system/off.timer":                    "[Timer]\nOnCalendar=daily\n",
		"usr/lib/systemd/system/masked.timer":                 "[Timer]\nOnCalendar=daily\n",
		"etc/systemd/system/masked.timer":                     "-> /dev/null",
		"etc/systemd/system/timers.target.wants/masked.timer": "-> /usr/lib/systemd/system/masked.timer",
		"etc/systemd/system/boot.timer":                       "[Timer]\nOnBootSec=5min\n",
		"etc/systemd/system/timers.target.wants/boot.timer":   "-> ../boot.timer",
		"etc/systemd/system/poll@.timer":                      "[Timer]\nOnUnitActiveSec=5min\nUnit=other.service\n",
		"etc/systemd/system/timers.target.wants/poll@a.timer": "-> ../poll@.timer",
		"etc/systemd/system/other.service":                    "[Service]\nExecStart=/bin/poll",
	})
	list, err := System(root).Foreign(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	b, p := list[0], list[1]
	if b.Place != "backup.timer" || b.Schedule != "30 2 * * mon-fri" || b.Timezone != "Europe/London" || b.User != "ann" ||
		b.Command != "/usr/bin/backup --all && /bin/true" || b.Fixed == "" || !strings.Contains(b.Text, "OnCalendar=daily") {
		t.Errorf("%+v", b)
	}
	if p.Place != "poll@a.timer" || p.Schedule != "" || p.Command != "/bin/poll" || p.ID == b.ID {
		t.Errorf("%+v", p)
	}
	again, err := System(root).Foreign(t.Context())
	if err != nil || again[0].ID != b.ID {
		t.Errorf("the id is not stable: %+v, %v", again, err)
	}
	if list, err := System(t.TempDir()).Foreign(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("a machine without systemd: %+v, %v", list, err)
	}
}

func TestTimersOfAUser(t *testing.T) {
	root := tree(t, map[string]string{
		"home/.config/systemd/user/x.timer":                      "[Timer]\nOnCalendar=*:0/15\n",
		"home/.config/systemd/user/default.target.wants/x.timer": "-> ../x.timer",
	})
	list, err := User(root, filepath.Join(root, "home"), "ann").Foreign(t.Context())
	if err != nil || len(list) != 1 || list[0].User != "ann" || list[0].Schedule != "*/15 * * * *" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestWhatCannotBeReadIsToldAndTheRestIsListed: a user's folder holds what its user likes.
func TestWhatCannotBeReadIsToldAndTheRestIsListed(t *testing.T) {
	root := tree(t, map[string]string{
		"etc/systemd/system/good.timer":                     "[Timer]\nOnCalendar=hourly\n",
		"etc/systemd/system/timers.target.wants/good.timer": "-> ../good.timer",
		"etc/systemd/system/timers.target.wants/pipe.timer": "-> ../pipe.timer",
		"etc/systemd/system/big.timer":                      strings.Repeat("#", maxUnit+1),
		"etc/systemd/system/timers.target.wants/big.timer":  "-> ../big.timer",
		"etc/systemd/system/timers.target.wants/gone.timer": "-> ../gone.timer",
	})
	if err := syscall.Mkfifo(filepath.Join(root, "etc/systemd/system/pipe.timer"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := System(root).Foreign(t.Context())
	if len(list) != 1 || list[0].Place != "good.timer" {
		t.Errorf("%+v", list)
	}
	if err == nil || !strings.Contains(err.Error(), "pipe.timer") || !strings.Contains(err.Error(), "big.timer") {
		t.Errorf("error: %v", err)
	}
}

func TestCalendarExpressions(t *testing.T) {
	for text, want := range map[string]string{
		"daily": "0 0 * * *", "Weekly": "0 0 * * 1", "*-*-* 02:05:00": "5 2 * * *", "02:05": "5 2 * * *", "*-*-01 00:00:00": "0 0 1 * *",
		"*:0/15": "*/15 * * * *", "*-*-* 6,18:00": "0 6,18 * * *", "Sat..Sun 12:00": "0 12 * * sat-7", "Mon,Thu *-*-* 4:00": "0 4 * * mon,thu",
		"*-1,7-1 03:00": "0 3 1 1,7 *", "*-*-* 00/2:30": "30 */2 * * *", "Mon *-*-1..7 04:00": "", "2027-01-01 00:00": "",
		"*-*-* *:*:30": "", "nonsense": "", "": "", "*-*~01 00:00": "", "hourly UTC": "0 * * * *", "*:10/20": "10-59/20 * * * *",
	} {
		if got, _ := cronOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzUnit(f *testing.F) {
	f.Add("[Timer]\nOnCalendar=daily\\\n x\n#\n=\n[")
	f.Fuzz(func(t *testing.T, text string) {
		u := &unit{}
		u.add(text)
		for _, e := range u.all("Timer", "OnCalendar") {
			cronOf(e)
		}
		cronOf(text)
	})
}
