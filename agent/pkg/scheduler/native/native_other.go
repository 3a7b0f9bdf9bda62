//go:build !unix

// Package native picks the scheduler of the machine the agent runs on.
package native

import (
	"fmt"
	"runtime"

	"crontopus.dev/agent/pkg/scheduler"
)

// New says that there is none yet.
func New(Options) (scheduler.Scheduler, error) {
	return nil, fmt.Errorf("%s: %w", runtime.GOOS, scheduler.ErrUnsupported)
}
