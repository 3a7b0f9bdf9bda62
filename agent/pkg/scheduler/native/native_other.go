//go:build !unix

// Package native picks the scheduler of the machine the agent runs on.
package native

import (
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/schtasks"
)

const preferred = "schtasks"

var kinds = map[string]func(Options) (scheduler.Scheduler, error){"schtasks": newSchtasks}

func newSchtasks(o Options) (scheduler.Scheduler, error) {
	s, err := schtasks.New(schtasks.Options{Installation: o.Installation, RunPath: o.RunPath, StateDir: o.StateDir, System: o.System, Area: o.Area})
	if err != nil {
		return nil, err
	}
	return s, nil
}
