package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"crontopus.dev/agent/pkg/service"
	"crontopus.dev/agent/pkg/statedir"
)

const serviceUsage = "service install|start|stop|status|uninstall"

func serviceCommand(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return &usageError{"usage: crontopus-agent " + serviceUsage + " [--user] [--config FILE] [--state-dir DIRECTORY]"}
	}
	action := args[0]
	s := newSettings("service "+action, out)
	root := os.Getuid() == 0 || runtime.GOOS == "windows"
	user := s.flags.Bool("user", !root, "a service of your own instead of the machine's (default unless you are root)")
	c, err := s.parse(args[1:])
	if err != nil {
		return err
	}
	o, err := s.service(*user, c.StateDir)
	if err != nil {
		return err
	}
	svc, err := service.New(o)
	if err != nil {
		return err
	}
	acts := map[string]struct {
		do   func() error
		done string
	}{
		"install":   {svc.Install, "Installed; it starts with " + whose(o) + ". Now: crontopus-agent service start"},
		"start":     {svc.Start, "Started."},
		"stop":      {svc.Stop, "Stopped; the scheduler goes on without it."},
		"status":    {svc.Status, "The service runs."},
		"uninstall": {svc.Uninstall, "Uninstalled; what the scheduler holds stays. To take that away, eject first."},
	}
	act, ok := acts[action]
	if !ok {
		return &usageError{fmt.Sprintf("unknown action %q: %s", action, serviceUsage)}
	}
	if err := act.do(); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, act.done); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if action == "install" {
		warnLeftBehind(ctx, c, out)
	}
	return nil
}

// service is what the service is to run: this program, with the paths it was given, made absolute.
func (s *settings) service(user bool, stateDir string) (service.Options, error) {
	executable, err := os.Executable()
	if err != nil {
		return service.Options{}, fmt.Errorf("own path: %w", err)
	}
	if stateDir == "" {
		if stateDir, err = statedir.Default(); err != nil {
			return service.Options{}, err
		}
	}
	if stateDir, err = filepath.Abs(stateDir); err != nil {
		return service.Options{}, fmt.Errorf("state directory: %w", err)
	}
	o := service.Options{User: user, Executable: executable, Arguments: []string{"run"}, StateDir: stateDir}
	for _, f := range []struct{ flag, path string }{{"--config", s.config}, {"--state-dir", s.stateDir}, {"--run-path", s.runPath}} {
		if f.path == "" {
			continue
		}
		abs, err := filepath.Abs(f.path)
		if err != nil {
			return o, fmt.Errorf("%s: %w", f.flag, err)
		}
		o.Arguments = append(o.Arguments, f.flag, abs)
	}
	return o, nil
}

func whose(o service.Options) string {
	if o.User {
		return "your session"
	}
	return "the machine"
}
