package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
	"crontopus.dev/agent/pkg/watch"
)

// ran leaves the record of a run in a spool, as crontopus-run does.
func ran(t *testing.T, root string) spool.Record {
	t.Helper()
	run := uuid.Must(uuid.NewV7())
	w := spool.NewWriter(root, run)
	rec := spool.Record{EventID: uuid.Must(uuid.NewV7()), RunID: run, JobID: uuid.UUID{1}, Kind: spool.KindFinish}
	if err := errors.Join(w.Append(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
	return rec
}

// watched is a daemon in real time that looks at nothing by the clock.
func watched(t *testing.T) *rig {
	t.Helper()
	if runtime.GOOS == "darwin" {
		t.Skip("nothing is watched here")
	}
	r := newRig(t, t.TempDir())
	r.arrived, r.fetched = make(chan spool.Record, 10), make(chan struct{}, 10)
	r.d.Watch, r.d.pace = true, watch.Pace{Most: time.Hour, Blind: time.Hour}
	return r
}

func (r *rig) arrives(t *testing.T, want spool.Record) {
	t.Helper()
	select {
	case got := <-r.arrived:
		if got.EventID != want.EventID {
			t.Errorf("shipped %v, want %v", got, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was shipped")
	}
}

func TestARecordIsShippedWhenItIsWritten(t *testing.T) {
	r := watched(t)
	first := ran(t, r.dir.Root())
	r.run(t, func() {
		r.arrives(t, first)
		for range 3 {
			r.arrives(t, ran(t, r.dir.Root()))
		}
	})
}

func TestARecordIsShippedFromASpoolThatWasMadeAnew(t *testing.T) {
	r := watched(t)
	r.d.pace.Blind = time.Millisecond // until it is there
	first := ran(t, r.dir.Root())
	r.run(t, func() {
		r.arrives(t, first)
		if err := os.RemoveAll(r.dir.Path(spool.Dir)); err != nil {
			t.Fatal(err)
		}
		r.arrives(t, ran(t, r.dir.Root()))
	})
}

func TestAnOrderIsNoticedWhenItIsGiven(t *testing.T) {
	r := watched(t)
	if _, err := r.dir.Sub(reconcile.OrdersDir); err != nil { // its making is taken for an order
		t.Fatal(err)
	}
	r.run(t, func() {
		<-r.fetched // the first round
		for _, reason := range []string{"one that may be there before the first look", "one that must be noticed"} {
			if err := reconcile.SetHold(r.dir, reconcile.Hold{At: time.Now(), Reason: reason}); err != nil {
				t.Fatal(err)
			}
			select {
			case <-r.fetched:
			case <-time.After(30 * time.Second):
				t.Fatal("no round after the order")
			}
		}
	})
}

func TestARecordIsShippedWithinASecondWhereNothingIsWatched(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		for range 3 {
			before := len(r.seen().shipped)
			ran(t, r.dir.Root())
			time.Sleep(time.Second) // synctest's time
			synctest.Wait()
			if len(r.seen().shipped) != before+1 {
				t.Error("not shipped")
			}
		}
	})
}

func TestAreasThatComeAreWatched(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOOS == "windows" {
		t.Skip("only root has areas of others")
	}
	dir, err := statedir.OpenSystem(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	areas := reconcile.Areas{Dir: dir, System: true, User: "root"}
	d := New(Options{Dir: dir, Areas: areas, Identity: newRig(t, t.TempDir()).d.Identity})
	if dirs := d.spools(); len(dirs) != 1 || dirs[0] != dir.Root() {
		t.Errorf("before there is any: %v", dirs)
	}
	for i, name := range []string{"root", "daemon"} {
		a, err := area.Of(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		dirs := d.spools()
		if len(dirs) != i+2 || dirs[0] != dir.Path(area.Users) || !slices.Contains(dirs, filepath.Join(a.Root, spool.Dir)) {
			t.Errorf("with %s: %v", name, dirs)
		}
	}
}
