//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/apitest"
	"crontopus.dev/agent/pkg/crontabtest"
	"crontopus.dev/agent/pkg/spool"
)

// rig is a built agent, a server, and the user's crontab.
type rig struct {
	t     *testing.T
	bin   string
	state string
	srv   *apitest.Server
	log   *logBuffer
	proc  *exec.Cmd

	machine *crontabtest.Machine // nil for others than root
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the real programs")
	}
	machine := crontabtest.Borrow(t)
	// Not t.TempDir: its path holds the test's name, and this path stands on crontab lines.
	dir, err := os.MkdirTemp("", "crontopus-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, bin: dir, state: filepath.Join(dir, "state"), srv: apitest.New(t), log: &logBuffer{}, machine: machine}
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Log(r.log.String())
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	out, err := exec.Command("go", "build", "-o", dir+"/", "crontopus.dev/agent/cmd/crontopus-agent", "crontopus.dev/agent/cmd/crontopus-run").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return r
}

// agent runs one command to its end.
func (r *rig) agent(args ...string) (string, int) {
	r.t.Helper()
	cmd := exec.Command(filepath.Join(r.bin, "crontopus-agent"), append(args, "--state-dir", r.state)...)
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		r.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// expect is agent for a command that ends with a code.
func (r *rig) expect(code int, args ...string) string {
	r.t.Helper()
	out, got := r.agent(args...)
	if got != code {
		r.t.Fatalf("%v ended with %d: %s", args, got, out)
	}
	return out
}

func (r *rig) enroll(labels ...string) {
	r.t.Helper()
	args := []string{"enroll", "--server", r.srv.URL, "--token", r.srv.EnrolToken}
	for _, l := range labels {
		args = append(args, "--label", l)
	}
	r.expect(0, args...)
}

func (r *rig) start() {
	r.t.Helper()
	r.proc = exec.Command(filepath.Join(r.bin, "crontopus-agent"), "run", "--state-dir", r.state)
	r.proc.Stderr = r.log
	if err := r.proc.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) stop() {
	if r.proc == nil {
		return
	}
	if err := r.proc.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Error(err)
	}
	if err := r.proc.Wait(); err != nil {
		r.t.Errorf("the agent ended with %v", err)
	}
	r.proc = nil
}

// applied waits until the agent reports a commit as applied.
func (r *rig) applied(commit string) {
	r.t.Helper()
	r.srv.Await(r.t, "commit "+commit+" to be applied", func() bool {
		beats := r.srv.Heartbeats()
		return len(beats) > 0 && beats[len(beats)-1].AppliedCommit != nil && *beats[len(beats)-1].AppliedCommit == commit
	})
}

const job = `apiVersion: crontopus/v1
kind: Job
metadata: {name: hello}
spec:
  schedule: "*/5 * * * *"
  command: /bin/echo
  args: ["hello; $(id) %", "wörld"]
  selector: {matchLabels: {role: db}}
`

const foreign = "# mine\nMAILTO=me@example.com\n\n0 3 * * *\t/usr/bin/true # % \\%\n@reboot /usr/bin/true\n"

func TestCommitToCrontabToServer(t *testing.T) {
	r := newRig(t)
	crontabtest.Set(t, foreign)
	r.enroll("role=db")
	r.start()
	r.applied(r.srv.Repo.Head())

	began := time.Now()
	r.applied(r.srv.Push(map[string]string{"default/hello.yaml": job}))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("commit to crontab took %s", took)
	}
	line, rest, _ := strings.Cut(crontabtest.Get(t), "\n")
	want := regexp.MustCompile(`^\*/5 \* \* \* \* ` + r.bin + `/crontopus-run --state-dir ` + r.state + ` [0-9a-f-]{36} # crontopus:[0-9a-f-]{36}:[0-9a-f-]{36}$`)
	if !want.MatchString(line) {
		t.Errorf("entry: %s", line)
	}
	if rest != foreign {
		t.Errorf("foreign lines changed:\n%q\n%q", rest, foreign)
	}
	r.fire(line, 0)
	r.srv.Await(t, "the run on the server", func() bool { return len(r.srv.Records()) == 2 })
	recs := r.srv.Records()
	if recs[0].Kind != spool.KindStart || recs[1].Kind != spool.KindFinish || recs[1].Outcome != spool.OutcomeSuccess ||
		string(recs[1].Output.Data) != "hello; $(id) % wörld\n" || recs[1].Commit != r.srv.Repo.Head() {
		t.Errorf("records: %+v, output %+v", recs, recs[1].Output)
	}

	// The same by the shell, failing; then no longer for this endpoint; then deleted.
	r.applied(r.srv.Push(map[string]string{"default/hello.yaml": strings.Replace(job, "command: /bin/echo\n  args: [\"hello; $(id) %\", \"wörld\"]",
		"command: echo $((6*7)) >&2; exit 3\n  shell: true", 1)}))
	r.fire(line, 3)
	r.srv.Await(t, "the failed run", func() bool { return len(r.srv.Records()) == 4 })
	last := r.srv.Records()[3]
	if last.Outcome != spool.OutcomeFailure || *last.ExitCode != 3 || string(last.Output.Data) != "42\n" {
		t.Errorf("failed run: %+v %+v", last, last.Output)
	}
	r.srv.SetLabels(map[string]string{"role": "web"})
	r.srv.Await(t, "the entry to go", func() bool { return crontabtest.Get(t) == foreign })
	r.srv.SetLabels(map[string]string{"role": "db"})
	r.srv.Await(t, "the entry to return", func() bool { return strings.Contains(crontabtest.Get(t), "crontopus-run") })
	r.applied(r.srv.Push(map[string]string{"default/hello.yaml": ""}))
	if got := crontabtest.Get(t); got != foreign {
		t.Errorf("after deletion: %q", got)
	}
	r.stop()
	if pending, err := spool.Pending(r.state); err != nil || pending != 0 {
		t.Errorf("spool: %d, %v", pending, err)
	}
}

// fire starts an entry as cron does: through sh, with cron's environment.
func (r *rig) fire(entry string, code int) {
	r.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", strings.TrimPrefix(entry, "*/5 * * * * "))
	cmd.Env = []string{"HOME=/", "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=me"}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code || len(out) > 0 {
		r.t.Errorf("the entry gave exit code %d, want %d, and printed %q", got, code, out)
	}
}

// TestKilledAndServerAway: what was fired while the agent was dead and the server away arrives once, in order.
func TestKilledAndServerAway(t *testing.T) {
	r := newRig(t)
	r.enroll("role=db")
	r.start()
	r.applied(r.srv.Push(map[string]string{"default/hello.yaml": job}))
	entry := strings.TrimSuffix(crontabtest.Get(t), "\n")
	for range 3 {
		if err := r.proc.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := r.proc.Wait(); err == nil {
			t.Fatal("killed, yet it ended well")
		}
		r.fire(entry, 0)
		r.srv.SetDown(true)
		r.start()
		r.fire(entry, 0)
		r.srv.SetDown(false)
	}
	r.srv.Await(t, "six runs", func() bool { return len(r.srv.Records()) == 12 })
	for i, rec := range r.srv.Records() {
		if want := []string{spool.KindStart, spool.KindFinish}[i%2]; rec.Kind != want {
			t.Errorf("record %d is a %s", i, rec.Kind)
		}
	}
	if out, code := r.agent("status"); code != 0 || !strings.Contains(out, "running") || !strings.Contains(out, "1 of 1 jobs ready") {
		t.Errorf("status %d: %s", code, out)
	}
	if out, code := r.agent("apply"); code != 1 || !strings.Contains(out, "another crontopus-agent") {
		t.Errorf("a second agent: %d %s", code, out)
	}
	r.stop()
	// plan shows what apply then does, and changes nothing itself.
	r.srv.Push(map[string]string{"default/hello.yaml": strings.Replace(job, "*/5", "*/7", 1)})
	before := crontabtest.Get(t)
	if out, code := r.agent("plan"); code != 0 || !strings.Contains(out, "would update default/hello") || crontabtest.Get(t) != before {
		t.Errorf("plan %d: %s", code, out)
	}
	if out, code := r.agent("apply"); code != 0 || !strings.Contains(out, "update default/hello") || !strings.HasPrefix(crontabtest.Get(t), "*/7 ") {
		t.Errorf("apply %d: %s", code, out)
	}
	r.srv.Repo.Rewind(map[string]string{"default/hello.yaml": job})
	if out, code := r.agent("apply"); code != 1 || !strings.Contains(out, "--accept-rewind") || !strings.HasPrefix(crontabtest.Get(t), "*/7 ") {
		t.Errorf("rewound %d: %s", code, out)
	}
	if out, code := r.agent("apply", "--accept-rewind"); code != 0 || !strings.HasPrefix(crontabtest.Get(t), "*/5 ") {
		t.Errorf("accepted rewind %d: %s", code, out)
	}
}
