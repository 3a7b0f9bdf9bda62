package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

const stillActive = 259

// startedAt is the file time at which a process was created.
func startedAt(pid int) (string, error) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return "", fmt.Errorf("process: %w", err)
	}
	defer windows.CloseHandle(h)
	var code uint32
	if err := windows.GetExitCodeProcess(h, &code); err != nil {
		return "", fmt.Errorf("process: %w", err)
	}
	if code != stillActive {
		return "", fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return "", fmt.Errorf("process: %w", err)
	}
	return fmt.Sprint(created.Nanoseconds()), nil
}
