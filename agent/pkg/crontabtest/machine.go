//go:build unix

package crontabtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Machine is a directory that stands for what cron reads: inside a mount namespace it lies over the real places. Only
// root can make one.
type Machine struct {
	Root    string // with etc/crontab, etc/cron.d and var/spool/cron/crontabs
	Crontab string // the real crontab command, over this machine's spool
	real    string
}

const spool = "var/spool/cron/crontabs"

// NewMachine lays out an empty machine, or skips the test where that is not possible.
func NewMachine(t *testing.T) *Machine {
	t.Helper()
	real, err := exec.LookPath("crontab")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("needs root and a crontab command")
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("root here has no mount namespaces of its own: %v: %s", err, out)
	}
	// Not t.TempDir: its path holds the test's name, and this path stands on crontab lines. Other users go through it.
	root, err := os.MkdirTemp("", "crontopus-machine-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	m := &Machine{Root: root, Crontab: filepath.Join(root, "bin", "crontab")}
	for dir, mode := range map[string]os.FileMode{"": 0o755, "etc/cron.d": 0o755, spool: os.ModeSticky | 0o730, "bin": 0o755} {
		path := filepath.Join(root, dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if g, err := user.LookupGroup("crontab"); err == nil {
		gid, err := strconv.Atoi(g.Gid)
		if err == nil {
			err = os.Chown(filepath.Join(root, spool), 0, gid)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m.Write(t, "etc/crontab", "", 0o644)
	m.real = real
	m.Write(t, "bin/crontab", m.command("true"), 0o755)
	return m
}

// command is a script that runs the real crontab over this machine's spool, after what before does in its namespace.
func (m *Machine) command(before string) string {
	return "#!/bin/sh\nexec unshare --mount sh -c '" + m.binds(spool) + " && { " + before + "; } && exec " + m.real + " \"$@\"' sh \"$@\"\n"
}

// Use puts another make's command behind Crontab: `/bin/busybox crontab`, or the path of cronie's.
func (m *Machine) Use(t *testing.T, command string) {
	t.Helper()
	m.real = command
	m.Write(t, "bin/crontab", m.command("true"), 0o755)
}

// Odd gives a crontab command for which a shell text without single quotes has made things worse.
func (m *Machine) Odd(t *testing.T, before string) string {
	t.Helper()
	return m.Write(t, "bin/odd/crontab", m.command(before), 0o755)
}

// binds is the shell text that lays files and directories of the machine over the real ones.
func (m *Machine) binds(paths ...string) string {
	commands := make([]string, len(paths))
	for i, p := range paths {
		commands[i] = fmt.Sprintf("mount --bind %s/%s /%s", m.Root, p, p)
	}
	return strings.Join(commands, " && ")
}

// Write makes a file of the machine.
func (m *Machine) Write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(m.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// Run runs `crontab` with arguments and gives what it printed; ok is false when it failed.
func (m *Machine) Run(t *testing.T, stdin string, args ...string) (out string, ok bool) {
	t.Helper()
	cmd := exec.Command(m.Crontab, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	printed, err := cmd.Output()
	if err != nil && !strings.Contains(errOut.String(), "no crontab for") {
		t.Logf("crontab %v: %v: %s", args, err, errOut.String())
	}
	return string(printed), err == nil
}

// Daemon starts a cron daemon that sees this machine and nothing of the real one, until the test is over. command is
// what starts it, in a shell: `cron -f`, with faketime before it where hours are to pass in seconds.
func (m *Machine) Daemon(t *testing.T, command string) {
	t.Helper()
	// faketime keeps a semaphore by its process id in /dev/shm, and those of killed ones stay: each daemon has its own.
	script := "set -e; mount -t tmpfs none /run; mount -t tmpfs none /dev/shm; " + m.binds(spool, "etc/cron.d", "etc/crontab") + "; exec " + command
	var out bytes.Buffer
	daemon := exec.Command("unshare", "--mount", "sh", "-c", script)
	daemon.Stdout, daemon.Stderr = &out, &out
	daemon.Dir = "/"
	daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	t.Cleanup(func() {
		select {
		case err := <-ended:
			t.Errorf("%s ended by itself: %v: %s", command, err, out.String())
			return
		default:
		}
		if err := syscall.Kill(-daemon.Process.Pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		<-ended
		if t.Failed() {
			t.Logf("%s said: %s", command, out.String())
		}
	})
}
