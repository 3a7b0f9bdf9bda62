//go:build unix

package policy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// errNotTrusted means that somebody who should not could have written the policy.
var errNotTrusted = errors.New("it cannot be trusted")

// readTrusted reads a file that only root or the agent's own user could have written, like the folder it is in.
func readTrusted(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("stat: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", errNotTrusted)
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("stat: %w", err)
	}
	for _, i := range []os.FileInfo{info, folder} {
		if err := owned(i); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return data, nil
}

func owned(info os.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid != 0 && int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%w: %s belongs to neither root nor the agent's user", errNotTrusted, info.Name())
	}
	// A sticky folder such as /tmp lets nobody replace what is another's.
	if info.Mode().Perm()&0o022 != 0 && (!info.IsDir() || info.Mode()&os.ModeSticky == 0) {
		return fmt.Errorf("%w: others may write to %s (mode %04o); chmod go-w", errNotTrusted, info.Name(), info.Mode().Perm())
	}
	return nil
}
