//go:build unix

// Package native picks the scheduler of the machine the agent runs on.
package native

import (
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/cron"
)

// New returns this machine's scheduler.
func New(o Options) (scheduler.Scheduler, error) {
	s, err := cron.New(cron.Options{Installation: o.Installation, RunPath: o.RunPath, StateDir: o.StateDir})
	if err != nil {
		return nil, err
	}
	return s, nil
}
