package daemon

import (
	"context"
	"net/http"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/discover"
	"crontopus.dev/agent/pkg/scheduler"
)

const (
	discoverEvery = 15 * time.Minute
	maxBlind      = 3
)

// discoverLoop looks for jobs of others and reports them when they changed.
func (d *Daemon) discoverLoop(ctx context.Context) {
	if d.Discover == nil || d.Report == nil {
		return
	}
	looking := outage{log: d.Log, what: "looking for other jobs"}
	telling := outage{log: d.Log, what: "reporting other jobs"}
	retry, failures := backoff{}, 0
	for ctx.Err() == nil {
		all, err := d.Discover(ctx)
		if ctx.Err() != nil {
			return
		}
		looking.note(err)
		wait := jittered(discoverEvery)
		// A place that could not be looked at is no empty one, so that what is told stays as it is; but one that
		// never can be must not hide all others.
		if failures++; err == nil {
			failures = 0
		}
		if failures == 0 || failures > maxBlind {
			err = d.tell(ctx, all)
			telling.note(err)
			switch {
			case api.HasStatus(err, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity):
				// A server that does not take it now will not in a minute either.
			case err != nil:
				wait = min(max(retryAfter(err, retry.next()), 10*time.Second), wait)
			default:
				retry = backoff{}
			}
		}
		pause(ctx, wait)
	}
}

func (d *Daemon) tell(ctx context.Context, all []scheduler.Foreign) error {
	found, more := discover.Prepare(all)
	if more > 0 {
		d.Log.Warn("too many other jobs; the rest is not reported", "reported", len(found), "more", more)
	}
	d.mu.Lock()
	d.status.Discovered = len(all)
	d.mu.Unlock()
	sent, err := discover.Report(ctx, d.Dir, found, d.Report, time.Now())
	if sent {
		d.Log.Info("other jobs reported", "jobs", len(found))
	}
	return err
}
