//go:build linux

package cron

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/crontabtest"
	"crontopus.dev/agent/pkg/gate"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
)

// maker is a make of cron that is installed here.
type maker struct {
	flavour Flavour
	crontab string // "" for the one on PATH
	daemon  string
}

var debian = maker{Debian, "", "cron -f"}

// makers are those whose daemons follow faketime: Debian's, and what the environment names, as no package of Debian 12 has
// it: CRONTOPUS_TEST_CRONIE a directory with cronie's crond and crontab, CRONTOPUS_TEST_BUSYBOX a busybox that is linked
// dynamically.
func makers() []maker {
	out := []maker{debian}
	if dir := os.Getenv("CRONTOPUS_TEST_CRONIE"); dir != "" {
		out = append(out, maker{Cronie, dir + "/crontab", dir + "/crond -n"})
	}
	if path := os.Getenv("CRONTOPUS_TEST_BUSYBOX"); path != "" {
		out = append(out, maker{Busybox, path + " crontab", "sh -c \"chmod a+rw /dev/shm/*faketime*; exec " + path + " crond -f -L /dev/null\""})
	}
	return out
}

// bed is a machine with jobs of several users, the real crontopus-run, and a real cron daemon.
type bed struct {
	*crontabtest.Machine
	t       *testing.T
	c       *Cron
	state   *statedir.Dir
	entries []scheduler.Entry
	records []spool.Record
	ship    *spool.Shipper
}

// runner builds crontopus-run with the clock that follows a file: Go programs don't see faketime.
func runner(t *testing.T) string {
	t.Helper()
	if os.Getenv("CRONTOPUS_TEST_CRON") != "1" {
		t.Skip("set CRONTOPUS_TEST_CRON=1 (as root, with a cron daemon and faketime) to wait for cron daemons")
	}
	path := filepath.Join(t.TempDir(), "crontopus-run")
	if out, err := exec.Command("go", "build", "-tags", "clockseam", "-o", path, "crontopus.dev/agent/cmd/crontopus-run").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

func newBed(t *testing.T, program string, by maker, machine *time.Location, now time.Time) *bed {
	t.Helper()
	b := &bed{Machine: crontabtest.NewMachine(t), t: t}
	if by.crontab != "" {
		b.Use(t, by.crontab)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	run := b.Write(t, "bin/crontopus-run", string(data), 0o755)
	if b.state, err = statedir.OpenSystem(b.Root + "/state"); err != nil {
		t.Fatal(err)
	}
	b.c, err = New(Options{Installation: inst, RunPath: run, StateDir: b.state.Root(), Command: b.Crontab, Flavour: by.flavour, Zone: machine,
		Now: func() time.Time { return now }, System: true, Root: b.Root})
	if err != nil {
		t.Fatal(err)
	}
	b.ship = spool.NewAreaShipper(spool.Options{Areas: func() ([]area.Area, error) { return area.List(b.state) }, Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Send: func(_ context.Context, batch []spool.Record) ([]spool.Result, error) {
			b.records = append(b.records, batch...)
			out := make([]spool.Result, len(batch))
			for i, r := range batch {
				out[i] = spool.Result{EventID: r.EventID, RunID: r.RunID, Status: spool.StatusAccepted}
			}
			return out, nil
		}})
	return b
}

// add gives a job its file and its entry; served is a slot that counts as run already.
func (b *bed) add(user, zoneName string, job jobfile.Job, served time.Time, schedules ...string) uuid.UUID {
	b.t.Helper()
	job.Version, job.JobID, job.InstanceID, job.User, job.Concurrency = jobfile.Version, uuid.New(), uuid.New(), user, "allow"
	job.Namespace, job.Name, job.Output = "default", "job", jobfile.Output{Capture: "headtail", MaxBytes: 1 << 16}
	zone, err := schedule.LoadZone(zoneName)
	if err != nil {
		b.t.Fatal(err)
	}
	var parsed []schedule.Schedule
	for _, text := range schedules {
		s, err := schedule.Parse(text)
		if err != nil {
			b.t.Fatal(err)
		}
		parsed = append(parsed, s)
	}
	e, err := b.c.Render(scheduler.Job{ID: job.JobID, User: user, Schedules: parsed, Zone: zone})
	if err != nil {
		b.t.Fatal(err)
	}
	b.entries = append(b.entries, e)
	if e.Gated != "" {
		job.Gate, job.Schedules, job.Timezone, job.GraceSeconds = true, schedules, zoneName, 1200
	}
	b.furnish(user, &job, served)
	return job.JobID
}

func (b *bed) furnish(user string, job *jobfile.Job, served time.Time) {
	b.t.Helper()
	own, err := area.Of(b.state, user)
	if err != nil {
		b.t.Fatal(err)
	}
	files, err := own.Open()
	if err != nil {
		b.t.Fatal(err)
	}
	data, err := job.Encode()
	if err == nil {
		err = files.Write(jobfile.Name(job.JobID), data)
	}
	if err == nil && job.Gate {
		var memory []byte
		if memory, err = (gate.Memory{}).With(served).Encode(); err == nil {
			err = files.Write("slots/"+job.JobID.String(), memory)
		}
	}
	if err == nil {
		err = files.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// collect ships what the spools hold until enough is true, or the time is over.
func (b *bed) collect(within time.Duration, enough func() bool) {
	b.t.Helper()
	over := time.After(within)
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		if _, err := b.ship.Ship(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
		if enough() {
			return
		}
		select {
		case <-look.C:
		case <-over:
			return
		}
	}
}

func (b *bed) of(job uuid.UUID, kind string) (out []spool.Record) {
	for _, r := range b.records {
		if r.JobID == job && r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// testTwoUsers: jobs of two users, with everything in them that a crontab would trip over, beside lines of theirs.
func testTwoUsers(t *testing.T, by maker, faketime string, within time.Duration) {
	b := newBed(t, runner(t), by, time.UTC, time.Now())
	const tricky = `100% \% "q" 'ü' $HOME`
	games := b.add("games", "UTC", jobfile.Job{Shell: true, Argv: []string{`printf '%s|' "$1" "$NL" "$Q"; id -un; pwd`, tricky}, WorkingDir: "/tmp",
		Env: map[string]string{"NL": "a\nb", "Q": `'"%$x\`}}, time.Time{}, "* * * * *")
	backup := b.add("backup", "UTC", jobfile.Job{Argv: []string{"/usr/bin/printf", "%s %s\n", "50%", "ünïcode \"x\"\n"}}, time.Time{}, "* * * * *")
	// cron runs these as games, who may write there.
	if err := os.MkdirAll(b.Root+"/theirs", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(b.Root+"/theirs", 0o777); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Run(t, "* * * * * touch "+b.Root+"/theirs/kept\n* * * * * touch "+b.Root+"/theirs/adopted\n", "-u", "games", "-"); !ok {
		t.Fatal("crontab -u games")
	}
	foreign, err := b.c.Foreign(t.Context())
	if err != nil || len(foreign) != 2 {
		t.Fatalf("%+v, %v", foreign, err)
	}
	write(t, b.c, scheduler.Change{Want: b.entries, Adopt: foreign[1:]})
	b.Daemon(t, faketime+by.daemon)
	b.collect(within, func() bool { return len(b.of(games, spool.KindFinish)) > 0 && len(b.of(backup, spool.KindFinish)) > 0 })
	for job, want := range map[uuid.UUID]string{games: tricky + "|a\nb|" + `'"%$x\` + "|games\n/tmp\n", backup: "50% ünïcode \"x\"\n\n"} {
		finished := b.of(job, spool.KindFinish)
		if len(finished) == 0 || finished[0].Outcome != spool.OutcomeSuccess || finished[0].Output == nil || string(finished[0].Output.Data) != want {
			t.Errorf("want %q, got %+v", want, finished)
		}
	}
	if _, err := os.Stat(b.Root + "/theirs/kept"); err != nil {
		t.Errorf("a line of the user's own did not run: %v", err)
	}
	if _, err := os.Stat(b.Root + "/theirs/adopted"); err == nil {
		t.Error("an adopted line ran")
	}
}

func TestDaemonsRunJobsOfTwoUsers(t *testing.T) {
	t.Parallel() // with the two below: all of them mostly wait
	for _, by := range makers() {
		t.Run(string(by.flavour), func(t *testing.T) {
			testTwoUsers(t, by, "faketime -f '@2026-11-22 12:00:40 x20' ", 30*time.Second)
		})
	}
}

// TestBusyboxRunsJobsOfTwoUsers waits for a minute: Debian's busybox is static, and faketime has no hold on it.
func TestBusyboxRunsJobsOfTwoUsers(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("no busybox here")
	}
	testTwoUsers(t, maker{Busybox, path + " crontab", path + " crond -f -L /dev/null"}, "", 75*time.Second)
}

// night is some hours in which a clock jumps.
type night struct {
	name, machine string
	from          time.Time
	jobs          map[string]string // schedule → zone

	names map[uuid.UUID]string
	slots map[uuid.UUID][]time.Time
}

var nights = []night{
	{name: "New York on UTC, spring", machine: "UTC", from: time.Date(2026, 3, 8, 5, 53, 0, 0, time.UTC), jobs: newYork},
	{name: "New York on UTC, autumn", machine: "UTC", from: time.Date(2026, 11, 1, 5, 13, 0, 0, time.UTC), jobs: newYork},
	{name: "London, spring", machine: "Europe/London", from: time.Date(2026, 3, 28, 23, 53, 0, 0, time.UTC), jobs: london},
	{name: "London, autumn", machine: "Europe/London", from: time.Date(2026, 10, 24, 23, 53, 0, 0, time.UTC), jobs: london},
}

var newYork = map[string]string{"30 2 * * *": "America/New_York", "30 1 * * *": "America/New_York", "*/20 1-3 * * *": "America/New_York",
	"15 3 * * *": "America/New_York", "every 45m": "UTC", "0 1 8 3 *": "America/New_York"}

var london = map[string]string{"30 1 * * *": "Europe/London", "10 2 * * *": "Europe/London", "*/20 * * * *": "Europe/London",
	"45 1 * * *": "UTC", "30 20 * * *": "America/New_York", "every 2h": "UTC"}

const (
	nightLength = 140 * time.Minute
	rate        = 200
)

// TestJobsKeepTheirSlotsWhenClocksJump: cron itself goes through both nights of the year, at 200 times the pace;
// every slot is run once, and nothing else.
func TestJobsKeepTheirSlotsWhenClocksJump(t *testing.T) {
	t.Parallel()
	program := runner(t)
	if _, err := exec.LookPath("faketime"); err != nil {
		t.Skip("no faketime here")
	}
	var all []night
	var beds []*bed
	for _, by := range makers() {
		for _, n := range nights {
			beds = append(beds, n.start(t, program, by))
			all = append(all, n)
		}
	}
	<-time.After(nightLength/rate + 3*time.Second) // as long as the nights take
	for i, n := range all {
		t.Run(beds[i].c.Flavour()+", "+n.name, func(t *testing.T) {
			if _, err := beds[i].ship.Ship(t.Context()); err != nil {
				t.Fatal(err)
			}
			n.check(t, beds[i])
		})
	}
}

func (n *night) start(t *testing.T, program string, by maker) *bed {
	t.Helper()
	machine, err := schedule.LoadZone(n.machine)
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t, program, by, machine, n.from)
	n.slots, n.names = map[uuid.UUID][]time.Time{}, map[uuid.UUID]string{}
	for text, zone := range n.jobs {
		all, err := schedule.NewSlots([]string{text}, zone)
		if err != nil {
			t.Fatal(err)
		}
		served, _ := all.AtOrBefore(n.from)
		id := b.add("games", zone, jobfile.Job{Argv: []string{"/bin/true"}}, served, text)
		n.names[id] = text + " " + zone
		for at, ok := all.After(n.from); ok && at.Before(n.from.Add(nightLength)); at, ok = all.After(at) {
			n.slots[id] = append(n.slots[id], at)
		}
	}
	write(t, b.c, scheduler.Change{Want: b.entries})
	own, err := area.Of(b.state, "games")
	if err != nil {
		t.Fatal(err)
	}
	// What crontopus-run takes for the time: shown, real, rate. Written right before cron starts.
	clock := fmt.Sprintf("echo %d $(date +%%s%%N) %d > %s/test-clock; chmod 644 %s/test-clock; ", n.from.UnixNano(), rate, own.Root, own.Root)
	b.Daemon(t, "sh -c '"+clock+"export TZ="+n.machine+"; exec faketime -f \"@"+n.from.In(machine).Format(time.DateTime)+" x"+fmt.Sprint(rate)+"\" "+by.daemon+"'")
	return b
}

func (n *night) check(t *testing.T, b *bed) {
	for id, name := range n.names {
		var got []time.Time
		for _, r := range b.of(id, spool.KindStart) {
			slot := r.At.Add(time.Minute).Truncate(5 * time.Minute) // an exact job: cron itself was on time
			if r.SlotAt != nil {
				slot = *r.SlotAt
			}
			if late := r.At.Sub(slot); late < -time.Minute || late > 10*time.Minute {
				t.Errorf("%s: slot %s started at %s", name, slot, r.At)
			}
			if slot.Before(n.from.Add(nightLength)) {
				got = append(got, slot)
			}
		}
		if !slices.EqualFunc(got, n.slots[id], time.Time.Equal) {
			t.Errorf("%s: ran at %s, want %s", name, clockTimes(got), clockTimes(n.slots[id]))
		}
		t.Logf("%s: %s", name, clockTimes(got))
	}
}

func clockTimes(list []time.Time) string {
	out := make([]string, len(list))
	for i, at := range list {
		out[i] = at.UTC().Format("15:04")
	}
	return strings.Join(out, " ")
}
