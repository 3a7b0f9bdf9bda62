//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// forwarded are the signals a job is likely to care for.
var forwarded = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2}

// listen delivers the signals that are to be forwarded. One that whoever started us had ignored (nohup) stays so.
// SIGPIPE is taken so that a closed standard output cannot end us before the run is recorded; the command
// gets its default action back.
func listen() (signals chan os.Signal, stop func()) {
	signals = make(chan os.Signal, 16)
	for _, s := range forwarded {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	return signals, func() { signal.Stop(signals); signal.Stop(pipe) }
}

// group is the command with everything that it starts.
type group struct{ cmd *exec.Cmd }

// startGroup starts the command in a process group of its own, so that a timeout reaches its children too.
func startGroup(cmd *exec.Cmd) (*group, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return &group{cmd}, cmd.Start()
}

func (g *group) signal(s os.Signal) error {
	sig, ok := s.(syscall.Signal)
	if !ok {
		return nil
	}
	return signalGroup(g.cmd.Process.Pid, sig)
}

func (g *group) terminate() error { return g.signal(syscall.SIGTERM) }

func (g *group) kill() error { return g.signal(syscall.SIGKILL) }

// release lets what the command left behind go on by itself.
func (g *group) release() error { return nil }

func signalGroup(leader int, s syscall.Signal) error {
	err := syscall.Kill(-leader, s)
	if errors.Is(err, syscall.ESRCH) {
		return nil // already gone
	}
	if err != nil {
		return fmt.Errorf("signal the command: %w", err)
	}
	return nil
}

// endRun asks another crontopus-run to end its run. The process was identified after it was found: where the
// system has pidfds, its number cannot come to mean another one in between.
func (h holder) endRun() error {
	return h.Run.signal(func(p *os.Process) error { return p.Signal(syscall.SIGTERM) })
}

// endCommand ends a command that outlived the crontopus-run which started it.
func (h holder) endCommand() error {
	return h.Command.signal(func(p *os.Process) error { return signalGroup(p.Pid, syscall.SIGTERM) })
}

// kill ends both, which did not do so by themselves.
func (h holder) kill() error {
	return errors.Join(h.Command.signal(func(p *os.Process) error { return signalGroup(p.Pid, syscall.SIGKILL) }),
		h.Run.signal(func(p *os.Process) error { return p.Signal(syscall.SIGKILL) }))
}

// asksToEnd tells whether a signal is how a later run asks this one to make room.
func asksToEnd(s os.Signal) bool { return s == syscall.SIGTERM }

func exitCode(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}

func stoppedCode(s os.Signal) int {
	if sig, ok := s.(syscall.Signal); ok {
		return 128 + int(sig)
	}
	return exitOwn
}

// shellArgv runs line as one line of the system's shell; further words are its positional parameters.
func shellArgv(argv []string) []string {
	return append([]string{"/bin/sh", "-c", argv[0], "sh"}, argv[1:]...)
}

func cutPath(kv string) (string, bool) { return strings.CutPrefix(kv, "PATH=") }

func ownID() string { return strconv.Itoa(os.Geteuid()) }

// ownDirectory refuses the area of another user.
func ownDirectory(root string) error {
	info, err := os.Stat(root)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user id %d: only that user may run jobs from it (sudo -u '#%d' crontopus-run …)", root, st.Uid, st.Uid)
	}
	return nil
}
