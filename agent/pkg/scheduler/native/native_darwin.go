package native

import (
	"fmt"
	"os"
	"path/filepath"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/launchd"
)

func init() { kinds["launchd"] = newLaunchd }

func newLaunchd(o Options) (scheduler.Scheduler, error) {
	options := launchd.Options{Installation: o.Installation, RunPath: o.RunPath, StateDir: o.StateDir, Area: o.Area}
	const daemons, agents = "/Library/LaunchDaemons", "/Library/LaunchAgents"
	if o.System {
		options.Folder, options.Domain = daemons, "system"
		options.Others = []string{daemons, agents}
	} else {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("folder of launchd's jobs: %w", err)
		}
		options.Folder, options.Domain = filepath.Join(home, agents), fmt.Sprintf("gui/%d", os.Getuid())
	}
	s, err := launchd.New(options)
	if err != nil {
		return nil, err
	}
	return s, nil
}
