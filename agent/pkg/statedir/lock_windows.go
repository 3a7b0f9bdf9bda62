package statedir

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// LocksWork tells whether TryFlock can tell a live process from a dead one.
const LocksWork = true

// TryFlock takes an exclusive lock on an open file without waiting; ErrLocked when it is taken. What is locked is
// one byte far behind any content, because locks there keep others from reading.
func TryFlock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}
