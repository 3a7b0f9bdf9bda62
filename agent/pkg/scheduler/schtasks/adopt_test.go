package schtasks

import (
	"errors"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/scheduler"
)

// nightly is a task as somebody made it in the user interface.
const nightly = `<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Date>2024-05-06T07:08:09</Date><Author>HOST\ann</Author><URI>\Backup\Nightly</URI></RegistrationInfo>
  <Triggers><CalendarTrigger><StartBoundary>2024-05-06T02:30:00</StartBoundary><ScheduleByWeek><WeeksInterval>1</WeeksInterval><DaysOfWeek><Monday /><Friday /></DaysOfWeek></ScheduleByWeek></CalendarTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-21-1-2-3-1009</UserId><LogonType>S4U</LogonType></Principal></Principals>
  <Settings><Enabled>true</Enabled></Settings>
  <Actions Context="Author"><Exec><Command>C:\Program Files\b\backup.exe</Command><Arguments>--all "D:\Öl &amp; Gas"</Arguments></Exec></Actions>
</Task>`

func TestAdoptAndRestore(t *testing.T) {
	b := newBed(t)
	b.edit(func(f *fakeStore) {
		f.UTF16 = true
		f.Tasks[`\Backup\Nightly`] = nightly
		f.Tasks[`\Backup\Secret`] = strings.Replace(nightly, "S4U", "Password", 1)
	})
	list, err := b.s.Foreign(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	f, fixed := list[0], list[1]
	if f.Place != `\Backup\Nightly` || f.Schedule != "30 2 * * 1,5" || f.Timezone != "UTC" || f.Fixed != "" || f.User != "S-1-5-21-1-2-3-1009" ||
		f.Command != `"C:\Program Files\b\backup.exe" --all "D:\Öl & Gas"` {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(fixed.Fixed, "stored password") {
		t.Errorf("%+v", fixed)
	}
	e := b.entry(1, "30 2 * * 1,5")
	adopt := func(list ...scheduler.Foreign) error {
		return b.s.Write(t.Context(), b.read(), scheduler.Change{Want: []scheduler.Entry{e}, Adopt: list})
	}
	edit := func(old, new string) {
		b.edit(func(f *fakeStore) {
			f.Tasks[`\Backup\Nightly`] = strings.Replace(f.Tasks[`\Backup\Nightly`], old, new, 1)
		})
	}
	edit("T02:30", "T02:31")
	if err := adopt(f); !errors.Is(err, scheduler.ErrConflict) || b.store().Tasks[`\Backup\Nightly`] == "" {
		t.Errorf("adopted what was changed meanwhile: %v", err)
	}
	edit("T02:31", "T02:30")
	if err := adopt(fixed); err == nil {
		t.Error("a task with a stored password was adopted")
	}
	if err := adopt(f); err != nil {
		t.Fatal(err)
	}
	b.holds(e)
	if b.store().Tasks[`\Backup\Nightly`] != "" || b.store().Tasks[`\Backup\Secret`] == "" {
		t.Fatal("the wrong task is gone")
	}
	if err := adopt(f); !errors.Is(err, scheduler.ErrConflict) {
		t.Errorf("adopted twice: %v", err)
	}
	if err := b.s.Write(t.Context(), b.read(), scheduler.Change{Restore: []scheduler.Foreign{f}}); err != nil {
		t.Fatal(err)
	}
	b.holds()
	back, err := b.s.Foreign(t.Context())
	if err != nil || len(back) != 2 || back[0].Schedule != f.Schedule || back[0].Command != f.Command {
		t.Errorf("%+v, %v", back, err)
	}
	restore := func() error {
		return b.s.Write(t.Context(), b.read(), scheduler.Change{Restore: []scheduler.Foreign{f}})
	}
	if err := restore(); err != nil {
		t.Errorf("restored twice: %v", err)
	}
	edit("T02:30", "T02:31")
	if err := restore(); err == nil {
		t.Error("wrote over what stands there now")
	}
}
