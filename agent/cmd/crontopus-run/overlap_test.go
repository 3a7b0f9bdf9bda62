//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/spool"
)

// begun starts crontopus-run on a job whose command first writes its pid to the fifo "up", and waits for that.
func begun(t *testing.T, root string, j *jobfile.Job) (cmd *exec.Cmd, pid string) {
	t.Helper()
	cmd = launch(t, root, j)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, up(t, root)
}

func up(t *testing.T, root string) string {
	t.Helper()
	f, err := os.Open(filepath.Join(root, "up"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// noted returns once the lock file names the command: a crontopus-run that is killed before that has left no word of it.
func noted(t *testing.T, root string, j *jobfile.Job, pid string) {
	t.Helper()
	for {
		data, err := os.ReadFile(filepath.Join(root, locksDir, j.JobID.String()))
		if err != nil {
			t.Fatal(err)
		}
		var h holder
		if json.Unmarshal(data, &h) == nil && h.Command.PID == atoi(t, pid) {
			return
		}
		runtime.Gosched()
	}
}

// waiting is a job that says that it is up and then waits for the fifo "go".
func waiting(t *testing.T, root, concurrency, before string) *jobfile.Job {
	t.Helper()
	for _, f := range []string{"up", "go"} {
		if err := syscall.Mkfifo(filepath.Join(root, f), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j := sh(before + "echo $$ > " + root + "/up; read line < " + root + "/go")
	j.Concurrency = concurrency
	return j
}

func letGo(t *testing.T, root string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, "go"), []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
}

// outcomes counts the finished runs by how they ended.
func outcomes(recs []spool.Record) map[string]int {
	found := map[string]int{}
	for _, r := range recs {
		if r.Kind == spool.KindFinish {
			found[r.Outcome]++
		}
	}
	return found
}

func TestReplaceEndsTheEarlierRun(t *testing.T) {
	root := private(t)
	j := waiting(t, root, "replace", "")
	first, _ := begun(t, root, j)
	second, _ := begun(t, root, j)
	err := first.Wait()
	if first.ProcessState.ExitCode() != 143 {
		t.Errorf("the earlier run: %v", err)
	}
	letGo(t, root)
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	recs := records(t, root)
	if got := outcomes(recs); got["failure"] != 1 || got["success"] != 1 || len(recs) != 4 {
		t.Errorf("%+v", recs)
	}
	for _, r := range recs {
		if r.Outcome == spool.OutcomeFailure && !strings.Contains(r.Message, "make room") {
			t.Errorf("%+v", r)
		}
	}
	if left, err := filepath.Glob(filepath.Join(root, locksDir, "*.replaced")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestReplaceKillsWhatWillNotEnd(t *testing.T) {
	for name, orphan := range map[string]bool{"under its crontopus-run": false, "whose crontopus-run was killed": true, "whose crontopus-run is stopped": false} {
		t.Run(name, func(t *testing.T) {
			root := private(t)
			j := waiting(t, root, "replace", "trap '' TERM; ")
			first, pid := begun(t, root, j)
			noted(t, root, j, pid)
			if orphan {
				if err := first.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			if strings.HasSuffix(name, "is stopped") {
				if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
			}
			j.Argv[0] = "echo done"
			r := newRunner(t, root, j)
			r.grace = 100 * time.Millisecond
			if code := r.run(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			_ = first.Wait() // killed, or ended by what it was told
			if p, err := identify(atoi(t, pid)); err == nil && p.alive() {
				t.Errorf("the command %s lives", pid)
			}
		})
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	var n int
	if err := json.Unmarshal([]byte(s), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestForbidKnowsTheCommandOfAKilledRun(t *testing.T) {
	root := private(t)
	j := waiting(t, root, "forbid", "")
	first, pid := begun(t, root, j)
	noted(t, root, j, pid)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	r := newRunner(t, root, j)
	if code := r.run(); code != 0 || outcomes(records(t, root))["skipped"] != 1 {
		t.Errorf("%d %+v", code, records(t, root))
	}
	command, err := identify(atoi(t, pid))
	if err != nil {
		t.Fatal(err)
	}
	letGo(t, root)
	for command.alive() { // an orphan: nobody tells us when it is over
		if _, err := os.Stat("/proc/" + pid); err != nil {
			break
		}
	}
	j.Argv[0] = "true"
	r = newRunner(t, root, j)
	if code := r.run(); code != 0 || outcomes(records(t, root))["success"] != 1 {
		t.Errorf("%d %+v", code, records(t, root))
	}
}

// TestAPidThatMeansAnotherProcessNowIsLeftAlone has the lock file name a process that lives and is somebody else.
func TestAPidThatMeansAnotherProcessNowIsLeftAlone(t *testing.T) {
	root := private(t)
	victim := exec.Command("cat")
	stdin, err := victim.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	victim.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	other := process{PID: victim.Process.Pid, Started: "an earlier boot:1"}
	data, err := json.Marshal(holder{RunID: uuid.New(), Run: other, Command: other})
	if err != nil {
		t.Fatal(err)
	}
	j := sh("true")
	j.Concurrency = "replace"
	lock, err := openLock(root, j.JobID.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := (holder{Run: other, Command: other}).kill(); err != nil {
		t.Error(err)
	}
	if code := newRunner(t, root, j).run(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := victim.Wait(); err != nil {
		t.Errorf("the other process was hit: %v", err)
	}
}

func TestAllowRunsBoth(t *testing.T) {
	root := private(t)
	j := waiting(t, root, "allow", "")
	first, _ := begun(t, root, j)
	other := sh("true")
	other.Concurrency = "allow"
	if code := newRunner(t, root, other).run(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	letGo(t, root)
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	if got := outcomes(records(t, root)); got["success"] != 2 {
		t.Errorf("%v", got)
	}
}

func TestTheTimeoutIsTheRunsAsAWhole(t *testing.T) {
	root := private(t)
	j := sh("exit 1")
	j.TimeoutSeconds, j.Retry = 1, jobfile.Retry{Attempts: 5, DelaySeconds: 600}
	if code := newRunner(t, root, j).run(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if recs := records(t, root); len(recs) != 2 || recs[1].Outcome != spool.OutcomeTimeout || !strings.Contains(recs[1].Message, "timeout") {
		t.Errorf("%+v", recs)
	}
}

func TestASignalBeforeTheCommandIsTold(t *testing.T) {
	root := private(t)
	j := sh("exit 1")
	j.Retry = jobfile.Retry{Attempts: 2, DelaySeconds: 600}
	j.Argv[0] = "kill -TERM $PPID; exit 4" // crontopus-run itself, which passes it back
	cmd := launch(t, root, j)
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 4 && cmd.ProcessState.ExitCode() != 143 {
		t.Errorf("%v", err)
	}
	if recs := records(t, root); len(recs) != 2 || recs[1].Outcome != spool.OutcomeFailure {
		t.Errorf("%+v", recs)
	}
}
