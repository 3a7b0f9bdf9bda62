package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
)

var bootID = sync.OnceValues(func() (string, error) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(data)), err
})

// startedAt is the boot and the tick at which a process started; an error for one that is over, also where nobody
// has asked how it ended.
func startedAt(pid int) (string, error) {
	boot, err := bootID()
	if err != nil {
		return "", fmt.Errorf("boot id: %w", err)
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("process: %w", err)
	}
	// The name, in parentheses, may hold anything. Behind it: state is field 3, start time field 22.
	end := bytes.LastIndexByte(data, ')')
	fields := bytes.Fields(data[end+1:])
	if end < 0 || len(fields) < 20 {
		return "", fmt.Errorf("process %d: unknown format of its status", pid)
	}
	if state := string(fields[0]); state == "Z" || state == "X" {
		return "", fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	return boot + ":" + string(fields[19]), nil
}
