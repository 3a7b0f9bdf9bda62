package daemon

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/watch"
)

// areaList remembers which areas there are: the spools are looked at up to every second, and users come seldom.
type areaList struct {
	mu    sync.Mutex
	areas reconcile.Areas
	known []area.Area
	at    time.Time // when they were listed
	made  time.Time // when an area came or went last, as it was then
}

const areasLife = 10 * time.Second

func (l *areaList) list() ([]area.Area, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var made time.Time
	if l.areas.System {
		made = changed(l.areas.Dir.Path(area.Users))
	}
	if !l.at.IsZero() && (!l.areas.System || made.Equal(l.made) && time.Since(l.at).Abs() < areasLife) {
		return l.known, nil
	}
	known, err := l.areas.List()
	if err == nil {
		l.known, l.at, l.made = known, time.Now(), made
	}
	return known, err
}

// Pending counts the runs of all users whose records are not all with the server yet.
func Pending(areas reconcile.Areas) (int, error) { return pending(areas.List()) }

func pending(list []area.Area, err error) (int, error) {
	if len(list) == 0 && err != nil {
		return 0, err
	}
	return spool.PendingIn(list)
}

// spools are the directories in which something appears when there is something to ship.
func (d *Daemon) spools() []string {
	var dirs []string
	if d.Areas.System { // where areas come and go
		users := d.Dir.Path(area.Users)
		if _, err := os.Lstat(users); err != nil {
			users = d.Dir.Root()
		}
		dirs = append(dirs, users)
	}
	areas, _ := d.places.list() // the shipper tells of those that are refused
	for _, a := range areas {
		dirs = append(dirs, filepath.Join(a.Root, spool.Dir))
	}
	return dirs
}

// waiter waits for changes between the looks of one loop.
func (d *Daemon) waiter() *watch.Waiter { return &watch.Waiter{Pace: d.pace, Off: !d.Watch} }

// spoolLoop ships what crontopus-run leaves.
func (d *Daemon) spoolLoop(ctx context.Context) {
	shipper := spool.NewAreaShipper(spool.Options{Areas: d.places.list, Send: d.API.CheckIns, Log: d.Log, Now: time.Now, Owns: d.owns})
	retry := backoff{}
	trouble := outage{log: d.Log, what: "check-ins"}
	watching := outage{log: d.Log, what: "watching the spools"}
	waiter := d.waiter()
	defer waiter.Close()
	for ctx.Err() == nil {
		watching.note(waiter.Arm(d.spools()))
		n, err := shipper.Ship(ctx)
		if ctx.Err() != nil {
			return
		}
		trouble.note(err)
		if n > 0 {
			d.Log.Debug("check-ins shipped", "records", n)
		}
		if err != nil {
			pause(ctx, retryAfter(err, retry.next()))
			continue
		}
		retry = backoff{}
		waiter.Wait(ctx)
	}
}

// owners remembers the record of who has which job between two changes of its file.
type owners struct {
	changed time.Time
	applied reconcile.Applied
}

// owns tells whether a user may report runs of a job: in system mode users write into their spools what they like.
func (d *Daemon) owns(a area.Area, job uuid.UUID) bool {
	if !d.Areas.System || d.had(a, job) {
		return true
	}
	// A job may run the moment its entry is there, which is before that is on record.
	d.applying.Lock()
	defer d.applying.Unlock()
	return d.had(a, job)
}

// had looks the record up; it is called by the loop of the spools alone.
func (d *Daemon) had(a area.Area, job uuid.UUID) bool {
	changed := reconcile.AppliedAt(d.Dir)
	if !changed.Equal(d.owners.changed) {
		applied, err := reconcile.LoadApplied(d.Dir)
		if err != nil {
			// What was reported is rather taken than lost; no user can bring this about.
			d.Log.Error("whose jobs are whose is not known", "error", err)
			return true
		}
		d.owners = owners{changed, applied}
	}
	return d.owners.applied.Owns(d.Areas.Owner(a), job)
}

// ordersLoop wakes the next round when somebody on the machine gave an order after what was seen already.
func (d *Daemon) ordersLoop(ctx context.Context, seen time.Time) {
	trouble := outage{log: d.Log, what: "watching for orders"}
	waiter := d.waiter()
	defer waiter.Close()
	for ; ctx.Err() == nil; waiter.Wait(ctx) {
		folder, err := d.Dir.Sub(reconcile.OrdersDir) // what is not there cannot be watched
		if err == nil {
			err = waiter.Arm([]string{folder})
		}
		trouble.note(err)
		if at := changed(folder); !at.Equal(seen) {
			seen = at
			poke(d.wakeFetch)
		}
	}
}

// changed is when something came into a folder or went last; in a missing one it never did.
func changed(folder string) time.Time {
	info, err := os.Stat(folder)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
