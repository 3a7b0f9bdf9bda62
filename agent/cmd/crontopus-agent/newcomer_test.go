package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/apitest"
)

// TestNewcomersMistakes: each is one line that says what to do, and an exit code by kind.
func TestNewcomersMistakes(t *testing.T) {
	srv := apitest.New(t)
	enrolled := filepath.Join(t.TempDir(), "state")
	file := filepath.Join(t.TempDir(), "file")
	typo := filepath.Join(t.TempDir(), "typo.yaml")
	for path, text := range map[string]string{file: "", typo: "servr: http://x\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errOut bytes.Buffer
	if code := dispatch(t.Context(), []string{"enroll", "--server", srv.URL, "--token", srv.EnrolToken, "--state-dir", enrolled}, &out, &errOut); code != 0 {
		t.Fatalf("%d %s", code, errOut.String())
	}
	if !strings.Contains(out.String(), "Next: crontopus-agent run") {
		t.Errorf("enroll said %q", out.String())
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"not enrolled", []string{"run", "--state-dir", t.TempDir()}, exitAuth, "crontopus-agent enroll --server URL --token TOKEN"},
		{"not enrolled, status", []string{"status", "--state-dir", t.TempDir()}, exitAuth, "not enrolled"},
		{"no such config", []string{"--config", "/no/such.yaml"}, exitUsage, "config.example.yaml"},
		{"typo in config", []string{"--config", typo}, exitFailed, "servr"},
		{"no token", []string{"enroll", "--server", srv.URL}, exitUsage, "--token TOKEN"},
		{"wrong token", []string{"enroll", "--server", srv.URL, "--token", "ctp_enr_no", "--state-dir", t.TempDir()}, exitAuth, "make a new one in the console"},
		{"server away", []string{"enroll", "--server", "http://127.0.0.1:1", "--token", "x", "--state-dir", t.TempDir()}, exitFailed, "cannot reach http://127.0.0.1:1"},
		{"no address", []string{"enroll", "--server", "localhost", "--token", "x", "--state-dir", t.TempDir()}, exitUsage, "not an address"},
		{"enrolled already", []string{"enroll", "--server", srv.URL, "--token", "x", "--state-dir", enrolled}, exitFailed, "--force"},
		{"state in the way", []string{"enroll", "--server", srv.URL, "--token", "x", "--state-dir", filepath.Join(file, "x")}, exitFailed, "state directory"},
		{"odd state path", []string{"enroll", "--server", srv.URL, "--token", "x", "--state-dir", "/tmp/a b"}, exitFailed, "characters"},
		{"no runner", []string{"plan", "--state-dir", enrolled}, exitFailed, "go build -o build/crontopus-run"},
		{"unknown command", []string{"frob"}, exitUsage, "--help"},
		{"unknown flag", []string{"run", "--frob"}, exitUsage, "--help"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			code := dispatch(t.Context(), c.args, &out, &errOut)
			said := errOut.String()
			if code != c.code || !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 || strings.Contains(said, "goroutine") {
				t.Errorf("exit code %d, want %d; said %q, want %q", code, c.code, said, c.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"help"}, {"run", "--help"}, {"version"}, {"status", "--help"}} {
		var out, errOut bytes.Buffer
		if code := dispatch(t.Context(), args, &out, &errOut); code != 0 || out.Len() == 0 || errOut.Len() > 0 {
			t.Errorf("%v: %d %q %q", args, code, out.String(), errOut.String())
		}
	}
}

func TestExampleConfigIsRead(t *testing.T) {
	var out, errOut bytes.Buffer
	if code := dispatch(t.Context(), []string{"status", "--config", "../../config.example.yaml", "--state-dir", t.TempDir()}, &out, &errOut); code != exitAuth {
		t.Errorf("%d %q", code, errOut.String())
	}
}
