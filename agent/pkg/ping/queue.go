package ping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/statedir"
)

const (
	// Dir is the queue's folder below the state directory.
	Dir = "pings"
	// maxWaiting and maxAge bound it: the oldest go. What is told after a week helps nobody.
	maxWaiting = 200
	maxAge     = 7 * 24 * time.Hour
	maxPing    = 4 << 20
	suffix     = ".json"
)

// Queue keeps the pings that could not be sent, oldest first. It may be used by many processes at once.
type Queue struct{ dir string }

// OpenQueue makes the folder below a state directory.
func OpenQueue(root string) (*Queue, error) {
	q := &Queue{filepath.Join(root, Dir)}
	if err := os.MkdirAll(q.dir, 0o700); err != nil {
		return nil, fmt.Errorf("queue of pings: %w", err)
	}
	return q, nil
}

// Held is a ping in the queue that this process works on; others leave it alone meanwhile.
type Held struct {
	Ping
	f *os.File
}

// Put makes a ping durable before it is tried, and holds it.
func (q *Queue) Put(p Ping) (*Held, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("queue of pings: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("queue of pings: %w", err)
	}
	path := filepath.Join(q.dir, id.String()+suffix)
	if err := statedir.WriteFile(path, data); err != nil {
		return nil, fmt.Errorf("queue of pings: %w", err)
	}
	// Another process could take it in this very moment and send it too: the receiver knows the run by its rid.
	return q.hold(id.String() + suffix)
}

var errTaken = errors.New("another process sends it")

func (q *Queue) hold(name string) (*Held, error) {
	path := filepath.Join(q.dir, name)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("queue of pings: %w", err)
	}
	if err := statedir.TryFlock(f); err != nil {
		return nil, errors.Join(errTaken, err, f.Close())
	}
	h := &Held{f: f}
	// By this very descriptor: the name may be another file's by now, or nobody's.
	data, err := io.ReadAll(io.LimitReader(f, maxPing+1))
	if err == nil && len(data) == 0 {
		return nil, errors.Join(errTaken, h.Drop()) // whoever sent it was stopped before it was gone
	}
	if err == nil {
		err = json.Unmarshal(data, &h.Ping)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("queue of pings: %w", err), h.Drop())
	}
	return h, nil
}

// Release leaves the ping for the next call.
func (h *Held) Release() error { return h.f.Close() }

// Drop removes it: it was sent, or never can be. Windows removes no open file, so that it is emptied first: until it is
// gone, nobody takes it for one that waits.
func (h *Held) Drop() error {
	err := errors.Join(h.f.Truncate(0), h.f.Close())
	gone := os.Remove(h.f.Name())
	if errors.Is(gone, os.ErrNotExist) {
		gone = nil // somebody else found it empty
	}
	return errors.Join(err, gone)
}

// Flush sends what waits, oldest first. A receiver that cannot be reached now is not tried again.
func (q *Queue) Flush(ctx context.Context, s *Sender, now time.Time) error {
	entries, err := os.ReadDir(q.dir) // sorted, and names begin with the time
	if err != nil {
		return fmt.Errorf("queue of pings: %w", err)
	}
	var trouble error
	away := map[string]bool{}
	surplus := len(entries) - maxWaiting
	for i, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		h, err := q.hold(e.Name())
		if errors.Is(err, errTaken) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			trouble = errors.Join(trouble, err)
			continue
		}
		if i < surplus || now.Sub(h.At) > maxAge {
			trouble = errors.Join(trouble, errors.New("a ping that waited too long was dropped"), h.Drop())
			continue
		}
		if away[host(h.URL)] {
			trouble = errors.Join(trouble, h.Release())
			continue
		}
		late := h.Ping
		late.Body = append(fmt.Appendf(nil, "(sent late: this was at %s)\n", h.At.UTC().Format(time.RFC3339)), h.Body...)
		err = s.Send(ctx, late)
		if err != nil && !errors.Is(err, ErrRefused) {
			away[host(h.URL)] = true
			trouble = errors.Join(trouble, err, h.Release())
			continue
		}
		trouble = errors.Join(trouble, err, h.Drop())
	}
	return trouble
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
