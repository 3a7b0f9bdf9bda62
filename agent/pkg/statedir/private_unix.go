//go:build unix

package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkPrivate refuses another user's directory and takes group and others their rights away.
func checkPrivate(path string, info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Getuid() {
		return fmt.Errorf("state directory %s belongs to user id %d, not to you (%d)", path, st.Uid, os.Getuid())
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(path, dirMode); err != nil {
		return fmt.Errorf("make state directory private: %w", err)
	}
	return nil
}

// ErrLocked means another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock takes the exclusive lock file name, which the kernel frees when this process ends.
func (d *Dir) Lock(name string) (func(), error) {
	f, err := os.OpenFile(d.Path(name), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := TryFlock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// LocksWork tells whether TryFlock can tell a live process from a dead one.
const LocksWork = true

// TryFlock takes an exclusive lock on an open file without waiting; ErrLocked when it is taken.
func TryFlock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}
