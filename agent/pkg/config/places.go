package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"crontopus.dev/agent/pkg/policy"
)

// ErrNotRoot means that system mode was asked for by somebody who cannot have it.
var ErrNotRoot = errors.New("mode: system needs root (or, on Windows, SYSTEM)")

// SystemDir is where the configuration of a system's agent lives, and every agent's policy.
func SystemDir() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "crontopus")
	}
	return "/etc/crontopus"
}

func systemState() string {
	switch runtime.GOOS {
	case "windows":
		return filepath.Join(SystemDir(), "state")
	case "darwin":
		return "/usr/local/var/crontopus" // no blank as in /Library/…: the path stands in crontabs
	}
	return "/var/lib/crontopus"
}

func underSystem(path string) bool {
	abs, err := filepath.Abs(path)
	return err == nil && strings.HasPrefix(abs, SystemDir()+string(filepath.Separator))
}

// standardFile is the file that is read when none is named: for root the system's, where there is one.
func standardFile() string {
	if privileged() {
		path := filepath.Join(SystemDir(), "agent.yaml")
		if _, err := os.Lstat(path); err == nil {
			return path
		}
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "" // no home directory, no default file
	}
	return filepath.Join(base, "crontopus", "agent.yaml")
}

// System tells whether jobs of several users are kept. It is the default for root with the system's configuration.
func (c *Config) System() (bool, error) {
	switch c.Mode {
	case "":
		return c.system && privileged(), nil
	case "user":
		return false, nil
	case "system":
		if !privileged() {
			return false, ErrNotRoot
		}
		return true, nil
	}
	return false, fmt.Errorf("mode: %q is neither user nor system", c.Mode)
}

// Schedulers that may be asked for; "" is the platform's own.
var schedulers = []string{"", "cron", "schtasks", "launchd"}

// NativeScheduler is the scheduler that was asked for.
func (c *Config) NativeScheduler() (string, error) {
	if !slices.Contains(schedulers, c.Scheduler) {
		return "", fmt.Errorf("scheduler: %q is not cron, schtasks or launchd", c.Scheduler)
	}
	return c.Scheduler, nil
}

// Discovers tells whether jobs of others are looked for and reported.
func (c *Config) Discovers() (bool, error) {
	switch c.Discover {
	case "report":
		return true, nil
	case "off":
		return false, nil
	}
	return false, fmt.Errorf("discover: %q is neither report nor off", c.Discover)
}

// PolicyPath is the file of the endpoint's policy.
func (c *Config) PolicyPath() string {
	if c.PolicyFile != "" {
		return c.PolicyFile
	}
	return filepath.Join(SystemDir(), "policy.yaml")
}

// ErrNoPolicy means that the policy that was named is not there. That is doubt, not freedom.
var ErrNoPolicy = errors.New("the policy_file does not exist")

// Policy reads the endpoint's policy; nil when there is none and none was named.
func (c *Config) Policy() (*policy.Endpoint, error) {
	e, err := policy.Load(c.PolicyPath())
	if err == nil && e == nil && c.PolicyFile != "" {
		return nil, fmt.Errorf("%w: %s", ErrNoPolicy, c.PolicyFile)
	}
	return e, err
}
