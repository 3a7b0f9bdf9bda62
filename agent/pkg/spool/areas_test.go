//go:build unix

package spool

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/statedir"
)

// machine is a state directory with the areas of two users.
func machine(t *testing.T) (*statedir.Dir, []area.Area) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can write as several users")
	}
	parent := t.TempDir()
	dir, err := statedir.OpenSystem(filepath.Join(parent, "state"))
	if err != nil {
		t.Fatal(err)
	}
	var areas []area.Area
	for _, name := range []string{"daemon", "nobody"} {
		a, err := area.Of(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		areas = append(areas, a)
	}
	return dir, areas
}

// give makes everything in an area its user's, as if they had written it.
func give(t *testing.T, a area.Area) {
	t.Helper()
	err := filepath.WalkDir(a.Root, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, a.UID, a.GID))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func shipAll(t *testing.T, dir *statedir.Dir, s *server, owns func(area.Area, uuid.UUID) bool) *Shipper {
	t.Helper()
	return NewAreaShipper(Options{Areas: func() ([]area.Area, error) { return area.List(dir) }, Send: s.send,
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Owns: owns})
}

func TestManyAreasAreShipped(t *testing.T) {
	dir, areas := machine(t)
	s := &server{}
	for _, a := range areas {
		write(t, a.Root, newRun(t), KindStart, KindFinish)
		give(t, a)
	}
	// One that is refused does not hold up the others.
	bad := dir.Path(area.Users, strconv.Itoa(3)) // sys, and root's
	if err := os.MkdirAll(bad, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(bad, 0o777); err != nil {
		t.Fatal(err)
	}
	sh := shipAll(t, dir, s, nil)
	if _, err := area.Of(dir, "bin"); err != nil {
		t.Fatal(err)
	}
	ship(t, sh, 4)
	if n, err := PendingIn(areas); err != nil || n != 0 {
		t.Errorf("%d left, %v", n, err)
	}
}

func TestAUserReportsOnlyTheirOwnJobs(t *testing.T) {
	dir, areas := machine(t)
	s := &server{}
	for _, a := range areas {
		write(t, a.Root, newRun(t), KindStart, KindFinish)
		give(t, a)
	}
	ship(t, shipAll(t, dir, s, func(a area.Area, j uuid.UUID) bool { return a.User == "daemon" && j == job }), 2)
	if n, err := PendingIn(areas); err != nil || n != 0 {
		t.Errorf("%d left, %v", n, err)
	}
	// Neither by way of the reserve.
	w := NewWriter(areas[1].Root, newRun(t))
	if err := w.spare(rec(w.run, KindFinish)); err != nil {
		t.Fatal(err)
	}
	ship(t, shipAll(t, dir, s, func(a area.Area, j uuid.UUID) bool { return a.User == "daemon" }), 0)
}

// TestAHostileSpool is what a user could lay out for an agent that runs as root.
func TestAHostileSpool(t *testing.T) {
	dir, areas := machine(t)
	a, s := areas[1], &server{}
	in := func(name string) string { return filepath.Join(a.Root, Dir, name) }
	roots := rec(newRun(t), KindFinish)
	line, err := json.Marshal(roots)
	must(t, err)
	name := roots.RunID.String() + suffix
	secret := filepath.Join(filepath.Dir(dir.Root()), "secret")
	must(t, os.WriteFile(secret, append(line, '\n'), 0o600))
	trap := func() string { return in(newRun(t).String() + suffix) }
	sh := shipAll(t, dir, s, nil)
	ship(t, sh, 0)

	must(t, os.Symlink(secret, in(name)))                   // a link to what only root can read
	must(t, os.Link(secret, trap()))                        // a second name of it
	must(t, syscall.Mkfifo(trap(), 0o600))                  // one that never ends
	must(t, os.Mkdir(trap(), 0o700))                        // no file
	must(t, os.WriteFile(trap(), []byte("\x00{\n"), 0o600)) // no records
	huge := trap()
	must(t, os.WriteFile(huge, nil, 0o600))
	must(t, os.Truncate(huge, 1<<40)) // sparse
	must(t, os.Remove(in(reserveName)))
	must(t, os.Symlink(secret, in(reserveName)))
	must(t, os.RemoveAll(filepath.Join(a.Root, Rejected)))
	outside := t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(a.Root, Rejected)))
	good := write(t, a.Root, newRun(t), KindStart, KindFinish)
	must(t, filepath.WalkDir(filepath.Join(a.Root, Dir), func(path string, d os.DirEntry, err error) error {
		info, statErr := os.Lstat(path)
		if err == nil && statErr == nil && info.Sys().(*syscall.Stat_t).Nlink == 1 || d.IsDir() {
			return os.Lchown(path, a.UID, a.GID)
		}
		return err
	}))

	ship(t, sh, 2)
	if s.got[0].EventID != good[0].EventID || s.got[1].EventID != good[1].EventID {
		t.Errorf("%+v", s.got)
	}
	must(t, os.Remove(filepath.Join(a.Root, Rejected)))
	sh.Now = func() time.Time { return time.Now().Add(time.Hour) }
	ship(t, sh, 0)
	if n, err := PendingIn(areas); err != nil || n != 0 {
		entries, _ := os.ReadDir(in(""))
		t.Errorf("%d left, %v: %v", n, err, entries)
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != string(line)+"\n" {
		t.Errorf("%q %v", data, err)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
