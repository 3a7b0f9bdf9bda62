package daemon

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/spool"
)

// areaList remembers which areas there are: the spools are looked at every second, and users come seldom.
type areaList struct {
	mu    sync.Mutex
	areas reconcile.Areas
	known []area.Area
	at    time.Time
}

const areasLife = 10 * time.Second

func (l *areaList) list() ([]area.Area, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.at.IsZero() && (!l.areas.System || time.Since(l.at).Abs() < areasLife) {
		return l.known, nil
	}
	known, err := l.areas.List()
	if err == nil {
		l.known, l.at = known, time.Now()
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

// spoolLoop ships what crontopus-run leaves.
func (d *Daemon) spoolLoop(ctx context.Context) {
	shipper := spool.NewAreaShipper(spool.Options{Areas: d.places.list, Send: d.API.CheckIns, Log: d.Log, Now: time.Now, Owns: d.owns})
	retry := backoff{}
	trouble := outage{log: d.Log, what: "check-ins"}
	for ctx.Err() == nil {
		n, err := shipper.Ship(ctx)
		if ctx.Err() != nil {
			return
		}
		trouble.note(err)
		wait := spoolScan
		if err != nil {
			wait = retryAfter(err, retry.next())
		} else {
			retry = backoff{}
		}
		if n > 0 {
			d.Log.Debug("check-ins shipped", "records", n)
		}
		pause(ctx, wait)
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

// ordersLoop wakes the next round when somebody on the machine gave an order.
func (d *Daemon) ordersLoop(ctx context.Context) {
	seen := ordersChanged(d)
	for ctx.Err() == nil {
		pause(ctx, ordersScan)
		if at := ordersChanged(d); !at.Equal(seen) {
			seen = at
			poke(d.wakeFetch)
		}
	}
}

// ordersChanged is when the folder of the orders changed last; a missing one never did.
func ordersChanged(d *Daemon) time.Time {
	info, err := os.Stat(d.Dir.Path(reconcile.OrdersDir))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
