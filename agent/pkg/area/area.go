// Package area is where the jobs of one user of this machine live: job files, spool, locks and served slots,
// in a directory that this user owns. In system mode root reads and writes there, so that whatever the user
// puts into it (links, pipes, files of others) is treated as hostile: see Files.
package area

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"crontopus.dev/agent/pkg/statedir"
)

// Users is the folder of the areas below a system state directory.
const Users = "users"

const dirMode fs.FileMode = 0o700

// folders of an area; pkg/jobfile, pkg/spool and crontopus-run name what they keep in them.
var folders = []string{"jobs", "spool", "locks", "slots"}

// ErrUnsafe means that a path in an area is not what it should be: a link, another kind of file, another owner.
var ErrUnsafe = errors.New("not safe to use")

// Area is one user's place. On Windows UID and GID are -1 and the directory's ACL stands for them.
type Area struct {
	User     string // as the user database names them; "#" and the id where it no longer does
	UID, GID int
	Root     string // absolute; holds jobs/ spool/ locks/ slots/
}

// Own is user mode: the state directory itself, of this process's own user.
func Own(dir *statedir.Dir) (Area, error) {
	a := Area{User: fmt.Sprintf("#%d", os.Getuid()), UID: os.Getuid(), GID: os.Getgid(), Root: dir.Root()}
	if who, err := user.Current(); err == nil { // a container's user need not have a name
		a.User = who.Username
	}
	return a, a.furnish()
}

// Of is system mode: the area of a user ("" is this process's own), made and handed over when missing.
// dir was opened with statedir.OpenSystem. An area that does not belong to the user alone is refused.
func Of(dir *statedir.Dir, name string) (Area, error) {
	who, err := lookup(name)
	if err != nil {
		return Area{}, err
	}
	a, err := of(dir, who)
	if err != nil {
		return Area{}, err
	}
	if err := makeShared(dir.Path(Users)); err != nil {
		return Area{}, err
	}
	if err := os.Mkdir(a.Root, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return Area{}, fmt.Errorf("make area of %s: %w", a.User, err)
	}
	if err := a.take(); err != nil {
		return Area{}, fmt.Errorf("area of %s: %w", a.User, err)
	}
	return a, a.furnish()
}

// List is system mode: every area that exists. Areas that are refused are left out and named by the error,
// which comes together with the good ones.
func List(dir *statedir.Dir) ([]Area, error) {
	entries, err := os.ReadDir(dir.Path(Users))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("areas: %w", err)
	}
	var areas []Area
	var bad error
	for _, e := range entries {
		who, err := lookupID(e.Name())
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("area %s: %w", e.Name(), err))
			continue
		}
		a, err := of(dir, who)
		if err == nil {
			err = a.check()
		}
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("area of %s: %w", who.Username, err))
			continue
		}
		areas = append(areas, a)
	}
	return areas, bad
}

func lookup(name string) (*user.User, error) {
	if name == "" {
		who, err := user.Current()
		if err != nil {
			return nil, fmt.Errorf("who am I: %w", err)
		}
		return who, nil
	}
	who, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", name, err)
	}
	return who, nil
}

// lookupID also knows users who were removed from the machine: what they left is still to be shipped.
func lookupID(id string) (*user.User, error) {
	who, err := user.LookupId(id)
	var unknown user.UnknownUserIdError
	if errors.As(err, &unknown) {
		return &user.User{Uid: id, Gid: "-1", Username: "#" + id}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: not the directory of a user: %w", ErrUnsafe, err)
	}
	return who, nil
}

func of(dir *statedir.Dir, who *user.User) (Area, error) {
	a := Area{User: who.Username, UID: -1, GID: -1, Root: filepath.Join(dir.Path(Users), filepath.Base(who.Uid))}
	if !numericIDs {
		return a, nil
	}
	var errU, errG error
	a.UID, errU = strconv.Atoi(who.Uid)
	a.GID, errG = strconv.Atoi(who.Gid)
	if err := errors.Join(errU, errG); err != nil {
		return a, fmt.Errorf("user %s: %w", who.Username, err)
	}
	return a, nil
}

// furnish makes the folders that are missing.
func (a Area) furnish() error {
	files, err := a.Open()
	if err != nil {
		return err
	}
	for _, name := range folders {
		err = errors.Join(err, files.Mkdir(name))
	}
	return errors.Join(err, files.Close())
}
