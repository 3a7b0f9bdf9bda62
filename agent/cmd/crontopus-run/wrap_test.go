//go:build unix

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/spool"
)

// receiver is a ping URL and an API in one.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	down    bool
	pings   []string // event, rid and body
	records []spool.Record
	before  func(event string)
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ping/key/{event}", func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		if before := r.hook(); before != nil {
			before(req.PathValue("event"))
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.pings = append(r.pings, req.PathValue("event")+" "+req.URL.Query().Get("rid")+" "+string(body))
	})
	mux.HandleFunc("POST /api/v1/check-ins/batch", func(w http.ResponseWriter, req *http.Request) {
		var in struct{ Items []spool.Record }
		if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
			w.WriteHeader(http.StatusBadRequest) // whoever sent it was killed
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.down || req.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		out := []spool.Result{}
		for _, rec := range in.Items {
			r.records = append(r.records, rec)
			out = append(out, spool.Result{EventID: rec.EventID, Status: spool.StatusAccepted})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"results": out}) // as well
	})
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) set(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

func (r *receiver) hook() func(string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.before
}

func (r *receiver) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.pings)
}

func (r *receiver) sent() []spool.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

func (r *receiver) events() string {
	var out []string
	for _, p := range r.told() {
		event, _, _ := strings.Cut(p, " ")
		out = append(out, event)
	}
	return strings.Join(out, " ")
}

// wrapper is crontopus-run with these words, in cron's environment.
func wrapper(words ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], words...)
	cmd.Env = []string{"BE_CRONTOPUS_RUN=1", "HOME=/", "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=me", "GORACE=atexit_sleep_ms=0"}
	return cmd
}

func TestWrapperTells(t *testing.T) {
	run := uuid.NewString()
	for _, c := range []struct {
		name  string
		args  []string
		code  int
		pings []string
	}{
		{"success", []string{"--", "echo", "hi", "$x"}, 0, []string{"start " + run + " ", "0 " + run + " hi $x\n"}},
		{"failure", []string{"--", "sh", "-c", "echo no >&2; exit 7"}, 7, []string{"start " + run + " ", "7 " + run + " no\n"}},
		{"killed", []string{"--", "sh", "-c", "kill -9 $$"}, 137, []string{"start " + run + " ", "137 " + run + " "}},
		{"not found", []string{"--", "no-such-command"}, 127, []string{"start " + run + " ", "127 " + run + " could not start: "}},
		{"timeout", []string{"--timeout", "50ms", "--", "cat", "/dev/zero"}, 143, []string{"start " + run + " ", "fail " + run + " stopped after its timeout of 1s\n"}},
		{"redacted", []string{"--redact", "s.cret", "--", "echo", "a secret"}, 0, []string{"start " + run + " ", "0 " + run + " a [redacted]\n"}},
		{"no output", []string{"--max-output", "0", "--", "echo", "a"}, 0, []string{"start " + run + " ", "0 " + run + " "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t)
			cmd := wrapper(append([]string{"--state-dir", private(t), "--ping", r.URL + "/ping/key", "--rid", run}, c.args...)...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != c.code || len(out) > 0 {
				t.Errorf("%v, printed %q", err, out)
			}
			if got := r.told(); len(got) != 2 || got[0] != c.pings[0] || !strings.HasPrefix(got[1], c.pings[1]) {
				t.Errorf("%.300q, want %q", got, c.pings)
			}
		})
	}
}

func TestWhatCouldNotBeToldGoesOutWithTheNextCall(t *testing.T) {
	r, root := newReceiver(t), private(t)
	args := []string{"--state-dir", root, "--ping", r.URL + "/ping/key", "--wait", "10ms", "--"}
	r.set(true)
	cmd := wrapper(append(args, "sh", "-c", "echo first; exit 3")...)
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 3 || len(out) > 0 {
		t.Errorf("%d %q", cmd.ProcessState.ExitCode(), out)
	}
	r.set(false)
	args[5] = "10s"
	if err := wrapper(append(args, "cat")...).Run(); err != nil {
		t.Error(err)
	}
	if got := r.told(); r.events() != "3 start 0" || !strings.Contains(got[0], "sent late") || !strings.HasSuffix(got[0], "first\n") {
		t.Errorf("%q", got)
	}
}

// TestASlowReceiverHoldsNothingUp has the receiver answer no start before the command has run.
func TestASlowReceiverHoldsNothingUp(t *testing.T) {
	r, root := newReceiver(t), private(t)
	fifo := filepath.Join(root, "up")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	r.before = func(event string) {
		if event == "start" {
			if _, err := os.ReadFile(fifo); err != nil {
				t.Error(err)
			}
		}
	}
	r.mu.Unlock()
	if err := wrapper("--state-dir", root, "--ping", r.URL+"/ping/key", "--", "sh", "-c", "echo > "+fifo).Run(); err != nil {
		t.Error(err)
	}
	if got := r.events(); got != "start 0" {
		t.Error(got)
	}
}

func TestWrapperFailsOpen(t *testing.T) {
	r := newReceiver(t)
	for _, args := range [][]string{
		{"--state-dir", "/dev/null/no", "--ping", r.URL + "/ping/key"},
		{"--state-dir", private(t), "--ping", r.URL + "/nobody"},
		{"--state-dir", private(t), "--wait", "0s", "--ping", "http://127.0.0.1:1/x"},
		{"--state-dir", private(t), "--wait", "0s", "--api", r.URL, "--token-file", "/no/such", "--job-id", uuid.NewString()},
		{"--state-dir", "/dev/null/no", "--api", r.URL, "--token-file", "/no/such", "--job-id", uuid.NewString()},
	} {
		cmd := wrapper(append(args, "--", "sh", "-c", "exit 9")...)
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 9 || len(out) > 0 {
			t.Errorf("%v: %d %q", args, cmd.ProcessState.ExitCode(), out)
		}
	}
	if got := r.events(); got != "start 9" {
		t.Error("without a state directory:", got)
	}
}

func TestPrintPassesBothStreamsOn(t *testing.T) {
	r := newReceiver(t)
	cmd := wrapper("--state-dir", private(t), "--print", "--ping", r.URL+"/ping/key", "--", "sh", "-c", "cat; echo err >&2")
	var out, err strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("from stdin\n"), &out, &err
	if runErr := cmd.Run(); runErr != nil || out.String() != "from stdin\n" || err.String() != "err\n" {
		t.Errorf("%v %q %q", runErr, out.String(), err.String())
	}
}

// TestAClosedPipeEndsTheCommandAsItWouldWithoutUs is `crontopus-run --print … -- yes | head -1`.
func TestAClosedPipeEndsTheCommandAsItWouldWithoutUs(t *testing.T) {
	r := newReceiver(t)
	cmd := wrapper("--state-dir", private(t), "--print", "--ping", r.URL+"/ping/key", "--", "yes")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := read.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if got := r.events(); cmd.ProcessState.ExitCode() != 141 || got != "start 141" {
		t.Errorf("%v: %s", err, got)
	}
}

func TestDirectToTheAPI(t *testing.T) {
	r, root, job := newReceiver(t), private(t), uuid.New()
	token := filepath.Join(root, "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--state-dir", root, "--api", r.URL, "--token-file", token, "--job-id", job.String(), "--wait"}
	r.set(true)
	cmd := wrapper(append(args, "10ms", "--", "sh", "-c", "exit 3")...)
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 3 || len(out) > 0 {
		t.Errorf("%d %q", cmd.ProcessState.ExitCode(), out)
	}
	r.set(false)
	if err := wrapper(append(args, "10s", "--", "echo", "hi")...).Run(); err != nil {
		t.Error(err)
	}
	byEvent := map[uuid.UUID]spool.Record{}
	got := r.sent()
	for _, rec := range got {
		byEvent[rec.EventID] = rec
		if rec.JobID != job || rec.InstanceID != nil {
			t.Errorf("%+v", rec)
		}
	}
	if len(byEvent) != 4 || got[0].Kind != spool.KindStart || *got[1].ExitCode != 3 || string(got[len(got)-1].Output.Data) != "hi\n" {
		t.Errorf("%+v", got)
	}
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{
		{"--ping", "https://a.test/x"},
		{"--ping", "a.test", "--", "true"},
		{"--ping", "https://a.test/x", "--rid", "1", "--", "true"},
		{"--ping", "https://a.test/x", "--redact", "(", "--", "true"},
		{"--ping", "https://a.test/x", "--api", "https://a.test", "--", "true"},
		{"--api", "https://a.test", "--token-file", "/x", "--", "true"},
		{"--api", "nonsense", "--token-file", "/x", "--job-id", uuid.NewString(), "--", "true"},
	} {
		var said strings.Builder
		if code := run(append([]string{"--state-dir", private(t)}, args...), &said); code != exitUsage || said.Len() == 0 {
			t.Errorf("%v: %d %q", args, code, said.String())
		}
	}
}
