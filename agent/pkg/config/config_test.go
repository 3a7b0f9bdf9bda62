package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func load(t *testing.T, text string, env map[string]string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, func(key string) string { return env[key] })
}

func TestFileThenEnvironment(t *testing.T) {
	c, err := load(t, "mode: user\nscheduler: cron\ndiscover: off\ntextfile_dir: /a\n", map[string]string{"CRONTOPUS_TEXTFILE_DIR": "/b", "CRONTOPUS_DISCOVER": "report"})
	if err != nil {
		t.Fatal(err)
	}
	system, errS := c.System()
	kind, errK := c.NativeScheduler()
	finds, errF := c.Discovers()
	if err := errors.Join(errS, errK, errF); err != nil || system || kind != "cron" || !finds || c.TextfileDir != "/b" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWrongValuesAreNamed(t *testing.T) {
	for text, ask := range map[string]func(*Config) error{
		"mode: both\n":       func(c *Config) error { _, err := c.System(); return err },
		"scheduler: at\n":    func(c *Config) error { _, err := c.NativeScheduler(); return err },
		"discover: maybe\n":  func(c *Config) error { _, err := c.Discovers(); return err },
		"drift: sometimes\n": func(c *Config) error { _, err := c.ReportOnly(); return err },
	} {
		c, err := load(t, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(c); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
	if _, err := load(t, "moed: user\n", nil); err == nil {
		t.Error("a misspelt key was taken")
	}
}

func TestAUsersConfigurationIsNoSystems(t *testing.T) {
	c, err := load(t, "drift: heal\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if system, err := c.System(); err != nil || system {
		t.Errorf("%v, %v", system, err)
	}
	c.system = underSystem(filepath.Join(SystemDir(), "agent.yaml"))
	if system, err := c.System(); err != nil || system != privileged() {
		t.Errorf("the system's: %v, %v", system, err)
	}
}

func TestAPolicyThatWasNamedHasToBeThere(t *testing.T) {
	c, err := load(t, "policy_file: "+filepath.Join(t.TempDir(), "none.yaml")+"\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Policy(); !errors.Is(err, ErrNoPolicy) {
		t.Error(err)
	}
}
