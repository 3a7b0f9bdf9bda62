//go:build unix

package statedir

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkMode refuses another user's directory and takes group and others the rights they shall not have.
func checkMode(path string, info fs.FileInfo, mode fs.FileMode) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Getuid() {
		return fmt.Errorf("state directory %s belongs to user id %d, not to you (%d)", path, st.Uid, os.Getuid())
	}
	has := info.Mode().Perm()
	if has&^mode == 0 && has&0o011 == mode&0o011 {
		return nil
	}
	if err := os.Chmod(path, mode); err != nil {
		return fmt.Errorf("set the state directory's mode: %w", err)
	}
	return nil
}
