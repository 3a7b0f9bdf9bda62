//go:build unix

// Package crontabtest lends a test the user's real crontab: one test at a time on the whole machine, and as
// it was before when the test is over.
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

// Borrow empties the crontab for the length of the test. Without a crontab command the test is skipped.
func Borrow(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("crontab"); err != nil {
		t.Skip("no crontab command here")
	}
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
