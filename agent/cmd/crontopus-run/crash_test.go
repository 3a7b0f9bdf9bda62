//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/spool"
)

// rounds is how many random kills a test makes: 20, or 200 with CRONTOPUS_SOAK.
func rounds() int {
	if os.Getenv("CRONTOPUS_SOAK") != "" {
		return 200
	}
	return 20
}

// told sums up what a server has been sent of a run: repeats of an event count once.
type told struct{ starts, ends map[uuid.UUID]spool.Record }

func sum(records []spool.Record) map[uuid.UUID]told {
	runs := map[uuid.UUID]told{}
	for _, rec := range records {
		one, ok := runs[rec.RunID]
		if !ok {
			one = told{map[uuid.UUID]spool.Record{}, map[uuid.UUID]spool.Record{}}
			runs[rec.RunID] = one
		}
		if rec.Kind == spool.KindStart {
			one.starts[rec.EventID] = rec
		} else {
			one.ends[rec.EventID] = rec
		}
	}
	return runs
}

// lastPass ships what is left, an hour later, when whoever was killed is known to be.
func lastPass(t *testing.T, root, server string) {
	t.Helper()
	client, err := api.New(server, func() string { return "secret" })
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Now().Add(time.Hour) }
	shipper, err := spool.NewShipper(root, client.CheckIns, slog.New(slog.NewTextHandler(t.Output(), nil)), now)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := shipper.Ship(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := spool.Pending(root); err != nil || left != 0 {
		t.Errorf("%d left, %v", left, err)
	}
}

// fired are the runs whose command was started, as these have written down by themselves.
func fired(t *testing.T, file string) []uuid.UUID {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var runs []uuid.UUID
	for _, word := range strings.Fields(string(data)) {
		runs = append(runs, uuid.MustParse(word))
	}
	return runs
}

// TestKilledAtRandom kills -9 now the shipping agent, now a crontopus-run, now nobody, with a server that is away at
// times. Every run that was fired is on the server exactly once afterwards.
func TestKilledAtRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	r, root := newReceiver(t), private(t)
	list := filepath.Join(root, "fired")
	j := sh("echo $CRONTOPUS_RUN_ID >> " + list + "; seq 100000")
	put(t, root, j)
	for range rounds() {
		agent := wrapper()
		agent.Env = append(agent.Env, "BE_A_SHIPPER="+root, "SHIP_TO="+r.URL)
		must(t, agent.Start())
		r.set(random.IntN(4) == 0)
		var jobs []*exec.Cmd
		for range 3 {
			job := wrapper("--state-dir", root, j.JobID.String())
			must(t, job.Start())
			jobs = append(jobs, job)
		}
		after := time.After(time.Duration(random.IntN(40)) * time.Millisecond)
		victim := random.IntN(5)
		<-after
		if victim < len(jobs) {
			must(t, jobs[victim].Process.Kill())
		}
		must(t, agent.Process.Kill())
		for _, p := range append(jobs, agent) {
			_ = p.Wait() // killed, or not
		}
	}
	r.set(false)
	lastPass(t, root, r.URL)
	check(t, r.sent(), fired(t, list))
}

// check holds that every run that was fired has one start and one end, and that there are no others than those whose
// crontopus-run was killed before it came so far.
func check(t *testing.T, records []spool.Record, fired []uuid.UUID) {
	t.Helper()
	runs := sum(records)
	lost := 0
	for _, run := range fired {
		if one := runs[run]; len(one.starts) != 1 || len(one.ends) != 1 {
			t.Errorf("run %s: %d starts, ends %v", run, len(one.starts), one.ends)
		}
	}
	for run, one := range runs {
		for _, end := range one.ends {
			if end.Outcome == spool.OutcomeLost {
				lost++
			}
		}
		if len(one.ends) != 1 {
			t.Errorf("run %s has %d ends", run, len(one.ends))
		}
	}
	t.Logf("%d fired, %d on the server, %d of them lost", len(fired), len(runs), lost)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk runs jobs while there is no room for a single byte more: their results are told once there is an agent.
func TestFullDisk(t *testing.T) {
	r, root := newReceiver(t), smallDisk(t, "1200")
	lastPass(t, root, r.URL) // an agent was here: there is a reserve
	list := filepath.Join(private(t), "fired")
	job := func() *exec.Cmd {
		j := sh("echo $CRONTOPUS_RUN_ID >> " + list + "; seq 1000; exit 4")
		if _, err := os.Stat(filepath.Join(root, "jobs")); err != nil {
			put(t, root, j)
		}
		return wrapper("--state-dir", root, j.JobID.String())
	}
	run := func() {
		cmd := job()
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 4 || len(out) > 0 {
			t.Errorf("%d %q", cmd.ProcessState.ExitCode(), out)
		}
	}
	run()
	ballast := fill(t, root)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(run)
	}
	wg.Wait()
	r.set(true)
	must(t, os.Remove(ballast))
	run()
	r.set(false)
	lastPass(t, root, r.URL)
	runs := fired(t, list)
	check(t, r.sent(), runs)
	if len(runs) != 7 {
		t.Errorf("%d runs", len(runs))
	}
	for _, rec := range r.sent() {
		if rec.Kind == spool.KindFinish && (rec.Outcome != spool.OutcomeFailure || *rec.ExitCode != 4 || rec.Output == nil || rec.Output.TotalBytes != 3893) {
			t.Errorf("%+v", rec)
		}
	}
}

// TestShippedWhileTheDiskIsFull has the agent tell of a run from the reserve, and need no room for it.
func TestShippedWhileTheDiskIsFull(t *testing.T) {
	r, root := newReceiver(t), smallDisk(t, "1200")
	lastPass(t, root, r.URL)
	j := sh("true")
	put(t, root, j)
	fill(t, root)
	must(t, wrapper("--state-dir", root, j.JobID.String()).Run())
	lastPass(t, root, r.URL)
	if got := outcomes(r.sent()); got["success"] != 1 || len(r.sent()) != 2 {
		t.Errorf("%+v", r.sent())
	}
}

// TestTenThousandRecords is what the agent does after a long outage, over HTTP.
func TestTenThousandRecords(t *testing.T) {
	r, root := newReceiver(t), private(t)
	count := 1000
	if os.Getenv("CRONTOPUS_SOAK") != "" {
		count = 10_000
	}
	for range count {
		run := uuid.Must(uuid.NewV7())
		line, err := json.Marshal(spool.Record{EventID: uuid.New(), RunID: run, JobID: uuid.UUID{1}, Kind: spool.KindFinish, Outcome: spool.OutcomeSuccess})
		must(t, err)
		must(t, os.MkdirAll(filepath.Join(root, spool.Dir), 0o700))
		must(t, os.WriteFile(filepath.Join(root, spool.Dir, run.String()+".jsonl"), append(line, '\n'), 0o600))
	}
	began := time.Now()
	lastPass(t, root, r.URL)
	if len(r.sent()) != count {
		t.Errorf("%d of %d", len(r.sent()), count)
	}
	t.Logf("%d records in %v", count, time.Since(began))
}

// TestTheClockSeamIsInNoRelease builds crontopus-run both ways and shows both another time.
func TestTheClockSeamIsInNoRelease(t *testing.T) {
	root := private(t)
	j := gated(root, "30 2 29 2 *", "UTC")
	put(t, root, j)
	leap := time.Date(2028, 2, 29, 2, 30, 1, 0, time.UTC)
	line := fmt.Sprintf("%d %d 1\n", leap.UnixNano(), time.Now().UnixNano())
	must(t, os.WriteFile(filepath.Join(root, "test-clock"), []byte(line), 0o600))
	for _, c := range []struct {
		tags string
		runs int
	}{{"", 0}, {"clockseam", 1}} {
		binary := filepath.Join(private(t), "crontopus-run")
		build := exec.Command("go", "build", "-tags", c.tags, "-o", binary, ".")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		must(t, exec.Command(binary, "--state-dir", root, j.JobID.String()).Run())
		if got := ran(t, root); len(got) != c.runs {
			t.Errorf("with tags %q it ran %v", c.tags, got)
		}
		data, err := os.ReadFile(binary)
		must(t, err)
		if bytes.Contains(data, []byte("test-clock")) != (c.runs > 0) {
			t.Errorf("with tags %q the seam is in the wrong binary", c.tags)
		}
	}
	if recs := records(t, root); len(recs) != 2 || recs[0].At.Year() != 2028 {
		t.Errorf("%+v", recs)
	}
}

// TestADiskThatCanOnlyBeRead is what is left of many a failing machine: its jobs still run, once per slot and on time.
func TestADiskThatCanOnlyBeRead(t *testing.T) {
	for name, gate := range map[string]bool{"plain": false, "gated": true} {
		t.Run(name, func(t *testing.T) {
			root := smallDisk(t, "100")
			list := filepath.Join(private(t), "ran")
			j := gated(root, "0 * * * *", "UTC")
			j.Argv[0], j.Gate, j.Concurrency = "echo x >> "+list+"; exit 6", gate, "forbid"
			put(t, root, j)
			must(t, syscall.Mount("tmpfs", root, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
			for minute, code := range map[time.Duration]int{0: 6, 5: map[bool]int{true: 0, false: 6}[gate]} {
				r := newRunner(t, root, j)
				r.warn = func(error) {}
				r.now = func() time.Time { return time.Date(2026, 5, 4, 12, int(minute), 1, 0, time.UTC) }
				if got := r.run(); got != code {
					t.Errorf("%d minutes past: exit code %d, want %d", minute, got, code)
				}
			}
		})
	}
}
