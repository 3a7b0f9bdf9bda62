//go:build unix

package cron

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/crontabtest"
	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
)

// newSystem is an agent of the whole system on a machine of its own. Its users are accounts that every Debian has.
func newSystem(t *testing.T, flavour Flavour) (*Cron, *crontabtest.Machine) {
	t.Helper()
	m := crontabtest.NewMachine(t)
	if flavour == Busybox {
		path, err := exec.LookPath("busybox")
		if err != nil {
			t.Skip("no busybox here")
		}
		m.Use(t, path+" crontab")
	}
	c, err := New(Options{Installation: inst, RunPath: "/usr/bin/crontopus-run", StateDir: m.Root + "/state", Command: m.Crontab, Flavour: flavour,
		Zone: time.UTC, System: true, Root: m.Root})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(m.Root+"/state", 0o711); err != nil {
		t.Fatal(err)
	}
	return c, m
}

func renderFor(t *testing.T, c *Cron, user string, id uuid.UUID, text string) scheduler.Entry {
	t.Helper()
	s, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Render(scheduler.Job{ID: id, User: user, Schedules: []schedule.Schedule{s}, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func write(t *testing.T, c *Cron, change scheduler.Change) {
	t.Helper()
	if err := c.Write(t.Context(), read(t, c), change); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

func TestFilesPerUser(t *testing.T) {
	c, m := newSystem(t, Debian)
	games, backup := filepath.Join(m.Root, "etc/cron.d/crontopus-games"), filepath.Join(m.Root, "etc/cron.d/crontopus-backup")
	theirs := m.Write(t, "etc/cron.d/theirs", "0 0 * * * root x\n", 0o600)
	a, b, root := renderFor(t, c, "games", uuid.UUID{1}, "0 1 * * *"), renderFor(t, c, "backup", uuid.UUID{2}, "0 2 * * *"), renderFor(t, c, "", uuid.UUID{3}, "0 3 * * *")
	if want := "0 1 * * * games /usr/bin/crontopus-run --state-dir " + m.Root + "/state/users/5 " + a.JobID.String() + " "; !strings.HasPrefix(a.Body, want) || a.User != "games" || root.User != "root" {
		t.Fatalf("%+v, %+v; want %s", a, root, want)
	}
	write(t, c, scheduler.Change{Want: []scheduler.Entry{a, b, root}})
	if got := content(t, games); got != header+a.Body+"\n" {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(games); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got := read(t, c).Entries; len(got) != 3 || !slices.Contains(got, a) || !slices.Contains(got, b) || !slices.Contains(got, root) {
		t.Errorf("%+v", got)
	}
	// A job moves to another user, another goes, somebody adds a line of their own.
	m.Write(t, "etc/cron.d/crontopus-backup", content(t, backup)+"# by hand\n", 0o644)
	moved := renderFor(t, c, "backup", a.JobID, "0 1 * * *")
	write(t, c, scheduler.Change{Want: []scheduler.Entry{moved, root}})
	if got := content(t, backup); got != header+moved.Body+"\n# by hand\n" {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat(games); !os.IsNotExist(err) {
		t.Errorf("an empty file stays: %v", err)
	}
	write(t, c, scheduler.Change{})
	if got := content(t, backup); got != "# by hand\n" {
		t.Errorf("%q", got)
	}
	if left, err := filepath.Glob(filepath.Join(m.Root, "etc/cron.d/*")); err != nil || len(left) != 2 || content(t, theirs) != "0 0 * * * root x\n" {
		t.Errorf("%v, %v", left, err)
	}
}

func TestNamesOfUsers(t *testing.T) {
	c, m := newSystem(t, Debian)
	c.area = func(string) (string, error) { return "/a", nil }
	e := renderFor(t, c, "john.doe", uuid.UUID{1}, "0 1 * * *")
	write(t, c, scheduler.Change{Want: []scheduler.Entry{e}})
	if got := content(t, m.Root+"/etc/cron.d/crontopus-john_2Edoe"); !strings.Contains(got, " john.doe /usr") || !slices.Contains(read(t, c).Entries, e) {
		t.Errorf("%q, %+v", got, read(t, c).Entries)
	}
	s, err := schedule.Parse("@daily")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"../x", "a b", "a%", "a\nb", "-a", "1a", "a_2Eb", "a/b", ".", "ä", strings.Repeat("a", 33)} {
		job := scheduler.Job{ID: uuid.UUID{1}, User: bad, Schedules: []schedule.Schedule{s}, Zone: time.UTC}
		if e, err := c.Render(job); err == nil {
			t.Errorf("%q: %+v", bad, e)
		}
		if err := c.Write(t.Context(), read(t, c), scheduler.Change{Want: []scheduler.Entry{{JobID: e.JobID, User: bad, Body: e.Body}}}); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
	c.area = func(name string) (string, error) { return areaBelow("/s", name) }
	if e, err := c.Render(scheduler.Job{ID: uuid.UUID{1}, User: "nosuchuser", Schedules: []schedule.Schedule{s}, Zone: time.UTC}); err == nil {
		t.Errorf("no such user: %+v", e)
	}
	own, _ := newCron(t, m.Crontab)
	if e, err := own.Render(scheduler.Job{ID: uuid.UUID{1}, User: "games", Schedules: []schedule.Schedule{s}, Zone: time.UTC}); err == nil {
		t.Errorf("another's job in user mode: %+v", e)
	}
}

// TestAdoptionAcrossPlaces: lines of /etc/crontab, cron.d and a user's crontab go when our entries come, and come back.
func TestAdoptionAcrossPlaces(t *testing.T) {
	c, m := newSystem(t, Debian)
	const systemText, dropIn, users = "# sys\nPATH=/bin\n0 1 * * * games one\n0 2 * * * root two\n", "0 3 * * * backup three\n", "MAILTO=x\n0 4 * * * four\n# end\n"
	m.Write(t, "etc/crontab", systemText, 0o640)
	m.Write(t, "etc/cron.d/pkg", dropIn, 0o644)
	if _, ok := m.Run(t, users, "-u", "games", "-"); !ok {
		t.Fatal("crontab -u games")
	}
	list, err := c.Foreign(t.Context())
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	var adopt []scheduler.Foreign
	var want []scheduler.Entry
	for i, f := range list {
		if f.Command != "two" {
			adopt = append(adopt, f)
			want = append(want, renderFor(t, c, f.User, uuid.UUID{byte(i + 1)}, f.Schedule))
		}
	}
	write(t, c, scheduler.Change{Want: want, Adopt: adopt})
	tab, _ := m.Run(t, "", "-u", "games", "-l")
	if got := content(t, m.Root+"/etc/crontab") + "|" + content(t, m.Root+"/etc/cron.d/pkg") + "|" + tab; got != "# sys\nPATH=/bin\n0 2 * * * root two\n||MAILTO=x\n# end\n" {
		t.Errorf("adopted: %q", got)
	}
	if info, err := os.Stat(m.Root + "/etc/crontab"); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode of /etc/crontab: %v, %v", info.Mode(), err)
	}
	if len(read(t, c).Entries) != 3 {
		t.Errorf("%+v", read(t, c).Entries)
	}
	if err := c.Write(t.Context(), read(t, c), scheduler.Change{Want: want, Adopt: adopt[:1]}); !errors.Is(err, scheduler.ErrConflict) {
		t.Errorf("adopted twice: %v", err)
	}
	write(t, c, scheduler.Change{Restore: adopt})
	tab, _ = m.Run(t, "", "-u", "games", "-l")
	if got := content(t, m.Root+"/etc/crontab") + "|" + content(t, m.Root+"/etc/cron.d/pkg") + "|" + tab; got != systemText+"|"+dropIn+"|"+users {
		t.Errorf("restored: %q", got)
	}
	for _, bad := range []string{m.Root + "/etc/passwd", m.Root + "/etc/cron.d/../passwd", "/etc/shadow", "schtasks", "etc/crontab", m.Root + "/etc/cron.d/a/b"} {
		f := scheduler.Foreign{Source: bad, Text: "0 0 * * * root x", User: "root"}
		if err := c.Write(t.Context(), read(t, c), scheduler.Change{Restore: []scheduler.Foreign{f}}); !errors.Is(err, scheduler.ErrUnsupported) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestAPlaceThatFailsTakesTheOthersBack: the second of two files cannot be written.
func TestAPlaceThatFailsTakesTheOthersBack(t *testing.T) {
	c, m := newSystem(t, Debian)
	const users = "# x\n0 4 * * * four\n"
	if _, ok := m.Run(t, users, "-u", "games", "-"); !ok {
		t.Fatal("crontab -u games")
	}
	list, err := c.Foreign(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	c.command = m.Odd(t, "mount -o remount,bind,ro /var/spool/cron/crontabs")
	change := scheduler.Change{Want: []scheduler.Entry{renderFor(t, c, "games", uuid.UUID{1}, "0 4 * * *")}, Adopt: list}
	if err := c.Write(t.Context(), read(t, c), change); err == nil || !strings.Contains(err.Error(), "Read-only") {
		t.Fatal(err)
	}
	if got := read(t, c).Entries; len(got) != 0 {
		t.Errorf("our entry stayed though the other could not go: %+v", got)
	}
	c.command = m.Crontab
	write(t, c, change)
	if tab, _ := m.Run(t, "", "-u", "games", "-l"); tab != "# x\n" || len(read(t, c).Entries) != 1 {
		t.Errorf("afterwards %q, %+v", tab, read(t, c).Entries)
	}
}

// TestNeverNeither: at the moment at which the user's crontab is written, both ways, our entry is there: a power cut
// right then leaves line and entry, and not none of them.
func TestNeverNeither(t *testing.T) {
	c, m := newSystem(t, Debian)
	if _, ok := m.Run(t, "0 4 * * * four\n", "-u", "games", "-"); !ok {
		t.Fatal("crontab -u games")
	}
	list, err := c.Foreign(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	ours := m.Root + "/etc/cron.d/crontopus-games"
	c.command = m.Odd(t, `if [ "$3" = - ]; then cp `+ours+" "+m.Root+"/seen; fi")
	e := renderFor(t, c, "games", uuid.UUID{1}, "0 4 * * *")
	for _, change := range []scheduler.Change{{Want: []scheduler.Entry{e}, Adopt: list}, {Restore: list}} {
		write(t, c, change)
		if seen := content(t, m.Root+"/seen"); seen != header+e.Body+"\n" {
			t.Errorf("%+v: %q", change, seen)
		}
		if err := os.Remove(m.Root + "/seen"); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(ours); err == nil {
		t.Error("our entry is still there")
	}
}

// TestOneCrontabPerUser: where the daemon knows no /etc/cron.d, entry and foreign line are in one crontab and one write.
func TestOneCrontabPerUser(t *testing.T) {
	c, m := newSystem(t, Busybox)
	if _, ok := m.Run(t, "# x\n0 4 * * 7 four\n", "-u", "games", "-"); !ok {
		t.Fatal("crontab -u games")
	}
	list, err := c.Foreign(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	a, b := renderFor(t, c, "games", uuid.UUID{1}, "0 4 * * 7"), renderFor(t, c, "backup", uuid.UUID{2}, "@daily")
	if !strings.HasPrefix(a.Body, "0 4 * * 0 /usr/bin/crontopus-run ") {
		t.Errorf("%+v", a)
	}
	write(t, c, scheduler.Change{Want: []scheduler.Entry{a, b}, Adopt: list})
	if tab, _ := m.Run(t, "", "-u", "games", "-l"); tab != a.Body+"\n# x\n" {
		t.Errorf("%q", tab)
	}
	if got := read(t, c).Entries; len(got) != 2 || !slices.Contains(got, b) {
		t.Errorf("%+v", got)
	}
	write(t, c, scheduler.Change{Restore: list})
	if tab, _ := m.Run(t, "", "-u", "games", "-l"); tab != "# x\n0 4 * * 7 four\n" {
		t.Errorf("%q", tab)
	}
}

// TestCronSeesTwoChangesWithinOneSecond: it compares whole seconds of the file's and the directory's time.
func TestCronSeesTwoChangesWithinOneSecond(t *testing.T) {
	dir := t.TempDir()
	f := file{path: filepath.Join(dir, "f"), own: true}
	times := map[int64]bool{}
	for i := range 5 {
		if err := f.write(t.Context(), fmt.Sprintf("# %d\n", i)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(f.path)
		if err != nil {
			t.Fatal(err)
		}
		parent, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		times[info.ModTime().Unix()], times[-parent.ModTime().Unix()] = true, true
	}
	if len(times) != 10 {
		t.Errorf("%v", times)
	}
}

func TestFilesThatAreNotWritten(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, dir, filepath.Join(dir, "none", "x")} {
		if err := (file{path: path}).write(t.Context(), "y\n"); err == nil || content(t, target) != "x\n" {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, _, err := (file{path: link}).read(t.Context()); err == nil {
		t.Error("a link was read")
	}
	stale := filepath.Join(dir, ".crontopus.123.tmp")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (file{path: target}).write(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); err == nil || content(t, target) != "" {
		t.Error("left over of a killed process, or another's file removed")
	}
	if _, err := os.Stat(target); err != nil {
		t.Error(err)
	}
}

// TestTwoUsersByteForByte: the property of the user's crontab, for a crontab and a file of cron.d, of two users at once.
func TestTwoUsersByteForByte(t *testing.T) {
	c, m := newSystem(t, Debian)
	seed := seedOf(t)
	rng := rand.New(rand.NewPCG(seed, 7))
	crontabs := map[string]string{"games": strings.Join(foreignCrontab(), "\n") + "\n", "backup": "# backup's\n0 5 * * * five % \\% ü\n"}
	for name, text := range crontabs {
		if _, ok := m.Run(t, text, "-u", name, "-"); !ok {
			t.Fatal("crontab -u")
		}
	}
	jobs, err := c.Foreign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jobs = slices.DeleteFunc(jobs, func(f scheduler.Foreign) bool { return f.Fixed != "" })
	for range cycles(10) {
		var want []scheduler.Entry
		for i := range byte(8) {
			if rng.IntN(2) == 0 {
				want = append(want, renderFor(t, c, []string{"games", "backup"}[rng.IntN(2)], uuid.UUID{i + 1}, fmt.Sprintf("%d 2 * * *", rng.IntN(60))))
			}
		}
		adopt := []scheduler.Foreign{jobs[rng.IntN(len(jobs))], jobs[len(jobs)-1]}
		if adopt[0].ID == adopt[1].ID {
			adopt = adopt[:1]
		}
		write(t, c, scheduler.Change{Want: want, Adopt: adopt})
		if got := read(t, c).Entries; len(got) != len(want) || slices.ContainsFunc(want, func(e scheduler.Entry) bool { return !slices.Contains(got, e) }) {
			t.Fatalf("%+v, want %+v", got, want)
		}
		write(t, c, scheduler.Change{Want: want[:len(want)/2], Restore: adopt})
		for name, text := range crontabs {
			if tab, _ := m.Run(t, "", "-u", name, "-l"); tab != text {
				t.Fatalf("crontab of %s: %q", name, tab)
			}
		}
	}
}
