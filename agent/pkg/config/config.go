// Package config is the agent's settings: defaults, then the file, then CRONTOPUS_* variables (each also as
// CRONTOPUS_*_FILE), then flags.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/statedir"
)

// Config is what the agent runs with.
type Config struct {
	Server          string            `yaml:"server"`
	EnrollmentToken string            `yaml:"enrollment_token"`
	Labels          map[string]string `yaml:"labels"`
	StateDir        string            `yaml:"state_dir"`
	RunPath         string            `yaml:"run_path"`
	PollInterval    string            `yaml:"poll_interval"`
	Heartbeat       string            `yaml:"heartbeat_interval"`
	Drift           string            `yaml:"drift"`
	Mode            string            `yaml:"mode"`
	Scheduler       string            `yaml:"scheduler"`
	PolicyFile      string            `yaml:"policy_file"`
	TextfileDir     string            `yaml:"textfile_dir"`
	Discover        string            `yaml:"discover"`
	LogLevel        string            `yaml:"log_level"`
	LogFormat       string            `yaml:"log_format"`

	system bool // the file is the system's
}

const maxConfig = 1 << 20

// ErrNoConfig means that the file named does not exist.
var ErrNoConfig = errors.New("config file does not exist")

// Load reads the file (path "" = the user's default file, which may be missing) and the environment.
func Load(path string, getenv func(string) string) (*Config, error) {
	c := &Config{Drift: "heal", Discover: "report", LogLevel: "info", LogFormat: "text"}
	if err := c.readFile(path); err != nil {
		return nil, err
	}
	if err := c.readEnv(getenv); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) readFile(path string) error {
	optional := path == ""
	if optional {
		if path = standardFile(); path == "" {
			return nil
		}
	}
	c.system = underSystem(path)
	data, err := statedir.ReadFile(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		if optional {
			return nil
		}
		return fmt.Errorf("%w: %s", ErrNoConfig, path)
	}
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return nil
	}
	if err := yaml.Load(data, c, yaml.WithKnownFields(), yaml.WithUniqueKeys()); err != nil {
		return fmt.Errorf("config %s: %w", path, err)
	}
	return nil
}

func (c *Config) readEnv(getenv func(string) string) error {
	for name, into := range map[string]*string{
		"SERVER": &c.Server, "ENROLLMENT_TOKEN": &c.EnrollmentToken, "STATE_DIR": &c.StateDir, "RUN_PATH": &c.RunPath,
		"POLL_INTERVAL": &c.PollInterval, "HEARTBEAT_INTERVAL": &c.Heartbeat, "DRIFT": &c.Drift, "MODE": &c.Mode,
		"SCHEDULER": &c.Scheduler, "POLICY_FILE": &c.PolicyFile, "TEXTFILE_DIR": &c.TextfileDir, "DISCOVER": &c.Discover,
		"LOG_LEVEL": &c.LogLevel, "LOG_FORMAT": &c.LogFormat,
	} {
		key := "CRONTOPUS_" + name
		if file := getenv(key + "_FILE"); file != "" {
			data, err := statedir.ReadFile(file, maxConfig)
			if err != nil {
				return fmt.Errorf("%s_FILE: %w", key, err)
			}
			*into = strings.TrimSpace(string(data))
		}
		if v := getenv(key); v != "" {
			*into = v
		}
	}
	return nil
}

// State opens the state directory.
func (c *Config) State() (*statedir.Dir, error) {
	system, err := c.System()
	if err != nil {
		return nil, err
	}
	path := c.StateDir
	if system {
		if path == "" {
			path = systemState()
		}
		return statedir.OpenSystem(path)
	}
	if path == "" {
		standard, err := statedir.Default()
		if err != nil {
			return nil, err
		}
		path = standard
	}
	return statedir.Open(path)
}

// ErrNoRunner means that crontopus-run is not where entries could start it.
var ErrNoRunner = errors.New("crontopus-run was not found")

// Runner is the absolute path of crontopus-run: as configured, else beside this program.
func (c *Config) Runner(executable string) (string, error) {
	path := c.RunPath
	if path == "" {
		path = filepath.Join(filepath.Dir(executable), "crontopus-run"+filepath.Ext(executable))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("run_path: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%w at %s", ErrNoRunner, abs)
	}
	return abs, nil
}

// Poll and beat intervals; 0 means the default.
func (c *Config) Intervals() (poll, beat time.Duration, err error) {
	for _, v := range []struct {
		name, text string
		into       *time.Duration
	}{{"poll_interval", c.PollInterval, &poll}, {"heartbeat_interval", c.Heartbeat, &beat}} {
		if v.text == "" {
			continue
		}
		d, err := schedule.ParseDuration(v.text)
		if err != nil || d < time.Second || d > time.Hour {
			return 0, 0, fmt.Errorf("%s: %q is not a duration from 1s to 1h", v.name, v.text)
		}
		*v.into = d
	}
	return poll, beat, nil
}

// ReportOnly tells whether hand edits are reported rather than healed.
func (c *Config) ReportOnly() (bool, error) {
	switch c.Drift {
	case "heal":
		return false, nil
	case "report":
		return true, nil
	}
	return false, fmt.Errorf("drift: %q is neither heal nor report", c.Drift)
}

// Logger writes to stderr.
func (c *Config) Logger(w *os.File) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return nil, fmt.Errorf("log_level: %q is not debug, info, warn or error", c.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch c.LogFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log_format: %q is neither text nor json", c.LogFormat)
}
