//go:build linux

package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/crontabtest"
)

var anyOwner = regexp.MustCompile(`# crontopus:[0-9a-f-]{36}:`)

// twoInstallations gives the crontab with the agent's entries alone, and with those of another installation as well.
func twoInstallations(t *testing.T, r *rig) (ours, both string) {
	t.Helper()
	r.srv.Push(jobs(1))
	r.enroll("role=db")
	r.expect(0, "apply")
	ours = crontabtest.Get(t)
	return ours, ours + anyOwner.ReplaceAllString(ours, "# crontopus:00000000-0000-4000-8000-000000000001:")
}

const runTwice = "1 of these jobs are this agent's as well, and run twice"

// Whoever enrolled anew, or went from user mode to system mode, has the entries of the first installation still.
func TestDoctorFindsWhatAnotherInstallationLeft(t *testing.T) {
	r := newRig(t)
	ours, both := twoInstallations(t, r)
	crontabtest.Set(t, both)
	if out := r.expect(1, "doctor"); !strings.Contains(out, "BAD others") || !strings.Contains(out, runTwice) ||
		!strings.Contains(out, "eject --state-dir "+r.state) {
		t.Error(out)
	}
	crontabtest.Set(t, ours)
	if out, _ := r.agent("doctor"); strings.Contains(out, "others") {
		t.Error(out)
	}
}

func TestInstallingAServiceWarnsOfWhatAnotherInstallationLeft(t *testing.T) {
	r := newRig(t)
	if r.machine == nil {
		t.Skip("crontab, which changes its group, is of no use in a user's namespace")
	}
	ours, both := twoInstallations(t, r)
	host := newHost(t, filepath.Join(r.bin, "crontopus-agent"), "-m")
	install := func() string {
		t.Helper()
		out, code := host.service("install", "--user=false", "--state-dir", r.state)
		if code != 0 || !strings.Contains(out, "Installed") {
			t.Fatalf("%d %s", code, out)
		}
		return out
	}
	crontabtest.Set(t, both)
	if out := install(); !strings.Contains(out, "Take care: ") || !strings.Contains(out, runTwice) || !strings.Contains(out, "eject --state-dir "+r.state) {
		t.Error(out)
	}
	crontabtest.Set(t, ours)
	if out := install(); strings.Contains(out, "Take care") || strings.Contains(out, "could not be looked for") {
		t.Error(out)
	}
}
