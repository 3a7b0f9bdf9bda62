package cron

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/statedir"
)

const fileMode fs.FileMode = 0o644

// file is a crontab of the system: /etc/crontab, or one in /etc/cron.d.
type file struct {
	path string
	own  bool // made by us: goes when it is empty
}

func (f file) name() string {
	return strings.ReplaceAll(strings.TrimPrefix(f.path, "/"), "/", "-")
}

func (f file) read(context.Context) (string, bool, error) {
	info, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read %s: %w", f.path, err)
	}
	if !info.Mode().IsRegular() {
		return "", false, fmt.Errorf("read %s: not a regular file", f.path)
	}
	data, err := statedir.ReadFile(f.path, maxCrontab)
	if err != nil {
		return "", false, fmt.Errorf("read crontab: %w", err)
	}
	return string(data), true, nil
}

// write replaces the file by one that was complete under a name that cron leaves alone.
func (f file) write(_ context.Context, text string) error {
	dir := filepath.Dir(f.path)
	before, err := f.stamps()
	if err != nil {
		return err
	}
	if text == "" && f.own {
		err = os.Remove(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else {
		err = f.replace(dir, text, before.file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	if err := statedir.SyncDir(dir); err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	return f.touch(before)
}

// tempPattern: cron reads no name with a dot.
const tempPattern = ".crontopus.*.tmp"

func (f file) replace(dir, text string, old fs.FileInfo) error {
	if left, err := filepath.Glob(filepath.Join(dir, tempPattern)); err == nil {
		for _, path := range left {
			_ = os.Remove(path) // of a process that was killed here; in the way of nobody
		}
	}
	temp, err := os.CreateTemp(dir, tempPattern)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // nothing is left to remove after the rename
	_, err = temp.WriteString(text)
	if err == nil {
		err = likeOld(temp, old)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), f.path)
}

// stamps are what cron goes by to see that something changed.
type stamps struct {
	file fs.FileInfo // nil where there is none
	dir  time.Time
}

func (f file) stamps() (stamps, error) {
	dir, err := os.Stat(filepath.Dir(f.path))
	if err != nil {
		return stamps{}, fmt.Errorf("write %s: %w", f.path, err)
	}
	out := stamps{dir: dir.ModTime()}
	info, err := os.Lstat(f.path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("write %s: %w", f.path, err)
	}
	if err == nil {
		out.file = info
	}
	return out, nil
}

// touch gives file and directory a later second than before: cron compares whole seconds for equality, and would not
// see a second change within one.
func (f file) touch(before stamps) error {
	var errs []error
	if before.file != nil {
		errs = append(errs, later(f.path, before.file.ModTime()))
	}
	errs = append(errs, later(filepath.Dir(f.path), before.dir))
	return errors.Join(errs...)
}

func later(path string, than time.Time) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.ModTime().Unix() <= than.Unix() {
		err = os.Chtimes(path, time.Time{}, than.Truncate(time.Second).Add(time.Second))
	}
	if err != nil {
		return fmt.Errorf("tell cron that %s changed: %w", path, err)
	}
	return nil
}
