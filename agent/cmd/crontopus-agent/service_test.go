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

// host is a machine on which systemd seems to run, for one program.
type host struct {
	t          *testing.T
	dir, agent string
	namespace  string // flags of unshare
}

const units = "/etc/systemd/system"

func newHost(t *testing.T, agent, namespace string) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir(), agent: agent, namespace: namespace}
	for _, sub := range []string{"bin", "home", "notes", "units"} {
		if err := os.Mkdir(filepath.Join(h.dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(h.dir, "bin", "systemctl"), []byte(systemctl), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(units); err != nil {
		t.Fatalf("%v (a machine without systemd's folders)", err)
	}
	return h
}

// service runs `crontopus-agent service …` in a mount namespace: a /run in which systemd runs, an /etc/systemd/system that
// is not the machine's.
func (h *host) service(args ...string) (string, int) {
	h.t.Helper()
	const inside = `mount -t tmpfs none /run && mkdir -p /run/systemd/system && mount --bind "$DIR/units" "$UNITS" && exec "$@"`
	cmd := exec.Command("unshare", append([]string{h.namespace, "sh", "-c", inside, "sh", h.agent, "service"}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(h.dir, "bin")+":"+os.Getenv("PATH"), "HOME="+filepath.Join(h.dir, "home"),
		"NOTES="+filepath.Join(h.dir, "notes"), "DIR="+h.dir, "UNITS="+units, "XDG_STATE_HOME="+filepath.Join(h.dir, "state"))
	out, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		h.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestServiceOnSystemd goes through a service's life on a root of its own, where systemd seems to run.
func TestServiceOnSystemd(t *testing.T) {
	agent := filepath.Join(t.TempDir(), "crontopus-agent")
	if out, err := exec.Command("go", "build", "-o", agent, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	h := newHost(t, agent, "-rm")
	config := filepath.Join(h.dir, "agent.yaml")
	if err := os.WriteFile(config, []byte("log_level: info\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ flag, unit string }{
		{"--user=false", filepath.Join(h.dir, "units", "crontopus-agent.service")},
		{"--user", filepath.Join(h.dir, "home", ".config", "systemd", "user", "crontopus-agent.service")},
	} {
		t.Run(c.flag, func(t *testing.T) {
			expect := func(code int, says string, args ...string) {
				t.Helper()
				if out, got := h.service(append(args, c.flag)...); got != code || !strings.Contains(out, says) {
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
	asked, err := os.ReadFile(filepath.Join(h.dir, "notes", "asked"))
	if err != nil || strings.Count(string(asked), "daemon-reload") < 4 {
		t.Errorf("%v\n%s", err, asked)
	}
}
