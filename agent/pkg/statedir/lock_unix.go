//go:build unix

package statedir

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

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
