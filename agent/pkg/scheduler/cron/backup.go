package cron

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"

	"crontopus.dev/agent/pkg/statedir"
)

const keptBackups = 20

// backups keeps what was in a crontab or file before it was written, and what was last seen in it.
type backups struct {
	dir string
	now func() time.Time
}

// keep writes the text from before beside the agent's state; the last few of each place are kept.
func (b backups) keep(name, text string) error {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("keep a copy of %s: %w", name, err)
	}
	file := name + "-" + b.now().UTC().Format("20060102T150405.000000000Z")
	if err := statedir.WriteFile(filepath.Join(b.dir, file), []byte(text)); err != nil {
		return fmt.Errorf("keep a copy of %s: %w", name, err)
	}
	old, err := filepath.Glob(filepath.Join(b.dir, name+"-[0-9]*T*Z"))
	if err != nil {
		return fmt.Errorf("keep a copy of %s: %w", name, err)
	}
	sort.Strings(old)
	for _, path := range old[:max(len(old)-keptBackups, 0)] {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("drop an old copy of %s: %w", name, err)
		}
	}
	return nil
}

func (b backups) lastPath(name string) string { return filepath.Join(b.dir, "last-"+name) }

// remember notes what was written.
func (b backups) remember(name, text string) error {
	if err := statedir.WriteFile(b.lastPath(name), []byte(text)); err != nil {
		return fmt.Errorf("note what %s holds: %w", name, err)
	}
	return nil
}

// last is what was written last; "" when nothing was.
func (b backups) last(name string) (string, error) {
	data, err := statedir.ReadFile(b.lastPath(name), maxCrontab)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}
