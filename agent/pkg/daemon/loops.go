package daemon

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/version"
)

// streamLoop holds the outbound stream; its events wake the others. An event is a hint: what counts is
// fetched.
func (d *Daemon) streamLoop(ctx context.Context) {
	retry := backoff{}
	trouble := outage{log: d.Log, what: "stream"}
	for ctx.Err() == nil {
		err := d.API.Stream(ctx, func() { trouble.note(nil); retry = backoff{} }, d.onEvent)
		if ctx.Err() != nil {
			return
		}
		trouble.note(err)
		pause(ctx, retryAfter(err, retry.next()))
	}
}

func (d *Daemon) onEvent(e api.Event) {
	if e.Labels != nil {
		d.setLabels(e.Labels)
	}
	d.hint(e.Commit)
}

// hint wakes the fetch for a commit that isn't here, once: if that fails, the fetch's own backoff goes on.
func (d *Daemon) hint(commit string) {
	d.mu.Lock()
	fresh := commit != "" && commit != d.status.FetchedCommit && commit != d.hinted
	if fresh {
		d.hinted = commit
	}
	d.mu.Unlock()
	if fresh {
		poke(d.wakeFetch)
	}
}

// heartbeatLoop reports at least every interval and after every round that has something to tell.
func (d *Daemon) heartbeatLoop(ctx context.Context) {
	retry := backoff{}
	for {
		if !time.Now().Before(d.Store.RotateAt()) {
			d.rotate(ctx)
		}
		wait := jittered(d.Heartbeat)
		err := d.beat(ctx)
		if ctx.Err() != nil {
			return
		}
		if d.traded(ctx) {
			continue
		}
		d.server.note(err)
		if err != nil {
			pause(ctx, retryAfter(err, retry.next()))
			wait = 0
		} else {
			retry = backoff{}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-d.wakeBeat:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (d *Daemon) beat(ctx context.Context) error {
	waiting, err := pending(d.places.list())
	if err != nil {
		return err
	}
	shown, repeats := d.present()
	d.mu.Lock()
	h := api.Heartbeat{AgentVersion: version.Version, FetchedCommit: optional(d.status.FetchedCommit),
		AppliedCommit: optional(d.status.AppliedCommit), Conditions: d.status.Conditions,
		Spool: api.SpoolState{Pending: waiting}, Clock: d.clock, Generation: &shown}
	d.mu.Unlock()
	sent := time.Now()
	h.SentAt = sent.UTC()
	answer, err := d.API.Heartbeat(ctx, h)
	d.stand(err)
	if err != nil {
		return err
	}
	d.accepted(shown, answer.Generation, repeats)
	d.measure(sent, time.Since(sent), answer.ServerTime)
	d.keepMetrics(waiting)
	if answer.Labels != nil {
		d.setLabels(answer.Labels)
	}
	d.hint(answer.HeadCommit)
	return nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// TakeLabels is what setLabels is, for one round by hand.
func (d *Daemon) TakeLabels(labels map[string]string) { d.setLabels(labels) }

// setLabels takes the server's word on labels and reconciles when they changed.
func (d *Daemon) setLabels(labels map[string]string) {
	d.mu.Lock()
	if maps.Equal(d.id.Labels, labels) {
		d.mu.Unlock()
		return
	}
	d.id.Labels = maps.Clone(labels)
	id := d.id
	d.mu.Unlock()
	if err := d.Store.SaveIdentity(&id); err != nil {
		d.Log.Error("labels not kept", "error", err)
	}
	d.Log.Info("labels changed", "labels", labels)
	poke(d.wakeFetch)
}

const maxRetryAfter = 5 * time.Minute

// retryAfter waits as long as the server asks for, and a minute when it knows us no more.
func retryAfter(err error, wait time.Duration) time.Duration {
	var answer *api.Error
	if !errors.As(err, &answer) {
		return wait
	}
	if answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden {
		return jittered(time.Minute)
	}
	return max(wait, min(answer.RetryAfter, maxRetryAfter))
}
