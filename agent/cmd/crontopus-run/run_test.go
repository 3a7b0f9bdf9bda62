//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
)

// TestMain lets the test binary be crontopus-run, so that signals and exit codes are those of a process.
func TestMain(m *testing.M) {
	killGrace, slack = time.Second, 2*time.Second
	if root := os.Getenv("BE_A_SHIPPER"); root != "" {
		shipForever(root, os.Getenv("SHIP_TO"))
	}
	if os.Getenv("BE_CRONTOPUS_RUN") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// private is a new state directory.
func private(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shipForever is a process that does what the agent does with its spool, until it is killed.
func shipForever(root, server string) {
	client, err := api.New(server, func() string { return "secret" })
	if err != nil {
		panic(err)
	}
	shipper, err := spool.NewShipper(root, client.CheckIns, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		panic(err)
	}
	for range time.Tick(time.Millisecond) {
		_, _ = shipper.Ship(context.Background()) // the server is away at times
	}
}

func sh(line string) *jobfile.Job {
	return &jobfile.Job{Version: jobfile.Version, JobID: uuid.UUID{1}, InstanceID: uuid.UUID{2}, Namespace: "default", Name: "a",
		Commit: "c0ffee", Argv: []string{line}, Shell: true, Output: jobfile.Output{Capture: "headtail", MaxBytes: 1000}}
}

func put(t *testing.T, root string, j *jobfile.Job) {
	t.Helper()
	data, err := j.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, jobfile.Dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := statedir.WriteFile(jobfile.Path(root, j.JobID), data); err != nil {
		t.Fatal(err)
	}
}

// launch is crontopus-run on a job, not started yet, in cron's environment.
func launch(t *testing.T, root string, j *jobfile.Job) *exec.Cmd {
	t.Helper()
	put(t, root, j)
	cmd := exec.Command(os.Args[0], "--state-dir", root, j.JobID.String())
	cmd.Env = []string{"BE_CRONTOPUS_RUN=1", "HOME=/", "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=me", "GORACE=atexit_sleep_ms=0"}
	return cmd
}

// execute runs a job and returns exit code, what crontopus-run itself printed, and the records.
func execute(t *testing.T, j *jobfile.Job) (int, string, []spool.Record) {
	t.Helper()
	root := private(t)
	cmd := launch(t, root, j)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out), records(t, root)
}

func records(t *testing.T, root string) []spool.Record {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, spool.Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []spool.Record
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			var r spool.Record
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

func TestRuns(t *testing.T) {
	argv := func(words ...string) *jobfile.Job { j := sh(""); j.Argv, j.Shell = words, false; return j }
	mod := func(j *jobfile.Job, f func(*jobfile.Job)) *jobfile.Job { f(j); return j }
	for _, c := range []struct {
		name    string
		job     *jobfile.Job
		code    int
		outcome string
		output  string // regexp
	}{
		{"argv is not a shell", argv("echo", "$(id)", "a  b", "%", "'"), 0, "success", `^\$\(id\) a  b % '\n$`},
		{"exit code", sh("echo out; echo err >&2; exit 7"), 7, "failure", `^out\nerr\n$`},
		{"own signal", sh("kill -9 $$"), 137, "failure", `^$`},
		{"not found", argv("no-such-command"), 127, "failure", `^$`},
		{"not found by path", argv("/no/such/command"), 127, "failure", `^$`},
		{"not executable", argv("/etc/passwd"), 126, "failure", `^$`},
		{"no such directory", mod(sh("true"), func(j *jobfile.Job) { j.WorkingDir = "/no/such" }), 127, "failure", `^$`},
		{"directory", mod(sh("pwd"), func(j *jobfile.Job) { j.WorkingDir = "/etc" }), 0, "success", `^/etc\n$`},
		{"environment", mod(sh("echo \"$A|$CRONTOPUS_JOB\""), func(j *jobfile.Job) { j.Env = map[string]string{"A": "x\ny $HOME"} }), 0, "success", `^x\ny \$HOME\|default/a\n$`},
		{"PATH of the job", mod(argv("passwd"), func(j *jobfile.Job) { j.Env = map[string]string{"PATH": "/etc"} }), 127, "failure", `^$`},
		{"no stdin", sh("cat; echo end"), 0, "success", `^end\n$`},
		{"head and tail", sh("seq 1 10000"), 0, "success", `^1\n2\n(?s:.*)… 47894 bytes left out …(?s:.*)\n10000\n$`},
		{"tail", mod(sh("seq 1 10000"), func(j *jobfile.Job) { j.Output = jobfile.Output{Capture: "tail", MaxBytes: 12} }), 0, "success", `^\n9999\n10000\n$`},
		{"redacted", mod(sh("echo password=hunter2 end"), func(j *jobfile.Job) { j.Output.Redact = []string{`password=\S+`} }), 0, "success", `^\[redacted\] end\n$`},
		{"timeout", mod(sh("trap 'echo bye; exit 9' TERM; echo hi; while :; do sleep 0.05; done"), func(j *jobfile.Job) { j.TimeoutSeconds = 1 }), 9, "timeout", `^hi\n(Terminated\n)?bye\n$`},
		{"retried", mod(sh(`[ -e "$F" ] && exit 0; : > "$F"; exit 1`), func(j *jobfile.Job) {
			j.Env = map[string]string{"F": filepath.Join(private(t), "f")}
			j.Retry = jobfile.Retry{Attempts: 3}
		}), 0, "success", `^$`},
		{"retried in vain", mod(sh("exit 4"), func(j *jobfile.Job) { j.Retry = jobfile.Retry{Attempts: 2} }), 4, "failure", `^$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, printed, recs := execute(t, c.job)
			if code != c.code || printed != "" {
				t.Errorf("exit code %d, want %d; printed %q", code, c.code, printed)
			}
			if len(recs) != 2 {
				t.Fatalf("records: %+v", recs)
			}
			s, f := recs[0], recs[1]
			if s.Kind != "start" || f.Kind != "finish" || s.RunID != f.RunID || s.RunID.Version() != 7 || s.EventID == f.EventID || s.Commit != "c0ffee" ||
				f.Outcome != c.outcome || *f.ExitCode != c.code || f.DurationSeconds == nil || *f.InstanceID != (uuid.UUID{2}) {
				t.Errorf("start %+v\nfinish %+v", s, f)
			}
			if !regexp.MustCompile(c.output).Match(f.Output.Data) {
				t.Errorf("output %q, want %s", f.Output.Data, c.output)
			}
		})
	}
}

// newRunner is a run within the test's own process.
func newRunner(t *testing.T, root string, j *jobfile.Job) *runner {
	t.Helper()
	run := uuid.Must(uuid.NewV7())
	return &runner{root: root, job: j, runID: run, now: time.Now, warn: func(err error) { t.Error(err) }, grace: killGrace, stderr: io.Discard, report: spool.NewWriter(root, run)}
}

func TestTimeoutKillsTheWholeGroup(t *testing.T) {
	const stubborn = `sh -c 'trap "" TERM; echo $$; while :; do sleep 0.05; done'`
	for line, want := range map[string]int{
		"trap '' TERM; " + stubborn: 137,
		stubborn + " & wait":        143, // the leader ends when it is asked to, and leaves its child
	} {
		root := private(t)
		j := sh(line)
		j.TimeoutSeconds = 1
		r := newRunner(t, root, j)
		r.grace = 50 * time.Millisecond
		if code := r.run(); code != want {
			t.Errorf("exit code %d, want %d", code, want)
		}
		recs := records(t, root)
		var child int
		if err := json.Unmarshal(bytes.TrimSpace(recs[1].Output.Data), &child); err != nil || recs[1].Outcome != "timeout" {
			t.Fatalf("%+v %v", recs[1], err)
		}
		if err := syscall.Kill(child, 0); !errors.Is(err, syscall.ESRCH) && !zombie(child) {
			t.Errorf("the grandchild %d lives: %v", child, err)
		}
	}
}

// zombie: an orphan may wait for an init that doesn't reap.
func zombie(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(data), ") Z ")
}

func TestSignalsAreForwarded(t *testing.T) {
	root := private(t)
	ready := filepath.Join(root, "fifo")
	if err := syscall.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := launch(t, root, sh("trap 'exit 33' USR1; echo up > "+ready+"; while :; do sleep 0.05; done"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(ready); err != nil { // blocks until the job is up
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 33 {
		t.Errorf("%v", err)
	}
}

func TestForbidSkipsAnOverlap(t *testing.T) {
	root := private(t)
	ready, release := filepath.Join(root, "up"), filepath.Join(root, "go")
	for _, f := range []string{ready, release} {
		if err := syscall.Mkfifo(f, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j := sh("echo up > " + ready + "; cat " + release)
	j.Concurrency = "forbid"
	first := launch(t, root, j)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(ready); err != nil {
		t.Fatal(err)
	}
	second := launch(t, root, j)
	if out, err := second.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("second: %v %s", err, out)
	}
	if err := os.WriteFile(release, nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	outcomes := map[string]int{}
	for _, r := range records(t, root) {
		outcomes[r.Outcome]++
	}
	if outcomes["skipped"] != 1 || outcomes["success"] != 1 || outcomes[""] != 1 {
		t.Errorf("%v", outcomes)
	}
}

func TestTheCommandRunsWithoutASpool(t *testing.T) {
	root := private(t)
	cmd := launch(t, root, sh("exit 5"))
	if err := os.WriteFile(filepath.Join(root, spool.Dir), nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 5 || len(out) > 0 {
		t.Errorf("%v %q", err, out)
	}
}

func TestAMissingJobFileIsHeard(t *testing.T) {
	root := private(t)
	var said bytes.Buffer
	if code := run([]string{"--state-dir", root, uuid.UUID{9}.String()}, &said); code != exitOwn || !strings.Contains(said.String(), "cannot run") {
		t.Errorf("%d %q", code, said.String())
	}
	if recs := records(t, root); len(recs) != 1 || recs[0].Outcome != "failure" || *recs[0].ExitCode != exitOwn {
		t.Errorf("%+v", recs)
	}
	for _, args := range [][]string{{}, {"nope"}, {uuid.NewString(), "more"}, {"--nope"}} {
		if code := run(args, &said); code != exitUsage {
			t.Errorf("%v: %d", args, code)
		}
	}
}

func TestADaemonLeftBehindDoesNotHoldTheReport(t *testing.T) {
	root := private(t)
	release := filepath.Join(root, "go")
	if err := syscall.Mkfifo(release, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := launch(t, root, sh("(cat "+release+") & echo started"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(records(t, root)) < 2 { // the report is there while the daemon still holds the pipe
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("no finish record")
		}
	}
	if err := os.WriteFile(release, nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
