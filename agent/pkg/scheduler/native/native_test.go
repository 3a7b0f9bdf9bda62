//go:build linux

package native

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

func TestNew(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "crontab"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	options := Options{Installation: uuid.New(), RunPath: "/r", StateDir: "/s"}
	for kind, want := range map[string]string{"": "debian, own crontab", "cron": "debian, own crontab"} {
		options.Kind = kind
		s, err := New(options)
		if err != nil || s.Name() != "cron" || s.(scheduler.Flavoured).Flavour() != want {
			t.Errorf("%q: %v, %v", kind, s, err)
		}
	}
	options.System = true
	if s, err := New(options); err != nil || s.(scheduler.Flavoured).Flavour() != "debian, /etc/cron.d" {
		t.Errorf("system: %v, %v", s, err)
	}
	options.Kind = "at"
	if s, err := New(options); !errors.Is(err, scheduler.ErrUnsupported) {
		t.Errorf("%v, %v", s, err)
	}
	options.Kind = ""
	t.Setenv("PATH", "/nowhere")
	if s, err := New(options); !errors.Is(err, scheduler.ErrUnavailable) {
		t.Errorf("no crontab command: %v, %v", s, err)
	}
}
