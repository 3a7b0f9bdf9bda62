//go:build unix

package launchd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/caltest"
)

// fakeDir names the folder of a fake launchd. A test program that is started with it is launchctl.
const fakeDir = "CRONTOPUS_FAKE_LAUNCHCTL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fakeDir); dir != "" && len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(fakeMain(dir, os.Args[1:]))
	}
	os.Exit(m.Run())
}

type fakeStore struct {
	Loaded map[string]string `json:"loaded"` // label → PID or -
	Faults [][2]string       `json:"faults"`
	Calls  []string          `json:"calls"`
}

func fakeLoad(dir string) (*fakeStore, error) {
	s := &fakeStore{Loaded: map[string]string{"com.apple.x": "77"}}
	data, err := os.ReadFile(filepath.Join(dir, "store.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(data, s)
}

func (s *fakeStore) save(dir string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "store.json"), data, 0o600)
}

func fakeMain(dir string, args []string) int {
	s, err := fakeLoad(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	s.Calls = append(s.Calls, strings.Join(args, " "))
	code := s.call(args)
	if err := s.save(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return code
}

func (s *fakeStore) call(args []string) int {
	fault := ""
	if i := slices.IndexFunc(s.Faults, func(f [2]string) bool { return f[0] == args[0] }); i >= 0 {
		fault = s.Faults[i][1]
		s.Faults = slices.Delete(s.Faults, i, i+1)
	}
	switch fault {
	case "fail":
		fmt.Fprintln(os.Stderr, "Bootstrap failed: 5: Input/output error")
		return 5
	case "lie":
		return 0
	case "silence":
		return 0
	}
	code := 0
	switch args[0] {
	case "list":
		fmt.Println("PID\tStatus\tLabel")
		for label, pid := range s.Loaded {
			fmt.Printf("%s\t0\t%s\n", pid, label)
		}
	case "bootstrap":
		code = s.bootstrap(args[1], args[2])
	case "bootout":
		label := strings.TrimPrefix(args[1], "gui/501/")
		if _, there := s.Loaded[label]; !there {
			fmt.Fprintln(os.Stderr, "Boot-out failed: 3: No such process")
			return 3
		}
		delete(s.Loaded, label)
	default:
		return 64
	}
	if fault == "grumble" {
		fmt.Fprintln(os.Stderr, "Boot-out failed: 36: Operation now in progress")
		return 36
	}
	return code
}

func (s *fakeStore) bootstrap(domain, file string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		return 2
	}
	d, err := parse(data)
	label, _ := d.get("Label").(string)
	if _, loaded := s.Loaded[label]; err != nil || loaded || domain != "gui/501" || label == "" {
		fmt.Fprintln(os.Stderr, "Bootstrap failed: 5: Input/output error")
		return 5
	}
	s.Loaded[label] = "-"
	return 0
}

type bed struct {
	t   *testing.T
	dir string
	s   *Scheduler
}

func newBed(t *testing.T) *bed {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, dir: t.TempDir(), s: renderer(t, time.UTC)}
	t.Setenv(fakeDir, b.dir)
	b.s.o.Command, b.s.o.Folder = self, filepath.Join(t.TempDir(), "LaunchAgents")
	b.s.o.Others = []string{b.s.o.Folder}
	b.s.backups = t.TempDir()
	return b
}

func (b *bed) edit(change func(*fakeStore)) {
	b.t.Helper()
	f, err := fakeLoad(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	change(f)
	if err := f.save(b.dir); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) faults(pairs ...string) {
	b.edit(func(f *fakeStore) {
		f.Faults = nil
		for i := 0; i < len(pairs); i += 2 {
			f.Faults = append(f.Faults, [2]string{pairs[i], pairs[i+1]})
		}
	})
}

func (b *bed) entry(n byte, text string) scheduler.Entry {
	b.t.Helper()
	e, err := b.s.Render(scheduler.Job{ID: uuid.UUID{15: n}, Schedules: caltest.Parse(b.t, text), Zone: time.UTC})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func (b *bed) read() scheduler.Snapshot {
	b.t.Helper()
	snap, err := b.s.Read(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return snap
}

func (b *bed) write(want ...scheduler.Entry) error {
	return b.s.Write(b.t.Context(), b.read(), scheduler.Change{Want: want})
}

func (b *bed) holds(want ...scheduler.Entry) {
	b.t.Helper()
	got := b.read().Entries
	if len(got) != len(want) {
		b.t.Fatalf("%d entries, want %d: %+v", len(got), len(want), got)
	}
	for i, e := range want {
		if got[i].JobID != e.JobID || got[i].User != e.User || got[i].Body != e.Body {
			b.t.Errorf("entry %d:\n%s\nwant\n%s", i, got[i].Body, e.Body)
		}
	}
}

func TestEntriesComeBackAsTheyWereRendered(t *testing.T) {
	b := newBed(t)
	one, two := b.entry(1, "0 2 * * *"), b.entry(2, "*/10 9-17 * * 1-5")
	if err := b.write(one, two); err != nil {
		t.Fatal(err)
	}
	b.holds(one, two)
	changed := b.entry(1, "0 3 * * *")
	if err := b.write(changed); err != nil {
		t.Fatal(err)
	}
	b.holds(changed)
	f, err := fakeLoad(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Loaded) != 2 || f.Loaded["com.apple.x"] != "77" {
		t.Errorf("loaded: %v", f.Loaded)
	}
	if kept, err := filepath.Glob(filepath.Join(b.s.backups, "launchd-*")); err != nil || len(kept) != 1 {
		t.Errorf("copies: %v, %v", kept, err)
	}
}

func TestDriftIsAlsoWhatIsNotLoaded(t *testing.T) {
	b := newBed(t)
	e := b.entry(1, "0 2 * * *")
	label := b.s.label(e.JobID)
	for name, change := range map[string]func(){
		"unloaded by hand": func() { b.edit(func(f *fakeStore) { delete(f.Loaded, label) }) },
		"file edited": func() {
			if err := os.WriteFile(b.s.file(label), []byte(strings.Replace(e.Body, "<integer>2<", "<integer>3<", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"file removed": func() {
			if err := os.Remove(b.s.file(label)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		if err := b.write(e); err != nil {
			t.Fatal(name, err)
		}
		b.holds(e)
		change()
		if got := b.read().Entries; len(got) != 1 || got[0].Body == e.Body || got[0].JobID != e.JobID {
			t.Errorf("%s is not seen: %+v", name, got)
		}
		if err := b.write(e); err != nil {
			t.Fatal(name, err)
		}
		b.holds(e)
	}
	if err := os.WriteFile(b.s.file(b.s.stem()+"old"), []byte(e.Body), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := b.read().Entries; len(got) != 2 || got[1].JobID != uuid.Nil {
		t.Errorf("%+v", got)
	}
	if err := b.write(); err != nil {
		t.Fatal(err)
	}
	b.holds()
}

func TestDoubtIsNotNothing(t *testing.T) {
	b := newBed(t)
	for _, fault := range []string{"fail", "silence"} {
		b.faults("list", fault)
		if snap, err := b.s.Read(t.Context()); !errors.Is(err, scheduler.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", fault, snap, err)
		}
	}
	if err := os.MkdirAll(b.s.o.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", b.s.file(b.s.stem()+uuid.Nil.String())); err != nil {
		t.Fatal(err)
	}
	if snap, err := b.s.Read(t.Context()); !errors.Is(err, scheduler.ErrUnavailable) {
		t.Errorf("a link: %+v, %v", snap, err)
	}
}

// TestWritesThatGoWrong: whatever launchctl does, either all is as wanted or all is as it was.
func TestWritesThatGoWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults []string
		want   string
	}{
		{"bootstrap is refused", []string{"bootstrap", "fail"}, "Input/output error"},
		{"the second bootstrap is refused", []string{"bootstrap", "", "bootstrap", "fail"}, "Input/output error"},
		{"bootstrap does nothing", []string{"bootstrap", "lie"}, "not loaded"},
		{"bootstrap says no and does it", []string{"bootstrap", "grumble"}, ""},
		{"bootout does nothing", []string{"bootout", "lie", "bootout", "lie"}, "still there"},
		{"bootout says no and does it", []string{"bootout", "grumble", "bootout", "grumble"}, ""},
		{"the check cannot read", []string{"list", "", "list", "", "list", "fail"}, "Input/output error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			one, two, three := b.entry(1, "0 2 * * *"), b.entry(2, "0 3 * * *"), b.entry(3, "0 4 * * *")
			if err := b.write(one, two); err != nil {
				t.Fatal(err)
			}
			changed := b.entry(1, "0 5 * * *")
			b.faults(c.faults...)
			err := b.write(changed, three)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				b.holds(changed, three)
				return
			}
			if !errors.Is(err, errWrite) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "everything is as it was") {
				t.Errorf("error: %v", err)
			}
			b.faults()
			b.holds(one, two)
		})
	}
}

// TestARunningJobIsNotKilled: loading its property list anew would end it.
func TestARunningJobIsNotKilled(t *testing.T) {
	b := newBed(t)
	one, two := b.entry(1, "0 2 * * *"), b.entry(2, "0 3 * * *")
	if err := b.write(one, two); err != nil {
		t.Fatal(err)
	}
	b.edit(func(f *fakeStore) { f.Loaded[b.s.label(one.JobID)] = "4711" })
	changed, also := b.entry(1, "0 5 * * *"), b.entry(2, "0 6 * * *")
	if err := b.write(changed, also); !errors.Is(err, ErrRunning) {
		t.Errorf("error: %v", err)
	}
	b.holds(one, also)
	b.edit(func(f *fakeStore) { f.Loaded[b.s.label(one.JobID)] = "-" })
	if err := b.write(changed, also); err != nil {
		t.Fatal(err)
	}
	b.holds(changed, also)
}

func TestForeignJobsAreOnlyShown(t *testing.T) {
	b := newBed(t)
	if err := b.write(b.entry(1, "0 2 * * *")); err != nil {
		t.Fatal(err)
	}
	put := func(name string, text string) {
		if err := os.WriteFile(filepath.Join(b.s.o.Folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a.plist", dict{{"Label", "a"}, {"ProgramArguments", []any{"/bin/sh", "-c", "echo 'x' > /tmp/y"}}, {"UserName", "ann"},
		{"StartCalendarInterval", dict{{"Hour", 3}, {"Minute", 15}, {"Weekday", 1}}}}.String())
	put("b.plist", dict{{"Label", "b"}, {"Program", "/bin/b"}, {"StartInterval", 300}}.String())
	put("c.plist", dict{{"Label", "c"}, {"Program", "/bin/c"}, {"KeepAlive", true}}.String())
	put("d.plist", "bplist00\x01")
	put("e.plist", "<plist><dict><key>x</key>")
	put("f.txt", "x")
	b.s.o.Others = append(b.s.o.Others, filepath.Join(b.s.o.Folder, "f.txt"))
	if list, err := b.s.Foreign(t.Context()); err == nil || len(list) != 4 {
		t.Errorf("a folder that is none: %+v, %v", list, err)
	}
	b.s.o.Others = b.s.o.Others[:1]
	list, err := b.s.Foreign(t.Context())
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	ids := map[string]bool{}
	for i, want := range []scheduler.Foreign{
		{Schedule: "15 3 * * 1", User: "ann", Command: `/bin/sh -c 'echo '\''x'\'' > /tmp/y'`},
		{Schedule: "every 5m", Command: "/bin/b"}, {}, {},
	} {
		got := list[i]
		ids[got.ID] = true
		if got.Schedule != want.Schedule || got.User != want.User || got.Command != want.Command || got.Fixed == "" {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if len(ids) != 4 {
		t.Errorf("ids: %v", ids)
	}
	adopt := scheduler.Change{Adopt: list[:1]}
	if err := b.s.Write(t.Context(), b.read(), adopt); !errors.Is(err, scheduler.ErrUnsupported) {
		t.Errorf("adopted: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(dict{{"Label", "a&b"}, {"X", []any{1, true, dict{{"y", "z"}}}}}.String())
	f.Add("<plist><dict><key>a</key><array>")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parse([]byte(text))
		if err != nil {
			return
		}
		_, _ = commandOf(d), scheduleOf(d)
	})
}
