package main

import (
	"errors"
	"fmt"
	"os"
)

// process is a process that a file names: its number alone could come to mean another one.
type process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // opaque; differs between any two processes with the same number, reboots included
}

func thisProcess() (process, error) { return identify(os.Getpid()) }

func identify(pid int) (process, error) {
	at, err := startedAt(pid)
	return process{PID: pid, Started: at}, err
}

// alive tells whether the very same process still runs.
func (p process) alive() bool {
	if p.PID <= 1 || p.Started == "" {
		return false
	}
	now, err := startedAt(p.PID)
	return err == nil && now == p.Started
}

// signal calls f for the process unless it is over.
func (p process) signal(f func(*os.Process) error) error {
	if p.PID <= 1 {
		return nil
	}
	found, err := os.FindProcess(p.PID)
	if err != nil {
		return nil // it is over
	}
	defer found.Release()
	if !p.alive() { // after FindProcess, which on Linux holds on to that one process
		return nil
	}
	if err := f(found); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop process %d: %w", p.PID, err)
	}
	return nil
}
