package schtasks

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/caltest"
)

func TestEntriesComeBackAsTheyWereRendered(t *testing.T) {
	b := newBed(t)
	if snap := b.read(); len(snap.Entries) != 0 {
		t.Fatalf("%+v", snap)
	}
	one, two := b.entry(1, "0 2 * * *"), b.entry(2, "*/10 9-17 * * 1-5")
	other, err := b.s.Render(scheduler.Job{ID: uuid.UUID{15: 3}, User: "backup", Schedules: caltest.Parse(t, "every 1h"), Zone: time.UTC})
	if err != nil || !strings.Contains(other.Body, "S-1-5-21-1-2-3-1002") || !strings.Contains(other.Body, ":backup</Description>") {
		t.Fatalf("%+v, %v", other, err)
	}
	for _, utf16 := range []bool{false, true} {
		b.edit(func(f *fakeStore) { f.UTF16 = utf16 })
		if err := b.write(one, two, other); err != nil {
			t.Fatal(err)
		}
		b.holds(one, two, other)
	}
	calls := len(b.store().Calls)
	if err := b.write(one, two, other); err != nil {
		t.Fatal(err)
	}
	if extra := b.store().Calls[calls:]; !slices.Equal(extra, []string{"query", "query"}) {
		t.Errorf("nothing to do took %q", extra)
	}
	changed := b.entry(1, "5 2 * * *")
	if err := b.write(changed, other); err != nil {
		t.Fatal(err)
	}
	b.holds(changed, other)
	if kept, err := filepath.Glob(filepath.Join(b.s.backups, "tasks-*")); err != nil || len(kept) != 1 {
		t.Errorf("copies: %v, %v", kept, err)
	}
	if left, err := filepath.Glob(filepath.Join(b.s.o.StateDir, "task-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestHandEditsAreSeen(t *testing.T) {
	b := newBed(t)
	e := b.entry(1, "0 2 * * *")
	for _, c := range []struct{ old, new string }{
		{"T02:00:00", "T03:00:00"}, {"crontopus-run.exe", "evil.exe"}, {"<MultipleInstancesPolicy>Parallel", "<MultipleInstancesPolicy>Queue"},
		{"</Settings>", "<Enabled>false</Enabled></Settings>"}, {"</Settings>", "<RestartOnFailure><Interval>PT1M</Interval><Count>3</Count></RestartOnFailure></Settings>"},
		{"<LogonType>S4U", "<LogonType>Password"}, {"LeastPrivilege", "HighestAvailable"}, {"</Triggers>", "<BootTrigger /></Triggers>"},
		{"</Exec>", "</Exec><Exec><Command>evil.exe</Command></Exec>"}, {"<ExecutionTimeLimit>PT0S", "<ExecutionTimeLimit>PT1H"},
		{"<ScheduleByDay>", "<RandomDelay>PT5M</RandomDelay><ScheduleByDay>"},
	} {
		if err := b.write(e); err != nil {
			t.Fatal(err)
		}
		b.holds(e)
		b.edit(func(f *fakeStore) {
			path := b.s.path(e.JobID)
			edited := strings.Replace(f.Tasks[path], c.old, c.new, 1)
			if edited == f.Tasks[path] {
				t.Fatalf("nothing to edit: %s in %s", c.old, edited)
			}
			f.Tasks[path] = edited
		})
		if got := b.read().Entries; len(got) != 1 || got[0].Body == e.Body {
			t.Errorf("%s → %s is not seen", c.old, c.new)
		}
	}
}

func TestOwnershipIsFolderAndMarker(t *testing.T) {
	b := newBed(t)
	e := b.entry(1, "0 2 * * *")
	if err := b.write(e); err != nil {
		t.Fatal(err)
	}
	b.edit(func(f *fakeStore) {
		text := f.Tasks[b.s.path(e.JobID)]
		f.Tasks[`\copy`] = text                                                                                     // marker, other folder
		f.Tasks[b.s.folder()+"mine"] = nightly                                                                      // our folder, no marker
		f.Tasks[`\Crontopus\99999999-9999-4999-8999-999999999999\x`] = strings.ReplaceAll(text, "11111111", "9999") // another's
		f.Tasks[b.s.folder()+"renamed"] = text
		f.Tasks[b.s.folder()+"theirs"] = strings.ReplaceAll(text, "crontopus:11111111", "crontopus:99999999") // our folder, another's marker
	})
	got := b.read().Entries
	if len(got) != 2 || got[0].JobID != e.JobID || got[1].JobID != uuid.Nil {
		t.Fatalf("%+v", got)
	}
	if err := b.write(); err != nil {
		t.Fatal(err)
	}
	f := b.store()
	for _, path := range []string{`\copy`, b.s.folder() + "mine", b.s.folder() + "theirs", `\Crontopus\99999999-9999-4999-8999-999999999999\x`} {
		if f.Tasks[path] == "" {
			t.Errorf("%s is gone", path)
		}
	}
	if f.Tasks[b.s.path(e.JobID)] != "" || f.Tasks[b.s.folder()+"renamed"] != "" {
		t.Error("our own are still there")
	}
	b.edit(func(f *fakeStore) { f.Tasks[b.s.path(e.JobID)] = nightly })
	if err := b.write(e); err == nil || !strings.Contains(err.Error(), "not Crontopus's") {
		t.Errorf("wrote over it: %v", err)
	}
	for _, bad := range []scheduler.Entry{{JobID: e.JobID, Body: nightly}, {JobID: uuid.UUID{9}, Body: e.Body}, {JobID: e.JobID, User: "backup", Body: e.Body}, {JobID: e.JobID}} {
		if err := b.write(bad); err == nil {
			t.Errorf("wrote %+v", bad)
		}
	}
}

func TestDoubtIsNotNothing(t *testing.T) {
	for _, fault := range []string{"fail", "nothing", "silence", "info", "half"} {
		b := newBed(t)
		e := b.entry(1, "0 2 * * *")
		if err := b.write(e); err != nil {
			t.Fatal(err)
		}
		b.faults("query", fault)
		if snap, err := b.s.Read(t.Context()); !errors.Is(err, scheduler.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", fault, snap, err)
		}
	}
}

// TestWritesThatGoWrong: whatever schtasks does, either all is as wanted or all is as it was.
func TestWritesThatGoWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults []string
		want   string // part of the error; empty: it worked
	}{
		{"create is refused", []string{"create", "fail"}, "Access is denied"},
		{"the second create is refused", []string{"create", "", "create", "fail"}, "Access is denied"},
		{"create does nothing", []string{"create", "lie"}, "not what was written"},
		{"create writes something else", []string{"create", "mangle"}, "not what was written"},
		{"create writes something else and says no", []string{"create", "maul"}, "parameter is incorrect"},
		{"create says no and does it", []string{"create", "grumble"}, ""},
		{"delete is refused", []string{"delete", "fail"}, "Access is denied"},
		{"delete does nothing", []string{"delete", "lie"}, "still there"},
		{"delete says no and does it", []string{"delete", "grumble"}, ""},
		{"the check cannot read", []string{"query", "", "query", "", "query", "fail"}, "Access is denied"},
		{"the check sees less", []string{"query", "", "query", "", "query", "forget"}, "is not there"},
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

func TestConflict(t *testing.T) {
	b := newBed(t)
	e := b.entry(1, "0 2 * * *")
	old := b.read()
	if err := b.write(e); err != nil {
		t.Fatal(err)
	}
	if err := b.s.Write(t.Context(), old, scheduler.Change{}); !errors.Is(err, scheduler.ErrConflict) {
		t.Errorf("wrote over a change: %v", err)
	}
	b.holds(e)
}

func TestWhoseTasks(t *testing.T) {
	s := renderer(t, time.UTC)
	job := scheduler.Job{ID: jobID, Schedules: caltest.Parse(t, "0 2 * * *"), Zone: time.UTC}
	for user, want := range map[string]string{
		"":       "<UserId>S-1-5-21-1-2-3-1001</UserId>",
		"backup": `--state-dir C:\ProgramData\Crontopus\users\S-1-5-21-1-2-3-1002 `,
		"SYSTEM": "<UserId>S-1-5-18</UserId>\n      <RunLevel>", // no logon type: it has no logon
	} {
		job.User = user
		if e, err := s.Render(job); err != nil || !strings.Contains(e.Body, want) || e.User != user {
			t.Errorf("%s: %+v, %v", user, e, err)
		}
	}
	job.User = "nobody"
	if _, err := s.Render(job); err == nil {
		t.Error("rendered for an account that is not there")
	}
	s.o.System = false
	job.User = "backup"
	if _, err := s.Render(job); err == nil {
		t.Error("an agent of one user made a task of another")
	}
	job.User = "me"
	if e, err := s.Render(job); err != nil || !strings.Contains(e.Body, `--state-dir C:\ProgramData\Crontopus 2`) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestPaths(t *testing.T) {
	for path, ok := range map[string]bool{
		`C:\x\y`: true, `C:\Program Files (x86)\ü\y`: true, `\\server\share\x`: true, `C:/x`: true,
		``: false, `x\y`: false, `\x`: false, `C:x`: false, `C:\%TEMP%\x`: false, `C:\$(Arg0)`: false, `C:\"x`: false, "C:\\x\ny": false,
		`\\?\C:\x`: false, `C:\` + strings.Repeat("x", 2000): false,
	} {
		if err := checkPath(path); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
	for in, want := range map[string]string{`C:\x`: `C:\x`, `C:\a b`: `"C:\a b"`, `C:\a b\`: `"C:\a b\\"`} {
		if got := quote(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzTasks(f *testing.F) {
	f.Add("<Tasks><!-- \\x -->" + nightly + "</Tasks>")
	f.Add("<?xml version=\"1.0\" encoding=\"UTF-16\"?><Task><a b=\"&#60;\"/></Task>")
	f.Fuzz(func(t *testing.T, text string) {
		tasks, err := parseTasks(text)
		if err != nil {
			return
		}
		for _, one := range tasks {
			fixed(one.root)
			scheduleOf(one.root)
			commandOf(one.root)
			body := canonical(one.root, one.path, sidOf).String()
			again, err := parseTasks(body)
			if err != nil || len(again) != 1 {
				t.Fatalf("%q cannot be read again: %v", body, err)
			}
			if twice := canonical(again[0].root, again[0].path, sidOf).String(); twice != body {
				t.Fatalf("not stable: %q → %q", body, twice)
			}
		}
	})
}
