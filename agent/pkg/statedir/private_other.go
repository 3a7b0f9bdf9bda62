//go:build !unix

package statedir

import (
	"errors"
	"io/fs"
	"os"
)

// checkPrivate has nothing to do: %LOCALAPPDATA% is private to its user by its inherited ACL.
func checkPrivate(string, fs.FileInfo) error { return nil }

// ErrLocked means another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock is not needed until there is a scheduler to protect on this platform.
func (d *Dir) Lock(string) (func(), error) { return func() {}, nil }

// LocksWork tells whether TryFlock can tell a live process from a dead one.
const LocksWork = false

// TryFlock always succeeds on this platform.
func TryFlock(*os.File) error { return nil }
