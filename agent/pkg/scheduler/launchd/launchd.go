// Package launchd makes launchd's jobs match a set of entries: one property list per job in a folder of the user or of
// the system, loaded through the launchctl command. Its files are those named dev.crontopus.<installation>.*.plist.
package launchd

import (
	"errors"
	"fmt"
	"os/user"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/calendar"
	"crontopus.dev/agent/pkg/scheduler/command"
)

// Options of a launchd domain.
type Options struct {
	Installation uuid.UUID
	RunPath      string // absolute path of crontopus-run
	StateDir     string // the agent's own
	// Area is where crontopus-run looks for the jobs of a user, in the system's domain; it makes nothing. Default:
	// users/<uid> below StateDir.
	Area func(user string) (string, error)
	// Folder is ~/Library/LaunchAgents or /Library/LaunchDaemons, Domain gui/<uid> or system.
	Folder, Domain string
	Others         []string // folders of which the jobs of others are listed; default: Folder
	Command        string   // default: launchctl from PATH
	Zone           *time.Location
	Now            func() time.Time
}

// Scheduler is a scheduler.Scheduler and a scheduler.Discoverer.
type Scheduler struct {
	o       Options
	machine *calendar.Machine
	backups string
}

var (
	_ scheduler.Scheduler  = (*Scheduler)(nil)
	_ scheduler.Discoverer = (*Scheduler)(nil)
)

const system = "system"

// New checks what every job will carry and that there is a launchctl command.
func New(o Options) (*Scheduler, error) {
	if o.Installation == uuid.Nil {
		return nil, errors.New("launchd: no installation id")
	}
	for what, place := range map[string]string{"path of crontopus-run": o.RunPath, "state directory": o.StateDir, "folder": o.Folder} {
		if !strings.HasPrefix(place, "/") || !plain(place) {
			return nil, fmt.Errorf("launchd: %s %q is no absolute path of printable text", what, place)
		}
	}
	if o.Domain == "" {
		return nil, errors.New("launchd: no domain")
	}
	if o.Command == "" {
		found, err := command.Find("launchctl")
		if err != nil {
			return nil, fmt.Errorf("%w: no `launchctl` command: %w", scheduler.ErrUnavailable, err)
		}
		o.Command = found
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		zone, err := schedule.MachineZone("/")
		if err != nil {
			return nil, err
		}
		o.Zone = zone
	}
	if o.Others == nil {
		o.Others = []string{o.Folder}
	}
	if o.Area == nil {
		o.Area = o.areaBelow
	}
	return &Scheduler{o: o, machine: calendar.NewMachine(o.Zone, o.Now()), backups: path.Join(o.StateDir, "backups")}, nil
}

// areaBelow is the layout that pkg/area makes.
func (o Options) areaBelow(name string) (string, error) {
	find := func() (*user.User, error) { return user.Lookup(name) }
	if name == "" {
		find = user.Current
	}
	u, err := find()
	if err != nil {
		return "", fmt.Errorf("user %q: %w", name, err)
	}
	return path.Join(o.StateDir, "users", u.Uid), nil
}

func plain(s string) bool {
	for _, c := range s {
		if c < ' ' || c == 0x7f || c == 0xfffd || c == 0xfffe || c == 0xffff {
			return false
		}
	}
	return true
}

// Name is launchd.
func (s *Scheduler) Name() string { return "launchd" }

// Render writes the property list.
func (s *Scheduler) Render(job scheduler.Job) (scheduler.Entry, error) {
	var readings []calendar.Reading
	seen := map[string]bool{}
	for _, one := range job.Schedules {
		if seen[one.Normal()] {
			continue
		}
		seen[one.Normal()] = true
		r, err := s.machine.Read(one, job.Zone)
		if err != nil {
			return scheduler.Entry{}, fmt.Errorf("schedule %q: %w", one.Text, err)
		}
		readings = append(readings, r)
	}
	if len(readings) == 0 {
		return scheduler.Entry{}, fmt.Errorf("%w: no schedule", schedule.ErrNotExpressible)
	}
	if job.User != "" && s.o.Domain != system {
		return scheduler.Entry{}, fmt.Errorf("jobs in %s run as its own user, not as %s", s.o.Domain, job.User)
	}
	area := s.o.StateDir
	if s.o.Domain == system {
		found, err := s.o.Area(job.User)
		if err != nil {
			return scheduler.Entry{}, err
		}
		area = found
	}
	if !plain(area) || !plain(job.User) {
		return scheduler.Entry{}, fmt.Errorf("%q and %q must be printable text", area, job.User)
	}
	when, gated := plan(readings)
	d := dict{{"Label", s.label(job.ID)}, {"ProgramArguments", []any{s.o.RunPath, "--state-dir", area, job.ID.String()}}}
	if job.User != "" {
		d = append(d, pair{"UserName", job.User})
	}
	// As under cron: what a job leaves running is not killed when it ends, and a start is by the clock only.
	d = append(d, pair{"RunAtLoad", false}, pair{"AbandonProcessGroup", true}, pair{"StartCalendarInterval", when})
	return scheduler.Entry{JobID: job.ID, User: job.User, Body: d.String(), Gated: gated}, nil
}

const prefix = "dev.crontopus."

func (s *Scheduler) stem() string { return prefix + s.o.Installation.String() + "." }

func (s *Scheduler) label(job uuid.UUID) string { return s.stem() + job.String() }

func (s *Scheduler) file(label string) string { return path.Join(s.o.Folder, label+".plist") }
