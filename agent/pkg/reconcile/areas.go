package reconcile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/statedir"
)

const maxJobFile = 1 << 20

// Areas is where the job files of the users of this machine lie.
type Areas struct {
	Dir    *statedir.Dir
	System bool
	User   string // the agent's own
}

// of opens the area of a user as in Key, making it where it is missing.
func (a Areas) of(name string) (*area.Files, error) {
	var place area.Area
	var err error
	if a.System {
		place, err = area.Of(a.Dir, name)
	} else {
		place, err = area.Own(a.Dir)
	}
	if err != nil {
		return nil, err
	}
	return place.Open()
}

// List is every area that exists; the error names those that are refused, and comes with the good ones.
func (a Areas) List() ([]area.Area, error) {
	if a.System {
		return area.List(a.Dir)
	}
	own, err := area.Own(a.Dir)
	if err != nil {
		return nil, err
	}
	return []area.Area{own}, nil
}

// jobFiles are the job files as they were read last.
type jobFiles map[Key]*area.Seen

func (f jobFiles) data() map[Key][]byte {
	out := make(map[Key][]byte, len(f))
	for key, seen := range f {
		out[key] = seen.Data
	}
	return out
}

// read returns every job file, and the function that tells whether a user's area can be used. Nothing is made.
func (a Areas) read(before jobFiles) (jobFiles, func(string) error, error) {
	out := make(jobFiles, len(before))
	good := map[string]bool{}
	areas, bad := a.List()
	if !a.System && bad != nil {
		return nil, nil, bad
	}
	for _, place := range areas {
		if err := a.readArea(place, before, out); err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		good[place.Root] = true
	}
	return out, func(name string) error { return a.usable(name, good, bad) }, nil
}

func (a Areas) readArea(place area.Area, before, out jobFiles) error {
	files, err := place.Open()
	if err != nil {
		return err
	}
	defer files.Close()
	names, err := files.Names(jobfile.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		id, err := uuid.Parse(strings.TrimSuffix(name, ".json"))
		if err != nil || id.String()+".json" != name {
			continue
		}
		key := Key{a.key(place.User), id}
		seen, err := files.ReadAgain(filepath.Join(jobfile.Dir, name), maxJobFile, before[key])
		if err != nil {
			seen = &area.Seen{} // whatever lies there is replaced
		}
		out[key] = seen
	}
	return nil
}

// Owner tells whose jobs an area holds, as in AppliedEntry.
func (a Areas) Owner(place area.Area) string { return a.key(place.User) }

func (a Areas) key(name string) string {
	if !a.System || name == a.User {
		return ""
	}
	return name
}

// usable tells why jobs of a user cannot be here.
func (a Areas) usable(name string, good map[string]bool, bad error) error {
	if !a.System {
		return nil
	}
	if name == "" {
		name = a.User
	}
	who, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	root := a.Dir.Path(area.Users, filepath.Base(who.Uid))
	if _, err := os.Lstat(root); errors.Is(err, fs.ErrNotExist) || good[root] {
		return nil
	}
	return fmt.Errorf("the place of %s's jobs is not safe to use: %w", name, bad)
}
