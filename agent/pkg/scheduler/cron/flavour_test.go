//go:build linux

package cron

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDetect: by what the command is; it is never started, as one that doesn't know the question could install its input.
func TestDetect(t *testing.T) {
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	for name, c := range map[string]struct {
		text string
		want Flavour
	}{
		"vixie":   {"#!/bin/sh\n: > " + ran + "\n", Debian},
		"cronie":  {"\x7fELF\x00cronie 1.7.2\x00", Cronie},
		"busybox": {"\x7fELF", Busybox},
		"applet":  {"#!/bin/sh\nexec /bin/busybox crontab \"$@\"\n", Busybox},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o755); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, "crontab-"+name)
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		if got := detect(link); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := detect(filepath.Join(dir, "missing")); got != Debian {
		t.Errorf("missing: %s", got)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the command was started")
	}
}
