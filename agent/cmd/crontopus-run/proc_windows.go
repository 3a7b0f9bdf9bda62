package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

var forwarded = []os.Signal{os.Interrupt, syscall.SIGTERM}

func listen() (signals chan os.Signal, stop func()) {
	signals = make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	return signals, func() { signal.Stop(signals) }
}

// group is the command with everything that it starts: a Job Object, which ends with crontopus-run unless released.
type group struct {
	cmd *exec.Cmd
	job windows.Handle
}

// startGroup starts the command suspended, so that it starts nothing before it belongs to the Job Object.
func startGroup(cmd *exec.Cmd) (*group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("job object: %w", err)
	}
	g := &group{cmd, job}
	if err := g.endWithUs(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE); err != nil {
		return nil, errors.Join(err, windows.CloseHandle(job))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_SUSPENDED | windows.CREATE_NEW_PROCESS_GROUP}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, windows.CloseHandle(job))
	}
	assigned := errors.New("no process handle")
	if err := cmd.Process.WithHandle(func(h uintptr) { assigned = windows.AssignProcessToJobObject(job, windows.Handle(h)) }); err != nil {
		assigned = err
	}
	// A command that could not be put into the Job Object still runs: its timeout then ends it alone.
	if err := errors.Join(assigned, resume(uint32(cmd.Process.Pid))); err != nil && assigned == nil {
		return nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait(), windows.CloseHandle(job))
	}
	return g, nil
}

func (g *group) endWithUs(flags uint32) error {
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = flags
	_, err := windows.SetInformationJobObject(g.job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		return fmt.Errorf("job object: %w", err)
	}
	return nil
}

// resume lets the threads of a process that was started suspended run: there is one.
func resume(pid uint32) error {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	resumed := errors.New("the command has no thread")
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if entry.OwnerProcessID == pid {
			resumed = resumeThread(entry.ThreadID)
		}
	}
	return resumed
}

func resumeThread(id uint32) error {
	thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, id)
	if err != nil {
		return fmt.Errorf("open thread: %w", err)
	}
	defer windows.CloseHandle(thread)
	if _, err := windows.ResumeThread(thread); err != nil {
		return fmt.Errorf("resume the command: %w", err)
	}
	return nil
}

func (g *group) signal(os.Signal) error { return g.terminate() }

// terminate sends Ctrl-Break, the nearest thing to SIGTERM; a command without our console does not see it.
func (g *group) terminate() error {
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.cmd.Process.Pid)); err != nil {
		return fmt.Errorf("stop the command: %w", err)
	}
	return nil
}

func (g *group) kill() error {
	if err := windows.TerminateJobObject(g.job, 1); err != nil {
		return fmt.Errorf("end the command: %w", err)
	}
	return nil
}

// release lets what the command left behind go on by itself.
func (g *group) release() error {
	return errors.Join(g.endWithUs(0), windows.CloseHandle(g.job))
}

// endRun ends another crontopus-run, and with it its Job Object.
func (h holder) endRun() error { return h.Run.signal((*os.Process).Kill) }

func (h holder) endCommand() error { return h.Command.signal((*os.Process).Kill) }

func (h holder) kill() error { return errors.Join(h.endCommand(), h.endRun()) }

func asksToEnd(os.Signal) bool { return false }

// exitCode keeps to the API's 32 bits: 0xC0000005 is -1073741819.
func exitCode(state *os.ProcessState) int { return int(int32(uint32(state.ExitCode()))) }

func stoppedCode(os.Signal) int { return 128 + int(syscall.SIGTERM) }

func shellArgv(argv []string) []string { return append([]string{"cmd.exe", "/c"}, argv...) }

func cutPath(kv string) (string, bool) {
	name, value, _ := strings.Cut(kv, "=")
	return value, strings.EqualFold(name, "PATH")
}

func ownID() string {
	who, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return ""
	}
	return who.User.Sid.String()
}

// ownDirectory has nothing to do: the area's ACL lets only its user and administrators in.
func ownDirectory(string) error { return nil }
