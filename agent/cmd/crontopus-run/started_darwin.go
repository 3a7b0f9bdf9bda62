package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const statusZombie = 5 // SZOMB of sys/proc.h

// startedAt is the time at which a process started, in microseconds.
func startedAt(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", fmt.Errorf("process: %w", err)
	}
	if int(info.Proc.P_pid) != pid || info.Proc.P_stat == statusZombie {
		return "", fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	return fmt.Sprintf("%d.%06d", info.Proc.P_starttime.Sec, info.Proc.P_starttime.Usec), nil
}
