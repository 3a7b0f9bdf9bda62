//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A systemctl that notes what it is asked, and knows what is installed, enabled and running.
const systemctl = `#!/bin/sh
echo "$*" >>"$NOTES/asked"
verb=$1
for last; do :; done
case $* in *--user*) where=$HOME/.config/systemd/user ;; *) where=/etc/systemd/system ;; esac
[ "$last" = --user ] && for word; do case $word in *.service) last=$word ;; esac; done
case $verb in
--version) echo "systemd 252 (252)" ;;
enable | disable) [ -f "$where/$last" ] || exit 1 ;;
start) [ -f "$where/$last" ] || exit 5; touch "$NOTES/running" ;;
stop) rm -f "$NOTES/running" ;;
is-active) if [ -f "$NOTES/running" ]; then echo active; else echo inactive; exit 3; fi ;;
list-unit-files) [ -f "$where/$last" ] && echo "$last enabled"; exit 0 ;;
esac
`

// TestServiceOnSystemd goes through a service's life on a root of its own, where systemd seems to run.
func TestServiceOnSystemd(t *testing.T) {
	dir := t.TempDir()
	agent := filepath.Join(dir, "crontopus-agent")
	if out, err := exec.Command("go", "build", "-o", agent, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, sub := range []string{"bin", "home", "notes", "units"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "agent.yaml")
	if err := os.WriteFile(config, []byte("log_level: info\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "systemctl"), []byte(systemctl), 0o755); err != nil {
		t.Fatal(err)
	}
	// In a mount namespace: a /run in which systemd runs, an /etc/systemd/system that is not the machine's.
	const inside = `mount -t tmpfs none /run && mkdir -p /run/systemd/system && mount --bind "$DIR/units" "$UNITS" && exec "$@"`
	units := "/etc/systemd/system"
	if _, err := os.Stat(units); err != nil {
		t.Fatalf("%v (a machine without systemd's folders)", err)
	}
	service := func(args ...string) (string, int) {
		cmd := exec.Command("unshare", append([]string{"-rm", "sh", "-c", inside, "sh", agent, "service"}, args...)...)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "HOME="+filepath.Join(dir, "home"),
			"NOTES="+filepath.Join(dir, "notes"), "DIR="+dir, "UNITS="+units, "XDG_STATE_HOME="+filepath.Join(dir, "state"))
		out, err := cmd.CombinedOutput()
		if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, c := range []struct{ flag, unit string }{
		{"--user=false", filepath.Join(dir, "units", "crontopus-agent.service")},
		{"--user", filepath.Join(dir, "home", ".config", "systemd", "user", "crontopus-agent.service")},
	} {
		t.Run(c.flag, func(t *testing.T) {
			expect := func(code int, says string, args ...string) {
				t.Helper()
				if out, got := service(append(args, c.flag)...); got != code || !strings.Contains(out, says) {
					t.Errorf("service %v: %d %s", args, got, out)
				}
			}
			expect(1, "not installed", "status")
			expect(1, "not installed", "uninstall")
			expect(0, "Installed", "install", "--config", config)
			expect(1, "does not run", "status")
			expect(0, "Started", "start")
			expect(0, "runs", "status")
			expect(0, "Installed", "install") // again, with other arguments: replaced
			text, err := os.ReadFile(c.unit)
			if err != nil || !strings.Contains(string(text), "ExecStart="+agent+" run\n") {
				t.Errorf("%v\n%s", err, text)
			}
			expect(0, "Uninstalled", "uninstall")
			if _, err := os.Stat(c.unit); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the unit is still there: %v", err)
			}
			expect(2, "unknown action", "dance")
		})
	}
	asked, err := os.ReadFile(filepath.Join(dir, "notes", "asked"))
	if err != nil || strings.Count(string(asked), "daemon-reload") < 4 {
		t.Errorf("%v\n%s", err, asked)
	}
}
