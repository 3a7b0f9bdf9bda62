// Package schtasks makes the Windows Task Scheduler match a set of entries, through the schtasks command and
// nothing else. Its tasks stand in \Crontopus\<installation>\ and carry the installation's marker; what lacks either
// is not its own.
package schtasks

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/calendar"
	"crontopus.dev/agent/pkg/scheduler/command"
)

// Options of a machine's Task Scheduler.
type Options struct {
	Installation uuid.UUID
	RunPath      string // absolute path of crontopus-run.exe
	StateDir     string // the agent's own
	// System: jobs of several users. The agent is SYSTEM then.
	System bool
	// Area is where crontopus-run looks for the jobs of a user, in system mode; it makes nothing. Default: users\<SID>
	// below StateDir.
	Area    func(user string) (string, error)
	Command string // default: schtasks from PATH
	Zone    *time.Location
	Now     func() time.Time
	// SID resolves an account's name, "" being the agent's own account; default: what Windows says.
	SID func(user string) (string, error)
	// Interactive tasks run only while their user is logged on: for agents that may not make others.
	Interactive bool
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

const root = `\Crontopus\`

// New checks what every task will carry and that there is a schtasks command.
func New(o Options) (*Scheduler, error) {
	if o.Installation == uuid.Nil {
		return nil, errors.New("schtasks: no installation id")
	}
	for what, path := range map[string]string{"path of crontopus-run": o.RunPath, "state directory": o.StateDir} {
		if err := checkPath(path); err != nil {
			return nil, fmt.Errorf("%s %w", what, err)
		}
	}
	if o.Command == "" {
		found, err := command.Find("schtasks")
		if err != nil {
			return nil, fmt.Errorf("%w: no `schtasks` command: %w", scheduler.ErrUnavailable, err)
		}
		o.Command = found
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		// On Windows this is the zone of the machine's clock, as the registry has it, whatever TZ says.
		o.Zone = time.Local
	}
	if o.SID == nil {
		o.SID = accountSID
	}
	if o.Area == nil {
		o.Area = o.areaBelow
	}
	return &Scheduler{o: o, machine: calendar.NewMachine(o.Zone, o.Now()), backups: o.StateDir + `/backups`}, nil
}

// areaBelow is the layout that pkg/area makes.
func (o Options) areaBelow(user string) (string, error) {
	sid, err := o.SID(user)
	return o.StateDir + `\users\` + sid, err
}

// Name is schtasks.
func (s *Scheduler) Name() string { return "schtasks" }

// Render writes the task's XML in the form in which Read returns it.
func (s *Scheduler) Render(job scheduler.Job) (scheduler.Entry, error) {
	readings, err := readAll(s.machine, job.Schedules, job.Zone)
	if err != nil {
		return scheduler.Entry{}, err
	}
	if len(readings) == 0 {
		return scheduler.Entry{}, fmt.Errorf("%w: no schedule", schedule.ErrNotExpressible)
	}
	sid, area, err := s.whose(job.User)
	if err != nil {
		return scheduler.Entry{}, err
	}
	triggers, gated := planner{s.machine}.plan(readings)
	task := s.task(job, triggers, sid, area)
	return scheduler.Entry{JobID: job.ID, User: job.User, Body: canonical(task, s.path(job.ID), nil).String(), Gated: gated}, nil
}

// whose returns the account of a job and where crontopus-run finds it.
func (s *Scheduler) whose(user string) (sid, area string, err error) {
	if sid, err = s.o.SID(user); err != nil {
		return "", "", fmt.Errorf("account %q: %w", user, err)
	}
	if s.o.System {
		if area, err = s.o.Area(user); err != nil {
			return "", "", err
		}
		if err := checkPath(area); err != nil {
			return "", "", fmt.Errorf("directory of the jobs %w", err)
		}
		return sid, area, nil
	}
	if own, err := s.o.SID(""); err != nil || own != sid {
		return "", "", errors.Join(fmt.Errorf("this agent makes tasks of its own account only, not of %s", user), err)
	}
	return sid, s.o.StateDir, nil
}

func (s *Scheduler) folder() string { return root + s.o.Installation.String() + `\` }

func (s *Scheduler) path(job uuid.UUID) string { return s.folder() + job.String() }

// marker ends the description. It names the user as the manifest does, which a SID does not.
func (s *Scheduler) marker(job uuid.UUID, user string) string {
	m := "crontopus:" + s.o.Installation.String() + ":" + job.String()
	if user != "" {
		m += ":" + user
	}
	return m
}

const explanation = "Managed by Crontopus, which undoes changes made here. "

func (s *Scheduler) task(job scheduler.Job, triggers []trigger, sid, area string) *node {
	list := el("Triggers")
	for _, t := range triggers {
		list.add(t.node())
	}
	principal := el("Principal", leaf("UserId", sid)).with("id", "Author")
	if logon := s.logon(sid); logon != "" {
		principal.add(leaf("LogonType", logon))
	}
	call := strings.Join([]string{"--state-dir", quote(area), job.ID.String()}, " ")
	return el("Task",
		el("RegistrationInfo", leaf("Description", explanation+s.marker(job.ID, job.User))),
		list,
		el("Principals", principal.add(leaf("RunLevel", "LeastPrivilege"))),
		settings(),
		el("Actions", el("Exec", leaf("Command", s.o.RunPath), leaf("Arguments", call))).with("Context", "Author"))
}

// logon is without a stored password: S4U, or nothing for the accounts of services.
func (s *Scheduler) logon(sid string) string {
	switch {
	case sid == "S-1-5-18" || sid == "S-1-5-19" || sid == "S-1-5-20":
		return ""
	case s.o.Interactive:
		return "InteractiveToken"
	}
	return "S4U"
}

// settings leave to crontopus-run what it decides better (overlap, time limits), and to nobody whether the
// machine is on battery, idle or on a network.
func settings() *node {
	return el("Settings",
		leaf("MultipleInstancesPolicy", "Parallel"),
		leaf("DisallowStartIfOnBatteries", "false"),
		leaf("StopIfGoingOnBatteries", "false"),
		leaf("AllowHardTerminate", "true"),
		leaf("StartWhenAvailable", "false"),
		leaf("RunOnlyIfNetworkAvailable", "false"),
		el("IdleSettings", leaf("StopOnIdleEnd", "false"), leaf("RestartOnIdle", "false")),
		leaf("AllowStartOnDemand", "true"),
		leaf("Enabled", "true"),
		leaf("Hidden", "false"),
		leaf("RunOnlyIfIdle", "false"),
		leaf("WakeToRun", "false"),
		leaf("ExecutionTimeLimit", "PT0S"),
		leaf("Priority", "7"))
}

var absolute = regexp.MustCompile(`^([A-Za-z]:[\\/]|\\\\[^\\?.])`)

// ErrUnsafePath means a path that Task Scheduler would read as something else.
var ErrUnsafePath = errors.New("is no absolute Windows path without quotes, control characters, % or $(")

// checkPath refuses what Task Scheduler expands: %VARIABLES% and $(arguments).
func checkPath(path string) error {
	bad := func(c rune) bool { return c < ' ' || strings.ContainsRune(`"%<>|*?`, c) || c == 0xfffd || c == 0xfeff }
	if !absolute.MatchString(path) || strings.ContainsFunc(path, bad) || strings.Contains(path, "$(") || len(path) > 1000 {
		return fmt.Errorf("%q: %w", path, ErrUnsafePath)
	}
	return nil
}

// quote writes one argument as Windows programs split their command line. There are no quotes in it.
func quote(arg string) string {
	if !strings.ContainsAny(arg, " \t") {
		return arg
	}
	// Backslashes before the closing quote would escape it.
	trail := len(arg) - len(strings.TrimRight(arg, `\`))
	return `"` + arg + strings.Repeat(`\`, trail) + `"`
}
