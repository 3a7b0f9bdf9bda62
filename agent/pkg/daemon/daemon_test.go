package daemon

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/discover"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/policy"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/scheduler/fake"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
)

const tenant = "aaaaaaaa-0000-4000-8000-000000000000"

// world is server and repository in memory, so that time can be synctest's.
type world struct {
	mu      sync.Mutex
	head    string
	text    string // of default/a.yaml
	err     error  // of everything
	gitErr  error  // of the repository alone
	fetches int
	beats   []api.Heartbeat
	rotated int
	shipped []spool.Record
	changed chan struct{}
	labels  map[string]string
	found   [][]discover.Found
	remote  gitsource.Remote // of the last fetch
	// nil, or told:
	arrived chan spool.Record
	fetched chan struct{}
}

func (w *world) report(_ context.Context, found []discover.Found) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.found = append(w.found, found)
	}
	return w.err
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.changed)
	w.changed = make(chan struct{})
}

// seen is what the world saw so far.
type seen struct {
	fetches, rotated int
	beats            []api.Heartbeat
	shipped          []spool.Record
	found            [][]discover.Found
}

func (w *world) seen() seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return seen{w.fetches, w.rotated, slices.Clone(w.beats), slices.Clone(w.shipped), slices.Clone(w.found)}
}

func (w *world) Self(context.Context) (*api.Self, error) { return nil, errors.New("not asked") }

func (w *world) Heartbeat(_ context.Context, h api.Heartbeat) (*api.HeartbeatAnswer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return nil, w.err
	}
	w.beats = append(w.beats, h)
	return &api.HeartbeatAnswer{ServerTime: time.Now(), HeadCommit: w.head, Labels: w.labels}, nil
}

func (w *world) RotateToken(context.Context, api.Rotation, ed25519.PrivateKey, time.Time) (*api.Token, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rotated++
	if api.HasStatus(w.err, http.StatusForbidden) {
		return nil, w.err
	}
	return &api.Token{Token: "fresh", ExpiresAt: time.Now().Add(time.Hour)}, nil
}

func (w *world) CheckIns(_ context.Context, batch []spool.Record) ([]spool.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return nil, w.err
	}
	var out []spool.Result
	for _, r := range batch {
		w.shipped = append(w.shipped, r)
		if w.arrived != nil {
			w.arrived <- r
		}
		out = append(out, spool.Result{EventID: r.EventID, Status: spool.StatusAccepted})
	}
	return out, nil
}

func (w *world) Stream(ctx context.Context, opened func(), handle func(api.Event)) error {
	for first := true; ; first = false {
		w.mu.Lock()
		changed, head, err := w.changed, w.head, w.err
		w.mu.Unlock()
		if err != nil {
			return err
		}
		if first {
			opened()
		}
		handle(api.Event{Commit: head})
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *world) Fetch(_ context.Context, remote gitsource.Remote, _ string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remote = remote
	w.fetches++
	if w.fetched != nil {
		w.fetched <- struct{}{}
	}
	if err := errors.Join(w.err, w.gitErr); err != nil {
		return "", err
	}
	return w.head, nil
}

func (w *world) Read(commit string) (*gitsource.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &gitsource.Snapshot{Commit: commit, Tenant: []byte("metadata: {id: " + tenant + "}")}
	if w.text != "" {
		s.Files = []gitsource.File{{Path: "default/a.yaml", Data: []byte(w.text)}}
	}
	return s, nil
}

const job = "apiVersion: v1\nkind: Job\nmetadata: {name: a}\nspec: {schedule: 0 2 * * *, command: x, selector: {matchLabels: {role: db}}}\n"

type rig struct {
	*world
	d     *Daemon
	sched *fake.Scheduler
	dir   *statedir.Dir
	log   *bytes.Buffer
}

func newRig(t *testing.T, root string) *rig {
	t.Helper()
	dir, err := statedir.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	store := enroll.NewStore(dir)
	if err := dir.WriteJSON("key.json", map[string][]byte{"ed25519_seed": make([]byte, ed25519.SeedSize)}); err != nil {
		t.Fatal(err)
	}
	if err := store.SetToken("old", time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	r := &rig{world: &world{head: "1", text: job, changed: make(chan struct{}), labels: map[string]string{"role": "db"}},
		sched: &fake.Scheduler{}, dir: dir, log: &bytes.Buffer{}}
	id := &enroll.Identity{TenantID: uuid.MustParse(tenant), EndpointID: uuid.UUID{5}, Labels: map[string]string{"role": "db"}}
	areas := reconcile.Areas{Dir: dir, User: "me"}
	r.d = New(Options{API: r.world, Source: r.world, Reconciler: &reconcile.Applier{Dir: dir, Areas: areas, Scheduler: r.sched}, Dir: dir,
		Areas: areas, Store: store, Identity: id, Textfile: root, Policy: func() (*policy.Endpoint, error) { return policy.Load(dir.Path("policy.yaml")) },
		Discover: r.sched.Foreign, Report: r.report, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	return r
}

// run has the daemon at work during the test.
func (r *rig) run(t *testing.T, test func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.d.Run(ctx) }()
	test()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// inBubble runs a daemon in synctest's time, which passes only while no goroutine waits for the kernel: nothing is watched.
func inBubble(t *testing.T, test func(*testing.T, *rig)) {
	t.Helper()
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, root)
		r.run(t, func() {
			synctest.Wait()
			test(t, r)
		})
	})
}

func TestACommitIsAppliedWithoutWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		if len(r.sched.Entries()) != 1 {
			t.Fatalf("at start: %+v", r.sched.Entries())
		}
		began := time.Now()
		r.set(func() { r.head, r.text = "2", strings.Replace(job, "0 2", "0 3", 1) })
		synctest.Wait()
		if got := r.sched.Entries()[0].Body; !strings.HasPrefix(got, "0 3") || time.Since(began) != 0 {
			t.Errorf("after %s: %s", time.Since(began), got)
		}
		beats := r.seen().beats
		last := beats[len(beats)-1]
		if *last.AppliedCommit != "2" || len(last.Conditions) != 1 || last.Conditions[0].Type != "Ready" {
			t.Errorf("heartbeat %+v", last)
		}
	})
}

func TestPollAndHeartbeatsGoOnByThemselves(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		time.Sleep(10 * time.Minute) // synctest's time
		if s := r.seen(); s.fetches < 8 || s.fetches > 14 || len(s.beats) < 18 || len(s.beats) > 40 {
			t.Errorf("%d fetches, %d heartbeats in ten minutes", s.fetches, len(s.beats))
		}
	})
}

func TestAnHourWithoutServer(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.set(func() { r.err = errors.New("away") })
		ran(t, r.dir.Root())
		before := r.seen().fetches
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := r.seen().fetches - before; n < 30 || n > 150 {
			t.Errorf("%d fetches in an hour without server", n)
		}
		if n := strings.Count(r.log.String(), "trouble"); n == 0 || n > 8 {
			t.Errorf("%d lines of trouble in an hour:\n%s", n, r.log)
		}
		if len(r.sched.Entries()) != 1 {
			t.Error("the entry went with the server")
		}
		r.set(func() { r.err, r.head, r.text = nil, "2", "" })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(r.sched.Entries()) != 0 || len(r.seen().shipped) != 1 || !strings.Contains(r.log.String(), "works again") {
			t.Errorf("afterwards: %+v, shipped %d\n%s", r.sched.Entries(), len(r.seen().shipped), r.log)
		}
	})
}

func TestABrokenRepositoryBehindAWorkingServerIsNoHotLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.set(func() { r.head, r.gitErr = "2", errors.New("broken") })
		before, beats := r.seen().fetches, len(r.seen().beats)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n, b := r.seen().fetches-before, len(r.seen().beats)-beats; n > 40 || b > 90 {
			t.Errorf("%d fetches, %d heartbeats in ten minutes of trouble", n, b)
		}
	})
}

func TestTokenIsRotatedAt75Percent(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		time.Sleep(44 * time.Minute)
		synctest.Wait()
		if r.seen().rotated != 0 {
			t.Error("too early")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if r.seen().rotated != 1 || r.d.Store.Token() != "fresh" {
			t.Errorf("rotated %d times, token %s", r.seen().rotated, r.d.Store.Token())
		}
	})
}

func TestLabelsDecide(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.set(func() { r.labels = map[string]string{"role": "web"} })
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(r.sched.Entries()) != 0 {
			t.Errorf("%+v", r.sched.Entries())
		}
	})
}

func TestAnOrderIsCarriedOutWithoutWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		if err := reconcile.SetHold(r.dir, reconcile.Hold{At: time.Now(), Reason: "audit"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		status, err := LoadStatus(r.dir)
		if err != nil || !strings.Contains(status.Frozen, "audit") {
			t.Fatalf("%+v, %v", status, err)
		}
		r.set(func() { r.head, r.text = "2", "" })
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		beats := r.seen().beats
		last := beats[len(beats)-1]
		if len(r.sched.Entries()) != 1 || len(last.Conditions) != 1 || last.Conditions[0].Reason != "Held" || *last.AppliedCommit != "1" {
			t.Fatalf("on hold: %+v, heartbeat %+v", r.sched.Entries(), last)
		}
		if err := reconcile.ReleaseHold(r.dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if len(r.sched.Entries()) != 0 {
			t.Error("not released")
		}
	})
}

func TestMetricsAreLeftInAFile(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		time.Sleep(time.Minute)
		synctest.Wait()
		data, err := os.ReadFile(r.dir.Path("crontopus.prom"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"crontopus_agent_jobs{condition=\"Ready\"} 1\n", "crontopus_agent_spool_pending 0\n", "crontopus_agent_on_hold 0\n", "# TYPE "} {
			if !strings.Contains(string(data), want) {
				t.Errorf("no %q in\n%s", want, data)
			}
		}
	})
}

func TestThePolicySaysWhoseCommitsAreTaken(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		if err := os.WriteFile(r.dir.Path("policy.yaml"), []byte("requireSigned: all\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.set(func() { r.head = "2" })
		synctest.Wait()
		r.mu.Lock()
		trust := r.remote.Trust
		r.mu.Unlock()
		if trust.Require != gitsource.RequireAll {
			t.Errorf("%+v", trust)
		}
	})
}

func TestBackoff(t *testing.T) {
	var b backoff
	var waits []time.Duration
	for range 12 {
		waits = append(waits, b.next())
	}
	if waits[0] > firstRetry || slices.Max(waits) > lastRetry || waits[11] < lastRetry/2 {
		t.Errorf("%v", waits)
	}
}
