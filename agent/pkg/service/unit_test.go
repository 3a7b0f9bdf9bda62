package service

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnits(t *testing.T) {
	system := unit(Options{Executable: "/usr/local/bin/crontopus-agent", Arguments: []string{"run", "--config", "/etc/crontopus/agent.yaml"}, StateDir: "/srv/state"})
	user := unit(Options{User: true, Executable: "/home/ada/.local/bin/crontopus-agent", Arguments: []string{"run"}})
	for text, c := range map[string]struct{ system, user bool }{
		"ExecStart=/usr/local/bin/crontopus-agent run --config /etc/crontopus/agent.yaml\n": {true, false},
		"ExecStart=/home/ada/.local/bin/crontopus-agent run\n":                              {false, true},
		"Restart=always\n":             {true, true},
		"NoNewPrivileges=yes\n":        {true, false}, // a user's crontab(1) is setgid
		"ProtectSystem=strict\n":       {true, false},
		"-/etc/cron.d":                 {true, false},
		" -/srv/state\n":               {true, false},
		"WantedBy=multi-user.target":   {true, false},
		"WantedBy=default.target":      {false, true},
		"StartLimitIntervalSec=0\n":    {true, true}, // a server that is away for a day is no reason to give up
		"MemoryDenyWriteExecute=yes\n": {true, true},
	} {
		if strings.Contains(system, text) != c.system || strings.Contains(user, text) != c.user {
			t.Errorf("%q: want %+v\n%s\n%s", text, c, system, user)
		}
	}
}

func TestWordsReachTheProgramAsTheyAre(t *testing.T) {
	for word, want := range map[string]string{
		"/plain": "/plain",
		"/a b":   `"/a b"`,
		"/100%":  "/100%%",
		"/$HOME": "/$$HOME",
		`/a"b`:   `"/a\"b"`,
		`C:\x y`: `"C:\\x y"`,
		"/a;b":   `"/a;b"`,
		"":       `""`,
	} {
		if got := escape(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
	for _, bad := range []Options{
		{Executable: "/x\nExecStartPre=/bin/evil"},
		{Executable: "/x", Arguments: []string{"run", "--config", "/a\nb"}},
		{Executable: "/x", StateDir: "/a\tb"},
		{Executable: "/{{x}}"},
	} {
		if _, err := New(bad); !errors.Is(err, ErrPath) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := New(Options{Executable: "crontopus-agent"}); err == nil {
		t.Error("a path that is not absolute was taken")
	}
}

// TestSystemdReadsTheUnits asks systemd itself, where it is installed.
func TestSystemdReadsTheUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed: the units were not read by systemd")
		return
	}
	program := filepath.Join(t.TempDir(), "an agent 100% $mine")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"system.service": {Executable: program, Arguments: []string{"run", "--config", "/etc/a b"}, StateDir: "/srv/my state"},
		"user.service":   {User: true, Executable: program, Arguments: []string{"run"}},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(unit(o)), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", path).CombinedOutput()
		if err != nil || strings.Contains(string(out), name+":") {
			t.Errorf("%s: %v\n%s\n%s", name, err, out, unit(o))
		}
	}
}
