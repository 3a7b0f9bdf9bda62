// Package cron makes crontabs match a set of entries: the user's own through the crontab command, or, where the agent
// works for the whole system, one file per user in /etc/cron.d (or one crontab per user where the daemon knows no such
// directory). It owns the lines that end in its installation's marker.
package cron

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

// Options of one machine's cron.
type Options struct {
	Installation uuid.UUID
	RunPath      string
	StateDir     string
	Command      string  // default: crontab from PATH
	Flavour      Flavour // default: the make that Command is of
	Zone         *time.Location
	Now          func() time.Time

	// System: jobs of several users. The agent is root then.
	System bool
	// Area is the state directory of crontopus-run for jobs of a user, in system mode; it makes nothing. Default:
	// users/<uid> below StateDir.
	Area func(user string) (string, error)
	// Root is where etc/ and var/ are, "/" outside tests.
	Root string
}

// Cron is a scheduler.Scheduler.
type Cron struct {
	installation uuid.UUID
	runPath      string
	call         string // what stands between schedule and job id, in user mode
	command      string
	flavour      Flavour
	backups      backups
	zone         *time.Location
	now          func() time.Time
	me           string
	system       bool
	area         func(user string) (string, error)
	root         string
	last         atomic.Pointer[scheduler.Snapshot] // what Read gave
}

var (
	_ scheduler.Scheduler  = (*Cron)(nil)
	_ scheduler.Discoverer = (*Cron)(nil)
	_ scheduler.Flavoured  = (*Cron)(nil)
	_ scheduler.Familiar   = (*Cron)(nil)
)

// maxLine is below the 998 characters that Debian's cron takes for a command.
const maxLine = 900

// New checks that paths can stand on a crontab line and that there is a crontab command.
func New(o Options) (*Cron, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &Cron{installation: o.Installation, runPath: o.RunPath, call: o.RunPath, command: o.Command, flavour: o.Flavour,
		backups: backups{o.StateDir + "/backups", o.Now}, zone: o.Zone, now: o.Now, system: o.System, area: o.Area, root: o.Root}
	if me, err := user.Current(); err == nil {
		c.me = me.Username // without a name (a container's bare user id) jobs name no user either
	}
	if standard, err := statedir.CronDefault(); err != nil || standard != o.StateDir {
		c.call += " --state-dir " + o.StateDir
	}
	if len(c.call) > maxLine-200 {
		return nil, fmt.Errorf("paths are too long for a crontab line: %s", c.call)
	}
	return c, nil
}

func (o *Options) complete() error {
	if o.Installation == uuid.Nil {
		return errors.New("cron: no installation id")
	}
	if err := statedir.CheckPlainPath(o.RunPath); err != nil {
		return fmt.Errorf("path of crontopus-run %w", err)
	}
	if err := statedir.CheckPlainPath(o.StateDir); err != nil {
		return fmt.Errorf("state directory %w", err)
	}
	if o.Command == "" {
		found, err := exec.LookPath("crontab")
		if err != nil {
			return fmt.Errorf("%w: no `crontab` command; install cron (Debian: apt install cron)", scheduler.ErrUnavailable)
		}
		o.Command = found
	}
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Flavour == "" {
		o.Flavour = detect(o.Command)
	}
	if o.Area == nil {
		stateDir := o.StateDir
		o.Area = func(name string) (string, error) { return areaBelow(stateDir, name) }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		zone, err := schedule.MachineZone(o.Root)
		if err != nil {
			return err
		}
		o.Zone = zone
	}
	return nil
}

// areaBelow is the layout that pkg/area makes.
func areaBelow(stateDir, name string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", fmt.Errorf("user %s: %w", name, err)
	}
	return filepath.Join(stateDir, "users", u.Uid), nil
}

// Name is cron.
func (c *Cron) Name() string { return "cron" }

// Flavour is the make of cron, and where entries go.
func (c *Cron) Flavour() string {
	switch {
	case !c.system:
		return string(c.flavour) + ", own crontab"
	case c.flavour.dropIns():
		return string(c.flavour) + ", /etc/cron.d"
	}
	return string(c.flavour) + ", one crontab per user"
}

// Render writes a line per schedule: times, the user where the file needs one, crontopus-run, the job's id and the marker.
func (c *Cron) Render(job scheduler.Job) (scheduler.Entry, error) {
	name, call, err := c.whose(job.User)
	if err != nil {
		return scheduler.Entry{}, err
	}
	triggers, err := schedule.Express(job.Schedules, job.Zone, c.zone, c.flavour.daemon(), c.now())
	if err != nil {
		return scheduler.Entry{}, fmt.Errorf("schedule: %w", err)
	}
	lines := make([]string, len(triggers.Fields))
	for i, fields := range triggers.Fields {
		lines[i] = fmt.Sprintf("%s %s %s %s", fields, call, job.ID, marker(c.installation, job.ID))
		if len(lines[i]) > maxLine {
			return scheduler.Entry{}, fmt.Errorf("the line would have %d characters; %d is the most cron is trusted with", len(lines[i]), maxLine)
		}
	}
	return scheduler.Entry{JobID: job.ID, User: name, Body: strings.Join(lines, "\n"), Gated: triggers.Gated}, nil
}

// whose is the user of an entry as Read names it, and what stands between times and job id.
func (c *Cron) whose(name string) (entryUser, call string, err error) {
	if !c.system {
		if name != "" && name != c.me {
			return "", "", fmt.Errorf("the job runs as %s; an agent in user mode has jobs of its own user only", name)
		}
		return "", c.call, nil
	}
	if name == "" {
		name = c.me
	}
	if !validUser(name) {
		return "", "", fmt.Errorf("%q cannot stand in a crontab as a user's name", name)
	}
	area, err := c.area(name)
	if err != nil {
		return "", "", err
	}
	if err := statedir.CheckPlainPath(area); err != nil {
		return "", "", fmt.Errorf("state directory of %s: %w", name, err)
	}
	call = c.runPath + " --state-dir " + area
	if c.flavour.dropIns() {
		call = name + " " + call
	}
	return name, call, nil
}

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

// validUser tells whether cron, a shell and a file's name can hold it.
func validUser(name string) bool {
	return userName.MatchString(name) && !strings.Contains(name, dotInName)
}

// Read returns the owned entries as they are.
func (c *Cron) Read(ctx context.Context) (scheduler.Snapshot, error) {
	seen, err := c.look(ctx)
	if err != nil {
		return scheduler.Snapshot{}, err
	}
	now := token(seen)
	last := c.last.Load() // an idle agent reads the same text again and again
	if last == nil || last.Token != now {
		last = &scheduler.Snapshot{Entries: c.entries(seen), Token: now}
		c.last.Store(last)
	}
	return scheduler.Snapshot{Entries: slices.Clone(last.Entries), Token: now}, nil
}

func (c *Cron) entries(seen []sight) []scheduler.Entry {
	var out []scheduler.Entry
	for _, s := range seen {
		out = append(out, parse(s.text, c.installation).entries(s.user)...)
	}
	return out
}
