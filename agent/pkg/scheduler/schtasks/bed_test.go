package schtasks

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/caltest"
)

const windowsOwn = `<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Actions><ComHandler><ClassId>{1}</ClassId></ComHandler></Actions></Task>`

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
	b := &bed{t: t, dir: t.TempDir()}
	t.Setenv(fakeDir, b.dir)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else each call of the fake waits a second at its end under -race
	b.edit(func(f *fakeStore) { f.Tasks[`\Microsoft\Windows\Defrag\ScheduledDefrag`] = windowsOwn })
	b.s = renderer(t, time.UTC)
	b.s.o.Command = self
	b.s.o.StateDir = t.TempDir()
	b.s.backups = filepath.Join(b.s.o.StateDir, "backups")
	return b
}

func (b *bed) store() *fakeStore {
	b.t.Helper()
	f, err := fakeLoad(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

func (b *bed) edit(change func(*fakeStore)) {
	b.t.Helper()
	f := b.store()
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
