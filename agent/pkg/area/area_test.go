//go:build unix

package area

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"crontopus.dev/agent/pkg/statedir"
)

// system is a state directory that other users can reach, as /var/lib is.
func system(t *testing.T) *statedir.Dir {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give files to others")
	}
	parent, err := os.MkdirTemp("/tmp", "crontopus-area-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := statedir.OpenSystem(filepath.Join(parent, "state"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func owner(t *testing.T, path string) (uid int, mode fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid), info.Mode().Perm()
}

func open(t *testing.T, a Area) *Files {
	t.Helper()
	files, err := a.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	return files
}

func TestOwnIsTheStateDirectory(t *testing.T) {
	dir, err := statedir.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := Own(dir)
	if err != nil || a.Root != dir.Root() || a.UID != os.Getuid() || a.User == "" {
		t.Fatalf("%+v %v", a, err)
	}
	for _, folder := range []string{"jobs", "spool", "locks", "slots"} {
		if _, mode := owner(t, filepath.Join(a.Root, folder)); mode != 0o700 {
			t.Errorf("%s: %o", folder, mode)
		}
	}
}

func TestOfGivesEachUserAPlace(t *testing.T) {
	dir := system(t)
	var uids []int
	for _, name := range []string{"nobody", "daemon", "daemon", ""} {
		a, err := Of(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{".", "jobs", "spool", "locks", "slots"} {
			if uid, mode := owner(t, filepath.Join(a.Root, p)); uid != a.UID || mode != 0o700 {
				t.Errorf("%s of %q: owner %d, mode %o", p, name, uid, mode)
			}
		}
		files := open(t, a)
		if err := files.Write("jobs/x.json", []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if uid, mode := owner(t, filepath.Join(a.Root, "jobs/x.json")); uid != a.UID || mode != 0o600 {
			t.Errorf("owner %d, mode %o", uid, mode)
		}
		if data, err := files.Read("jobs/x.json", 5); err != nil || string(data) != "hello" {
			t.Errorf("%q %v", data, err)
		}
		if names, err := files.Names("jobs"); err != nil || !slices.Equal(names, []string{"x.json"}) {
			t.Errorf("%v %v", names, err)
		}
		uids = append(uids, a.UID)
	}
	for _, p := range []string{dir.Root(), dir.Path(Users)} {
		if uid, mode := owner(t, p); uid != 0 || mode != 0o711 {
			t.Errorf("%s: owner %d, mode %o", p, uid, mode)
		}
	}
	areas, err := List(dir)
	if err != nil || len(areas) != 3 {
		t.Fatalf("%+v %v", areas, err)
	}
	for _, a := range areas {
		if !slices.Contains(uids, a.UID) || a.Root != dir.Path(Users, strconv.Itoa(a.UID)) {
			t.Errorf("%+v", a)
		}
		if again, err := Of(dir, a.User); err != nil || again != a {
			t.Errorf("%+v, listed as %+v, %v", again, a, err)
		}
	}
}

func TestOfFinishesWhatAKillLeft(t *testing.T) {
	dir := system(t)
	if err := os.MkdirAll(dir.Path(Users), 0o711); err != nil {
		t.Fatal(err)
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir.Path(Users, nobody.Uid), 0o700); err != nil { // root's still
		t.Fatal(err)
	}
	if a, err := Of(dir, "nobody"); err != nil {
		t.Error(a, err)
	}
}

func TestRefusedAreas(t *testing.T) {
	dir := system(t)
	a, err := Of(dir, "nobody")
	if err != nil {
		t.Fatal(err)
	}
	replace := func(f func()) func() {
		return func() {
			if err := os.RemoveAll(a.Root); err != nil {
				t.Fatal(err)
			}
			f()
		}
	}
	for name, spoil := range map[string]func(){
		"open to others": func() { must(t, os.Chmod(a.Root, 0o755)) },
		"another owner":  func() { must(t, os.Chown(a.Root, 2, 2)) },
		"a link":         replace(func() { must(t, os.Symlink(t.TempDir(), a.Root)) }),
		"a file":         replace(func() { must(t, os.WriteFile(a.Root, nil, 0o600)) }),
	} {
		t.Run(name, func(t *testing.T) {
			spoil()
			if _, err := Of(dir, "nobody"); !errors.Is(err, ErrUnsafe) {
				t.Errorf("Of: %v", err)
			}
			if areas, err := List(dir); !errors.Is(err, ErrUnsafe) || len(areas) != 0 {
				t.Errorf("List: %v %v", areas, err)
			}
			must(t, os.RemoveAll(a.Root))
			if _, err := Of(dir, "nobody"); err != nil {
				t.Fatal(err)
			}
		})
	}
	if _, err := Of(dir, "../../etc"); err == nil {
		t.Error("a path is no user")
	}
	must(t, os.Mkdir(dir.Path(Users, "4000000"), 0o700))
	must(t, os.Chown(dir.Path(Users, "4000000"), 4000000, 4000000))
	if areas, err := List(dir); err != nil || len(areas) != 2 || areas[0].User != "#4000000" {
		t.Errorf("what a removed user left: %+v %v", areas, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhatAUserPutsThereLeadsNowhere is root reading and writing among traps.
func TestWhatAUserPutsThereLeadsNowhere(t *testing.T) {
	dir := system(t)
	a, err := Of(dir, "nobody")
	must(t, err)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	must(t, os.WriteFile(secret, []byte("secret"), 0o600))
	in := func(name string) string { return filepath.Join(a.Root, name) }
	must(t, os.Symlink(secret, in("spool/link")))
	must(t, os.WriteFile(in("spool/own"), nil, 0o600))
	must(t, os.Chown(in("spool/own"), a.UID, a.GID))
	must(t, os.Symlink("own", in("spool/inner")))
	must(t, syscall.Mkfifo(in("spool/pipe"), 0o600))
	must(t, os.WriteFile(in("spool/roots"), nil, 0o600))
	hard := filepath.Join(filepath.Dir(dir.Root()), "hard") // links do not cross file systems
	must(t, os.WriteFile(hard, []byte("secret"), 0o600))
	must(t, os.Link(hard, in("spool/hard")))
	must(t, os.RemoveAll(in("jobs")))
	must(t, os.Symlink(outside, in("jobs")))
	files := open(t, a)
	for _, name := range []string{"spool/link", "spool/inner", "spool/pipe", "spool/roots", "spool/hard", "jobs/secret", "../../secret", "spool"} {
		if data, err := files.Read(name, 100); err == nil {
			t.Errorf("read %s: %q", name, data)
		}
	}
	if _, err := files.Read("spool/own", 100); err != nil {
		t.Error(err)
	}
	if err := files.Write("jobs/x.json", nil); err == nil {
		t.Error("written through a link")
	}
	if err := files.Write("spool/link", []byte("mine")); err != nil { // replaces the link itself
		t.Error(err)
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "secret" {
		t.Errorf("%q %v", data, err)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestReadIsBounded(t *testing.T) {
	dir, err := statedir.Open(t.TempDir())
	must(t, err)
	a, err := Own(dir)
	must(t, err)
	files := open(t, a)
	must(t, files.Write("slots/a", []byte("123456")))
	if _, err := files.Read("slots/a", 5); err == nil {
		t.Error("read more than asked for")
	}
	must(t, files.Rename("slots/a", "slots/b"))
	must(t, files.Remove("slots/b"))
	must(t, files.Remove("slots/b"))
	if names, err := files.Names("slots"); err != nil || len(names) != 0 {
		t.Errorf("%v %v", names, err)
	}
	if names, err := files.Names("nothing"); err != nil || names != nil {
		t.Errorf("%v %v", names, err)
	}
}
