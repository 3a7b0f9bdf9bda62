//go:build unix

package area

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

const (
	numericIDs  = true
	nonBlocking = syscall.O_NONBLOCK // a pipe in the place of a file must not hang its reader

	// sharedMode lets users reach their own area below a directory that they cannot list.
	sharedMode fs.FileMode = 0o711
)

// makeShared makes the parent of the areas, which only this process's user may write to.
func makeShared(path string) error {
	if err := os.Mkdir(path, sharedMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make %s: %w", path, err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("areas: %w", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a directory of user id %d: %w", path, os.Getuid(), ErrUnsafe)
	}
	if info.Mode().Perm() != sharedMode {
		if err := os.Chmod(path, sharedMode); err != nil {
			return fmt.Errorf("areas: %w", err)
		}
	}
	return nil
}

// take hands a directory that was just made over to its user, and checks one that was there.
func (a Area) take() error {
	dir, err := os.OpenFile(a.Root, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsafe, err)
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	// Still ours: no user could write into it yet, also when we were killed before this the last time.
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) == os.Getuid() && info.Mode().Perm() == dirMode {
		return a.handOver(dir)
	}
	return a.owns(info)
}

// check is take without a change.
func (a Area) check() error {
	info, err := os.Lstat(a.Root)
	if err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: %w", a.Root, ErrUnsafe)
	}
	return a.owns(info)
}

// owns refuses what is not the user's, or open to others.
func (a Area) owns(info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != a.UID {
		return fmt.Errorf("%s does not belong to user id %d: %w", info.Name(), a.UID, ErrUnsafe)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is open to others (mode %04o, wanted 0700): %w", info.Name(), info.Mode().Perm(), ErrUnsafe)
	}
	return nil
}

// ownsFile refuses a file of somebody else's, also where a second name of it was put into the area.
func (a Area) ownsFile(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) != a.UID {
		return fmt.Errorf("belongs to somebody else than user id %d: %w", a.UID, ErrUnsafe)
	}
	return nil
}

func (a Area) handOver(f *os.File) error {
	if a.UID == os.Getuid() {
		return nil
	}
	if err := f.Chown(a.UID, a.GID); err != nil {
		return fmt.Errorf("hand over to %s: %w", a.User, err)
	}
	return nil
}

// Sync makes creations, renames and removals in a folder durable.
func (f *Files) Sync(folder string) error {
	dir, err := f.root.Open(folder)
	if err != nil {
		return fmt.Errorf("sync %s: %w", folder, err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", folder, err)
	}
	return nil
}
