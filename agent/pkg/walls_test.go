package pkg

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestOnlySchedulersAndTheRunnerStartProcesses holds DESIGN section 4's wall: the agent runs no job, so
// nothing outside pkg/scheduler and cmd/crontopus-run may start a process. All platforms' files are read.
func TestOnlySchedulersAndTheRunnerStartProcesses(t *testing.T) {
	seen := walk(t, func(path, imported string) {
		if imported != "os/exec" && imported != "golang.org/x/sys/execabs" {
			return
		}
		// The last two are helpers of tests: no program imports them, which the next test holds.
		for _, ok := range []string{"pkg/scheduler/", "cmd/crontopus-run/", "pkg/apitest/", "pkg/crontabtest/"} {
			if strings.HasPrefix(path, ok) {
				return
			}
		}
		t.Errorf("%s imports %s", path, imported)
	})
	if seen < 30 {
		t.Errorf("only %d files were read", seen)
	}
}

func TestLayers(t *testing.T) {
	const module = "crontopus.dev/agent/"
	// What each of these may import of our own.
	allowed := map[string][]string{
		"pkg/statedir/":  {},
		"pkg/schedule/":  {},
		"pkg/version/":   {},
		"pkg/clock/":     {},
		"pkg/commitsig/": {},
		"pkg/service/":   {},
		"pkg/verify/":    {},
		"pkg/watch/":     {},
		"pkg/manifest/":  {"pkg/schedule"},
		"tools/":         {"pkg/manifest", "pkg/verify"},
		"pkg/area/":      {"pkg/statedir"},
		"pkg/policy/":    {"pkg/commitsig", "pkg/manifest", "pkg/schedule", "pkg/statedir"},
		"pkg/config/":    {"pkg/policy", "pkg/schedule", "pkg/statedir"},
		"pkg/discover/":  {"pkg/manifest", "pkg/schedule", "pkg/scheduler", "pkg/statedir"},
		"pkg/reconcile/": {"pkg/api", "pkg/area", "pkg/gitsource", "pkg/jobfile", "pkg/manifest", "pkg/policy", "pkg/schedule",
			"pkg/scheduler", "pkg/statedir"},
		"pkg/gate/":      {"pkg/schedule"},
		"pkg/jobfile/":   {"pkg/statedir"},
		"pkg/spool/":     {"pkg/area", "pkg/jobfile", "pkg/statedir"},
		"pkg/ping/":      {"pkg/statedir", "pkg/version"},
		"pkg/api/":       {"pkg/spool", "pkg/version"},
		"pkg/gitsource/": {"pkg/commitsig", "pkg/manifest"},
		"pkg/enroll/":    {"pkg/api", "pkg/commitsig", "pkg/statedir", "pkg/version"},
		"pkg/scheduler/": {"pkg/schedule", "pkg/scheduler", "pkg/scheduler/calendar", "pkg/scheduler/command", "pkg/scheduler/cron",
			"pkg/scheduler/launchd", "pkg/scheduler/schtasks", "pkg/statedir"},
		"cmd/crontopus-run/": {"pkg/api", "pkg/clock", "pkg/gate", "pkg/jobfile", "pkg/ping", "pkg/spool", "pkg/statedir", "pkg/version"},
	}
	walk(t, func(path, imported string) {
		own, ours := strings.CutPrefix(imported, module)
		if !ours {
			return
		}
		if own == "pkg/apitest" || own == "pkg/crontabtest" || own == "pkg/scheduler/caltest" || own == "pkg/vectortest" {
			t.Errorf("%s imports %s, a helper of tests", path, own)
		}
		for prefix, list := range allowed {
			if strings.HasPrefix(path, prefix) && !has(list, own) {
				t.Errorf("%s imports %s", path, own)
			}
		}
	})
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// walk visits the imports of every file that isn't a test.
func walk(t *testing.T, visit func(path, imported string)) int {
	t.Helper()
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		seen++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			visit(filepath.ToSlash(rel), name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}
