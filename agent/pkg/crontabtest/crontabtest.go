//go:build unix

// Package crontabtest lends a test a crontab behind the real crontab command, and a real cron daemon that reads it. As
// root both live in a mount namespace over a directory of the test's own, and the machine's crontabs are never touched;
// other users lend their own crontab, one test at a time, and get it back as it was.
package crontabtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Borrow gives the test an empty crontab of its own: `crontab` from PATH leads to it until the test is over. Without a
// crontab command the test is skipped. The machine it is on is nil for others than root.
func Borrow(t *testing.T) *Machine {
	t.Helper()
	real, err := exec.LookPath("crontab")
	if err != nil {
		t.Skip("no crontab command here")
	}
	if os.Geteuid() == 0 {
		m := NewMachine(t)
		t.Setenv("PATH", filepath.Dir(m.Crontab)+string(os.PathListSeparator)+os.Getenv("PATH"))
		return m
	}
	lend(t, real)
	return nil
}

// lend empties the user's real crontab for the length of the test.
func lend(t *testing.T, real string) {
	t.Helper()
	t.Logf("not root: the test borrows what %s keeps for you", real)
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "crontopus-crontab-test."+strconv.Itoa(os.Getuid())), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	saved, had := get(t)
	t.Cleanup(func() {
		if had {
			Set(t, saved)
		} else {
			remove(t)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	})
	remove(t)
}

// Get returns the crontab; "" when there is none.
func Get(t *testing.T) string {
	t.Helper()
	text, _ := get(t)
	return text
}

func get(t *testing.T) (string, bool) {
	t.Helper()
	out, err := exec.Command("crontab", "-l").Output()
	if exit, ok := err.(*exec.ExitError); ok && strings.Contains(string(exit.Stderr), "no crontab for") {
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), true
}

// Set replaces the crontab.
func Set(t *testing.T, text string) {
	t.Helper()
	cmd := exec.Command("crontab", "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("crontab -: %v: %s", err, out)
	}
}

func remove(t *testing.T) {
	t.Helper()
	if _, had := get(t); !had {
		return
	}
	if out, err := exec.Command("crontab", "-r").CombinedOutput(); err != nil {
		t.Fatalf("crontab -r: %v: %s", err, out)
	}
}
