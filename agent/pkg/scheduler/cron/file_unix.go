//go:build unix

package cron

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// likeOld gives the new file the old one's mode and owner; without an old one it is root's, 0644: cron ignores what
// others may write.
func likeOld(f *os.File, old fs.FileInfo) error {
	mode := fileMode
	if old != nil {
		mode = old.Mode().Perm()
		if st, ok := old.Sys().(*syscall.Stat_t); ok {
			if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
				return fmt.Errorf("keep its owner: %w", err)
			}
		}
	}
	return f.Chmod(mode)
}
