package policy

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/manifest"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNoPolicyDemandsNothing(t *testing.T) {
	e, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if err != nil || e != nil || e.Digest() != "" || e.MaxJobs() != 0 || e.RequireSigned() != SignedOff || e.Check(&manifest.Job{}, "root") != nil {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestRulesOfTheEndpoint(t *testing.T) {
	job := func(more string) *manifest.Job {
		j, err := manifest.Parse("default/a.yaml", []byte("apiVersion: v1\nkind: Job\nmetadata: {name: a}\nspec:\n  schedule: 0 2 * * *\n  command: /opt/x\n"+more))
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	for _, c := range []struct {
		name, text, job, user string
		want                  string // part of the message; empty: allowed
	}{
		{"no rule", "{}\n", "", "root", ""},
		{"user", "allowedUsers: [backup]\n", "", "backup", ""},
		{"other user", "allowedUsers: [backup]\n", "", "root", "may not run as"},
		{"root", "noRoot: true\n", "", "root", "as root"},
		{"not root", "noRoot: true\n", "", "daemon", ""},
		{"shell", "noShell: true\n", "  shell: true\n", "daemon", "shell lines"},
		{"command", "allowedCommands: [/usr/*]\n", "", "daemon", "not allowed"},
		{"window", "allowedWindows: [{days: [sat, sun], from: '01:00', to: '05:00'}]\n", "", "daemon", "Mondays at 02:00"},
		{"interval", "minimumInterval: 2d\n", "", "daemon", "24h apart"},
		{"timeout", "maximumTimeout: 1h\n", "  timeout: 30m\n", "daemon", ""},
		{"no timeout", "maximumTimeout: 1h30m\n", "", "daemon", "at most 1h30m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := Load(write(t, c.text))
			if err != nil {
				t.Fatal(err)
			}
			got := Text(e.Check(job(c.job), c.user))
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAWrongPolicyIsAnError(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "{", "allowedUser: [x]\n", "allowedUsers: []\n", "allowedUsers: ['a b']\n", "maxJobs: 0\n", "requireSigned: yes\n",
		"noRoot: maybe\n", "maximumTimeout: soon\n", "allowedWindows: [{from: '25:00', to: '01:00'}]\n", "noRoot: true\nnoRoot: false\n", "noRoot: true\n---\nnoRoot: false\n",
		strings.Repeat("# long\n", 50_000)} {
		if e, err := Load(write(t, text)); err == nil {
			t.Errorf("%.40q gave %+v", text, e)
		} else if !strings.Contains(err.Error(), "policy.yaml") {
			t.Errorf("%.40q: %v names no file", text, err)
		}
	}
}

func TestAPolicyThatOthersCouldWriteIsNotTrusted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there the folder's ACL decides")
	}
	path := write(t, "noRoot: true\n")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("a file that everybody writes to")
	}
	path = write(t, "noRoot: true\n")
	if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("a folder that everybody writes to")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "policy.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(dir, "policy.yaml")); err == nil {
		t.Error("a folder in its place")
	}
	if os.Getuid() == 0 {
		path = write(t, "noRoot: true\n")
		if err := os.Chown(path, 1, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil {
			t.Error("somebody else's file")
		}
	}
}
