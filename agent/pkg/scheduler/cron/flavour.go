package cron

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/statedir"
)

// Flavour is the make of cron.
type Flavour string

// The makes of cron that are known.
const (
	Debian  Flavour = "debian"  // Vixie cron as Debian keeps it
	Cronie  Flavour = "cronie"  // Red Hat's, Arch's, SUSE's
	Busybox Flavour = "busybox" // Alpine's and small machines'
	MacOS   Flavour = "macos"
)

const maxProgram = 16 << 20

// detect tells the make of a crontab command without starting it: one that doesn't know the question could take its
// empty input for a new crontab.
func detect(command string) Flavour {
	if runtime.GOOS == "darwin" {
		return MacOS
	}
	path, err := filepath.EvalSymlinks(command)
	if err != nil {
		return Debian
	}
	if filepath.Base(path) == "busybox" {
		return Busybox
	}
	program, err := statedir.ReadFile(path, maxProgram)
	switch {
	case err != nil: // set-uid programs may be unreadable
		return Debian
	case bytes.Contains(program, []byte("cronie")):
		return Cronie
	case bytes.Contains(program, []byte("busybox")):
		return Busybox
	}
	return Debian
}

func (f Flavour) daemon() schedule.Daemon {
	switch f {
	case Busybox:
		return schedule.Busybox
	case MacOS:
		return schedule.BSD
	}
	return schedule.Vixie
}

// dropIns tells whether the daemon reads /etc/cron.d.
func (f Flavour) dropIns() bool { return f == Debian || f == Cronie }

// wholeLines tells whether its crontab command refuses a file whose last line has no end, so that one without cannot
// have been read completely.
func (f Flavour) wholeLines() bool { return f == Debian || f == Cronie }

// spools are where the makes keep users' crontabs.
var spools = []string{"var/spool/cron/crontabs", "var/spool/cron", "etc/crontabs", "var/at/tabs", "var/cron/tabs"}

// usersWithCrontab lists the users that have one; only root may look.
func usersWithCrontab(root string) ([]string, error) {
	for _, spool := range spools {
		entries, err := os.ReadDir(filepath.Join(root, spool))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("users with a crontab: %w", err)
		}
		var users []string
		for _, e := range entries {
			// cron leaves the crontab of a user that is gone alone, and so does `crontab -u`.
			if _, err := user.Lookup(e.Name()); err == nil && e.Type().IsRegular() && validUser(e.Name()) {
				users = append(users, e.Name())
			}
		}
		return users, nil
	}
	return nil, nil
}
