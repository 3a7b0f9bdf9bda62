// Package statedir is the agent's place on disk: one directory per user, 0700, in which every file is
// replaced atomically and fsynced, so that a kill or a power cut leaves the old file or the new one.
package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
)

const (
	dirMode    fs.FileMode = 0o700
	sharedMode fs.FileMode = 0o711
	fileMode   fs.FileMode = 0o600
	// MaxFile bounds every file the agent reads back from its own state.
	MaxFile = 16 << 20
)

// Dir is a state directory that exists and belongs to this user.
type Dir struct{ root string }

// plainPath holds the characters that neither cron (`%`, newline), nor a shell, nor a blank-separated
// line gives a meaning to: the path is written on crontab lines without any quoting.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9_./+,:@=-]*$`)

// ErrUnsafePath means a path that cannot stand on a crontab line as it is.
var ErrUnsafePath = errors.New("path has characters that cron or the shell would interpret; use only letters, digits and _./+,:@=-")

// CheckPlainPath refuses paths that cron or a shell would interpret.
func CheckPlainPath(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if !plainPath.MatchString(path) {
		return fmt.Errorf("%q: %w", path, ErrUnsafePath)
	}
	return nil
}

// Default is the state directory of this user when nothing else is configured:
// $XDG_STATE_HOME/crontopus, else ~/.local/state/crontopus (%LOCALAPPDATA%\crontopus on Windows).
func Default() (string, error) {
	if x := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(x) {
		return filepath.Join(x, "crontopus"), nil
	}
	if runtime.GOOS == "windows" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no state directory: %w", err)
		}
		return filepath.Join(base, "crontopus"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no state directory: %w", err)
	}
	return filepath.Join(home, ".local", "state", "crontopus"), nil
}

// CronDefault is the directory crontopus-run looks in when its line names none. It is read from the user
// database and not from the environment: a HOME= line in a crontab must not lead it elsewhere.
func CronDefault() (string, error) {
	if runtime.GOOS == "windows" {
		return Default()
	}
	u, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		return "", fmt.Errorf("look up own user: %w", err)
	}
	if !filepath.IsAbs(u.HomeDir) {
		return "", fmt.Errorf("user %s has no home directory", u.Username)
	}
	return filepath.Join(u.HomeDir, ".local", "state", "crontopus"), nil
}

// Open makes the directory when it is missing and checks that it is private and plainly named.
func Open(path string) (*Dir, error) { return open(path, dirMode) }

// OpenSystem is Open for an agent that serves several users: they may pass through to what is theirs (0711),
// and neither list nor write. What is secret in it lies in files of 0600.
func OpenSystem(path string) (*Dir, error) { return open(path, sharedMode) }

func open(path string, mode fs.FileMode) (*Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", path, err)
	}
	if err := CheckPlainPath(abs); err != nil {
		return nil, fmt.Errorf("state directory %w", err)
	}
	if err := os.MkdirAll(abs, mode); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("state directory %s is not a directory", abs)
	}
	if err := checkMode(abs, info, mode); err != nil {
		return nil, err
	}
	return &Dir{root: abs}, nil
}

// Root is the absolute path.
func (d *Dir) Root() string { return d.root }

// Path joins names below the root.
func (d *Dir) Path(names ...string) string {
	return filepath.Join(append([]string{d.root}, names...)...)
}

// Sub makes (0700) and returns a directory below the root.
func (d *Dir) Sub(names ...string) (string, error) {
	p := d.Path(names...)
	if err := os.MkdirAll(p, dirMode); err != nil {
		return "", fmt.Errorf("make %s: %w", p, err)
	}
	return p, nil
}

// WriteJSON replaces name atomically.
func (d *Dir) WriteJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return WriteFile(d.Path(name), append(data, '\n'))
}

// ReadJSON reads name into v; the error is fs.ErrNotExist when it was never written.
func (d *Dir) ReadJSON(name string, v any) error {
	data, err := ReadFile(d.Path(name), MaxFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", d.Path(name), err)
	}
	return nil
}

// Remove deletes name; a missing one is fine.
func (d *Dir) Remove(names ...string) error {
	err := os.Remove(d.Path(names...))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}

// ReadFile reads at most limit bytes and refuses longer files.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, nil
}

// WriteFile replaces path (0600) by way of a temporary file beside it, fsyncing file and directory.
func WriteFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // nothing is left to remove after the rename
	if err := fill(f, data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return SyncDir(dir)
}

func fill(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(fileMode)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncDir makes renames and creations in dir durable.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be opened for sync there; NTFS journals the rename
	}
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
