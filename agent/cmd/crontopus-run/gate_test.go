//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
)

// gated is a job that appends a line to the file called ran, each time it runs.
func gated(root, expression, zone string) *jobfile.Job {
	j := sh("echo $CRONTOPUS_SLOT >> " + filepath.Join(root, "ran"))
	j.Gate, j.Schedules, j.Timezone, j.GraceSeconds = true, []string{expression}, zone, 600
	return j
}

func runAt(t *testing.T, root string, j *jobfile.Job, now time.Time) int {
	t.Helper()
	r := newRunner(t, root, j)
	r.now = func() time.Time { return now }
	return r.run()
}

func ran(t *testing.T, root string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "ran"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(data))
}

func TestNewYorkOnAUTCMachineAcrossBothChanges(t *testing.T) {
	root := private(t)
	j := gated(root, "30 1 * * *", "America/New_York")
	for _, day := range []string{"2026-03-07", "2026-03-08", "2026-03-09", "2026-10-31", "2026-11-01", "2026-11-02"} {
		begin, err := time.Parse("2006-01-02", day)
		if err != nil {
			t.Fatal(err)
		}
		for hour := range 24 { // as the superset trigger fires, 30 minutes past every hour
			if code := runAt(t, root, j, begin.Add(time.Duration(hour)*time.Hour+30*time.Minute+time.Second)); code != 0 {
				t.Fatal(code)
			}
		}
	}
	want := "2026-03-07T06:30:00Z 2026-03-08T06:30:00Z 2026-03-09T05:30:00Z 2026-10-31T05:30:00Z 2026-11-01T05:30:00Z 2026-11-02T06:30:00Z"
	if got := strings.Join(ran(t, root), " "); got != want {
		t.Errorf("ran at\n%s, want\n%s", got, want)
	}
	recs := records(t, root)
	if len(recs) != 12 || recs[0].SlotAt == nil || !recs[0].SlotAt.Equal(recs[0].At.Truncate(time.Minute)) {
		t.Errorf("%+v", recs)
	}
}

func TestManyStartsServeASlotOnce(t *testing.T) {
	root := private(t)
	j := gated(root, "* * * * *", "UTC")
	now := time.Now().Truncate(time.Minute)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { runAt(t, root, j, now) })
	}
	wg.Wait()
	if got := ran(t, root); len(got) != 1 {
		t.Errorf("ran %d times", len(got))
	}
}

func TestNowRunsWhateverTheGateSays(t *testing.T) {
	root := private(t)
	j := gated(root, "0 0 29 2 *", "UTC")
	cmd := launch(t, root, j)
	if err := cmd.Run(); err != nil || len(ran(t, root)) != 0 || len(records(t, root)) != 0 {
		t.Fatalf("%v, ran %v", err, ran(t, root))
	}
	cmd = launch(t, root, j)
	cmd.Args = append([]string{cmd.Args[0], "--now"}, cmd.Args[1:]...)
	if err := cmd.Run(); err != nil || len(records(t, root)) != 2 {
		t.Errorf("%v %+v", err, records(t, root))
	}
}

func TestAGateThatCannotBeEvaluatedDoesNotRunAndSaysSo(t *testing.T) {
	noon := time.Date(2026, 5, 4, 12, 0, 1, 0, time.UTC)
	spoil := func(root string, j *jobfile.Job) {
		if err := os.MkdirAll(filepath.Join(root, slotsDir), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(slotsFile(root, j.JobID), []byte("{torn"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		make func(root string, j *jobfile.Job)
	}{
		{"unknown zone", func(_ string, j *jobfile.Job) { j.Timezone = "Mars/Olympus" }},
		{"no schedule", func(_ string, j *jobfile.Job) { j.Schedules = nil }},
		{"torn record of served slots", spoil},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := private(t)
			j := gated(root, "0 12 * * *", "UTC")
			c.make(root, j)
			if code := runAt(t, root, j, noon); code != exitOwn || len(ran(t, root)) != 0 {
				t.Errorf("exit code %d, ran %v", code, ran(t, root))
			}
			recs := records(t, root)
			if len(recs) != 1 || recs[0].Outcome != spool.OutcomeFailure || !strings.Contains(recs[0].Message, "gate") {
				t.Errorf("%+v", recs)
			}
		})
	}
	t.Run("a torn record heals", func(t *testing.T) {
		root := private(t)
		j := gated(root, "0 12 * * *", "UTC")
		spoil(root, j)
		for _, c := range []struct {
			at   time.Duration
			code int
			ran  int
		}{{-time.Hour, 0, 0}, {0, exitOwn, 0}, {24 * time.Hour, 0, 1}} {
			if code := runAt(t, root, j, noon.Add(c.at)); code != c.code || len(ran(t, root)) != c.ran {
				t.Errorf("%v later: exit code %d, ran %d times", c.at, code, len(ran(t, root)))
			}
		}
	})
}

// TestSlotsAreKeptWithoutRoomForASecondFile makes the folder one in which no file can be made.
func TestSlotsAreKeptWithoutRoomForASecondFile(t *testing.T) {
	root, slots := private(t), slotsDir
	j := gated(root, "0 * * * *", "UTC")
	noon := time.Date(2026, 5, 4, 12, 0, 1, 0, time.UTC)
	if code := runAt(t, root, j, noon); code != 0 {
		t.Fatal(code)
	}
	full := filepath.Join(root, slots)
	fillDisk(t, full, j.JobID.String())
	for range 2 {
		r := newRunner(t, root, j)
		r.now = func() time.Time { return noon.Add(time.Hour) }
		r.warn = func(error) {}
		if code := r.run(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	if got := ran(t, root); len(got) != 2 {
		t.Errorf("ran %v", got)
	}
}

func TestAnotherUsersJobIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, whom another user's job file would be dangerous to")
	}
	root := private(t)
	put(t, root, sh("true"))
	if err := os.Chown(root, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := loadJob(root, uuid.UUID{1}); err == nil || !strings.Contains(err.Error(), "65534") {
		t.Errorf("root runs what nobody wrote: %v", err)
	}
	root = private(t)
	j := sh("true")
	j.User = "nobody"
	put(t, root, j)
	if _, err := loadJob(root, j.JobID); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("%v", err)
	}
}
