package daemon

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"crontopus.dev/agent/pkg/api"
)

// outage logs when something begins to fail, fails differently, and works again: once each, however often
// it is tried in between.
type outage struct {
	log  *slog.Logger
	what string
	mu   sync.Mutex
	last string
	from time.Time
}

func (o *outage) note(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		if o.last != "" {
			o.log.Info(o.what+" works again", "after", time.Since(o.from).Round(time.Second).String())
		}
		o.last = ""
		return
	}
	text := err.Error()
	if text == o.last {
		return
	}
	if o.last == "" {
		o.from = time.Now()
	}
	o.last = text
	args := []any{"error", text}
	if api.HasStatus(err, http.StatusUnauthorized) {
		args = append(args, "hint", "this endpoint was revoked or its token expired; enrol again: crontopus-agent enroll --force --server URL --token TOKEN")
	}
	o.log.Warn(o.what+" trouble; trying again", args...)
}

const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = time.Minute
)

// backoff doubles from half a second to a minute; half of each wait is random, so that a fleet doesn't
// come back as one.
type backoff struct{ n int }

func (b *backoff) next() time.Duration {
	d := min(firstRetry<<min(b.n, 10), lastRetry)
	b.n++
	return d/2 + rand.N(d/2+1)
}

// jittered is d ± 20 %.
func jittered(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5+1)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
