package native

import (
	"fmt"
	"runtime"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

// Options say whose entries these are and what they start.
type Options struct {
	Installation uuid.UUID
	RunPath      string // absolute path of crontopus-run
	StateDir     string
	// System: jobs of several users; the agent is root (SYSTEM).
	System bool
	// Kind is cron, schtasks or launchd; "" is the platform's own.
	Kind string
	// Area is the state directory of crontopus-run for jobs of a user, in system mode; it makes nothing. Default:
	// users/<uid> below StateDir.
	Area func(user string) (string, error)
}

// New returns this machine's scheduler.
func New(o Options) (scheduler.Scheduler, error) {
	kind := o.Kind
	if kind == "" {
		kind = preferred
	}
	build, known := kinds[kind]
	if !known {
		return nil, fmt.Errorf("scheduler %q on %s: %w", kind, runtime.GOOS, scheduler.ErrUnsupported)
	}
	return build(o)
}
