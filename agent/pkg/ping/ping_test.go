package ping

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// receiver remembers what it was told, and answers what answer says.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string // path and body
	answer func(n int, w http.ResponseWriter)
}

func newReceiver(t *testing.T, answer func(n int, w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil || req.Method != http.MethodPost {
			t.Errorf("%s: %v", req.Method, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, req.URL.Path+" "+string(body))
		if r.answer != nil {
			r.answer(len(r.got), w)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.got...)
}

func TestAddresses(t *testing.T) {
	run := uuid.UUID{1}
	for _, c := range []struct{ base, event, want string }{
		{"https://a.test/ping/KEY", Start, "https://a.test/ping/KEY/start?rid=01000000-0000-0000-0000-000000000000"},
		{"https://a.test/ping/KEY/slug/", Code(300), "https://a.test/ping/KEY/slug/44?rid=01000000-0000-0000-0000-000000000000"},
		{"http://a.test/ping/KEY/slug?create=1", Fail, "http://a.test/ping/KEY/slug/fail?create=1&rid=01000000-0000-0000-0000-000000000000"},
	} {
		target, err := Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		if got := target.Address(c.event, run); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	for _, bad := range []string{"", "a.test/ping", "ftp://a.test", "https://", "https://a.test/#x", "https://a.test/%zz-SECRET"} {
		if _, err := Parse(bad); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSendTellsWhatMayPass(t *testing.T) {
	for status, passes := range map[int]bool{500: true, 503: true, 429: true, 408: true, 301: false, 400: false, 404: false, 410: false} {
		r := newReceiver(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(status) })
		err := NewSender().Send(t.Context(), Ping{URL: r.URL})
		if err == nil || errors.Is(err, ErrRefused) == passes {
			t.Errorf("%d: %v", status, err)
		}
	}
	err := NewSender().Send(t.Context(), Ping{URL: "http://127.0.0.1:1/SECRET"})
	if err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestDeliverTriesAgain(t *testing.T) {
	r := newReceiver(t, func(n int, w http.ResponseWriter) {
		if n == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	if err := NewSender().Deliver(t.Context(), Ping{URL: r.URL + "/x", Body: []byte("b")}); err != nil || len(r.told()) != 2 {
		t.Errorf("%v %v", err, r.told())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	r = newReceiver(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) })
	if err := NewSender().Deliver(ctx, Ping{URL: r.URL}); err == nil {
		t.Error("delivered to nobody")
	}
}

func put(t *testing.T, q *Queue, p Ping) {
	t.Helper()
	held, err := q.Put(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
}

func waiting(t *testing.T, root string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestQueueGoesOutInOrderAndOnce(t *testing.T) {
	root, now := t.TempDir(), time.Unix(1_800_000_000, 0)
	q, err := OpenQueue(root)
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t, func(n int, w http.ResponseWriter) {
		if n == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	other := newReceiver(t, nil)
	for _, path := range []string{"/1", "/2", "/3"} {
		put(t, q, Ping{URL: r.URL + path, At: now, Body: []byte("body")})
	}
	put(t, q, Ping{URL: other.URL + "/4", At: now})
	put(t, q, Ping{URL: r.URL + "/old", At: now.Add(-8 * 24 * time.Hour)})
	held, err := q.Put(Ping{URL: r.URL + "/held", At: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, Dir, "0"+suffix), []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := q.Flush(t.Context(), NewSender(), now); err == nil {
		t.Error("trouble was not told")
	}
	if got := r.told(); len(got) != 2 || got[0] != "/1 (sent late: this was at 2027-01-15T08:00:00Z)\nbody" || !strings.HasPrefix(got[1], "/2 ") {
		t.Errorf("%q", got)
	}
	if got := other.told(); len(got) != 1 || waiting(t, root) != 3 {
		t.Errorf("%q, %d left", got, waiting(t, root))
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	// Who sent it was stopped before the file was gone: nobody sends it again.
	if err := os.WriteFile(filepath.Join(root, Dir, "1"+suffix), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := q.Flush(t.Context(), NewSender(), now); err != nil {
		t.Error(err)
	}
	if got := r.told(); len(got) != 5 || !strings.HasPrefix(got[4], "/held ") || waiting(t, root) != 0 {
		t.Errorf("%q, %d left", got, waiting(t, root))
	}
}

func TestAQueueIsBounded(t *testing.T) {
	root, now := t.TempDir(), time.Now()
	q, err := OpenQueue(root)
	if err != nil {
		t.Fatal(err)
	}
	for range maxWaiting + 3 {
		put(t, q, Ping{URL: "http://127.0.0.1:1", At: now})
	}
	if err := q.Flush(t.Context(), NewSender(), now); err == nil || waiting(t, root) != maxWaiting {
		t.Errorf("%v, %d left", err, waiting(t, root))
	}
}

func TestRefusedPingsDoNotWait(t *testing.T) {
	root, now := t.TempDir(), time.Now()
	q, err := OpenQueue(root)
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) })
	put(t, q, Ping{URL: r.URL, At: now})
	if err := q.Flush(t.Context(), NewSender(), now); !errors.Is(err, ErrRefused) || waiting(t, root) != 0 {
		t.Errorf("%v, %d left", err, waiting(t, root))
	}
}
