//go:build unix

package launchd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

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
