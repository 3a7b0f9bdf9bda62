package area

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

const (
	numericIDs  = false
	nonBlocking = 0
)

func makeShared(path string) error {
	if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return nil
}

// take gives the directory an ACL of its own: SYSTEM, the administrators and the user, nothing inherited.
func (a Area) take() error {
	if err := a.check(); err != nil {
		return err
	}
	sid := filepath.Base(a.Root)
	descriptor, err := windows.SecurityDescriptorFromString("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;" + sid + ")")
	if err != nil {
		return fmt.Errorf("ACL: %w", err)
	}
	acl, _, err := descriptor.DACL()
	if err != nil {
		return fmt.Errorf("ACL: %w", err)
	}
	const what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	if err := windows.SetNamedSecurityInfo(a.Root, windows.SE_FILE_OBJECT, what, nil, nil, acl, nil); err != nil {
		return fmt.Errorf("ACL: %w", err)
	}
	return nil
}

func (a Area) check() error {
	info, err := os.Lstat(a.Root)
	if err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: %w", a.Root, ErrUnsafe)
	}
	return nil
}

// The ACL that take sets keeps others out; who owns a single file is not asked.
func (a Area) owns(fs.FileInfo) error     { return nil }
func (a Area) ownsFile(fs.FileInfo) error { return nil }
func (a Area) handOver(*os.File) error    { return nil }

// Sync has nothing to do: NTFS journals what happens to names.
func (f *Files) Sync(string) error { return nil }
