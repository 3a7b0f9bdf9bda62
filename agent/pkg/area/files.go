package area

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxNames bounds a listing: a user can put more files into their area than we have memory for.
const maxNames = 100_000

// Files is an area opened for use. Nothing reached through it lies outside, whatever links are in it; only
// regular files of the area's user are opened.
type Files struct {
	area Area
	root *os.Root
}

// Open opens the area; it fails with ErrUnsafe where the directory is not its user's alone.
func (a Area) Open() (*Files, error) {
	root, err := os.OpenRoot(a.Root)
	if err != nil {
		return nil, fmt.Errorf("area of %s: %w", a.User, err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = a.owns(info)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("area of %s: %w", a.User, err), root.Close())
	}
	return &Files{area: a, root: root}, nil
}

// Close lets the directory go.
func (f *Files) Close() error {
	if err := f.root.Close(); err != nil {
		return fmt.Errorf("area of %s: %w", f.area.User, err)
	}
	return nil
}

// Area is what was opened.
func (f *Files) Area() Area { return f.area }

// OpenFile opens an existing file, never waiting for the other end of a pipe. ErrUnsafe: it is no regular
// file, a link, or belongs to somebody else.
func (f *Files) OpenFile(name string, flag int) (*os.File, error) {
	named, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: %w", name, ErrUnsafe)
	}
	file, err := f.root.OpenFile(name, flag|nonBlocking, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if err := f.trusted(file, named); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// trusted makes sure that what was opened is what was looked at, and the user's.
func (f *Files) trusted(file *os.File, named fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	if !os.SameFile(info, named) {
		return fmt.Errorf("%s was changed into another file: %w", file.Name(), ErrUnsafe)
	}
	if err := f.area.ownsFile(info); err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	return nil
}

// Read reads a file of at most limit bytes.
func (f *Files) Read(name string, limit int64) ([]byte, error) {
	file, err := f.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", file.Name(), limit)
	}
	return data, nil
}

// Seen is a file as it was read.
type Seen struct {
	Data []byte
	info fs.FileInfo
}

// ReadAgain is Read for a file that was read before (nil: it was not): one that is still the same file, of the same size
// and time, is not opened. Its user could forge that; who reads this way must not mind.
func (f *Files) ReadAgain(name string, limit int64, before *Seen) (*Seen, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	if before != nil && os.SameFile(info, before.info) && info.ModTime().Equal(before.info.ModTime()) && info.Size() == before.info.Size() &&
		info.Mode() == before.info.Mode() && f.area.ownsFile(info) == nil {
		return before, nil
	}
	data, err := f.Read(name, limit)
	if err != nil {
		return nil, err
	}
	return &Seen{data, info}, nil
}

// Write replaces a file (0600, the area's user's) atomically and durably.
func (f *Files) Write(name string, data []byte) error {
	temporary := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+rand.Text()[:8])
	file, err := f.root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = file.Write(data)
	// By descriptor: a name could have come to mean another file meanwhile.
	err = errors.Join(err, f.area.handOver(file))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = f.root.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), f.Remove(temporary))
	}
	return f.Sync(filepath.Dir(name))
}

// Stat tells about a name itself, never about what a link leads to.
func (f *Files) Stat(name string) (fs.FileInfo, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, fmt.Errorf("stat: %w", err)
	}
	return info, nil
}

// Remove deletes a file; a missing one is fine.
func (f *Files) Remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}

// Rename moves a file within the area.
func (f *Files) Rename(from, to string) error {
	if err := f.root.Rename(from, to); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	return nil
}

// Names lists what is in a folder, sorted; a missing folder is empty.
func (f *Files) Names(folder string) ([]string, error) {
	dir, err := f.root.OpenFile(folder, os.O_RDONLY|nonBlocking, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxNames)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("list: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// Mkdir makes a folder (0700, the area's user's); one that is there is fine.
func (f *Files) Mkdir(name string) error {
	if err := f.root.Mkdir(name, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make %s: %w", name, err)
	}
	dir, err := f.root.OpenFile(name, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: %w", dir.Name(), ErrUnsafe)
	}
	if f.area.owns(info) == nil {
		return nil
	}
	// A directory has one name only: what is handed over here is no link to another one.
	return f.area.handOver(dir)
}
