// Package cron makes the user's own crontab match a set of entries, through the crontab command and nothing
// else. It owns the lines that end in its installation's marker.
package cron

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

// Options of a user's crontab.
type Options struct {
	Installation uuid.UUID
	RunPath      string
	StateDir     string
	Command      string // default: crontab from PATH
	Zone         *time.Location
	Now          func() time.Time
}

// Cron is a scheduler.Scheduler.
type Cron struct {
	installation uuid.UUID
	call         string // what stands between schedule and job id
	tab          crontab
	backups      string
	zone         *time.Location
	now          func() time.Time
}

var _ scheduler.Scheduler = (*Cron)(nil)

// maxLine is below the 998 characters that Debian's cron takes for a command.
const maxLine = 900

// New checks that paths can stand on a crontab line and that there is a crontab command.
func New(o Options) (*Cron, error) {
	if o.Installation == uuid.Nil {
		return nil, errors.New("cron: no installation id")
	}
	if err := statedir.CheckPlainPath(o.RunPath); err != nil {
		return nil, fmt.Errorf("path of crontopus-run %w", err)
	}
	if err := statedir.CheckPlainPath(o.StateDir); err != nil {
		return nil, fmt.Errorf("state directory %w", err)
	}
	command := o.Command
	if command == "" {
		found, err := exec.LookPath("crontab")
		if err != nil {
			return nil, fmt.Errorf("%w: no `crontab` command; install cron (Debian: apt install cron)", scheduler.ErrUnavailable)
		}
		command = found
	}
	c := &Cron{installation: o.Installation, call: o.RunPath, tab: crontab{command: command}, backups: o.StateDir + "/backups",
		zone: o.Zone, now: o.Now}
	if standard, err := statedir.CronDefault(); err != nil || standard != o.StateDir {
		c.call += " --state-dir " + o.StateDir
	}
	if len(c.call) > maxLine-200 {
		return nil, fmt.Errorf("paths are too long for a crontab line: %s", c.call)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.zone == nil {
		zone, err := schedule.MachineZone("/")
		if err != nil {
			return nil, err
		}
		c.zone = zone
	}
	return c, nil
}

// Name is cron.
func (c *Cron) Name() string { return "cron" }

// Render writes one line per schedule: the schedule, crontopus-run, the job's id and the marker.
func (c *Cron) Render(job scheduler.Job) (scheduler.Entry, error) {
	lines := make([]string, len(job.Schedules))
	for i, s := range job.Schedules {
		native, err := s.Native(job.Zone, c.zone, c.now())
		if err != nil {
			return scheduler.Entry{}, fmt.Errorf("schedule %q: %w", s.Text, err)
		}
		lines[i] = fmt.Sprintf("%s %s %s %s", native, c.call, job.ID, marker(c.installation, job.ID))
	}
	return scheduler.Entry{JobID: job.ID, Body: strings.Join(lines, "\n")}, nil
}

// Read returns the owned entries of the crontab as it is.
func (c *Cron) Read(ctx context.Context) (scheduler.Snapshot, error) {
	text, err := c.tab.read(ctx)
	if err != nil {
		return scheduler.Snapshot{}, err
	}
	return scheduler.Snapshot{Entries: parse(text, c.installation).entries(), Token: text}, nil
}

// Write replaces the crontab once, having kept a copy, and reads it back.
func (c *Cron) Write(ctx context.Context, from scheduler.Snapshot, want []scheduler.Entry) error {
	// A write that has begun is finished even when the agent is told to stop.
	ctx = context.WithoutCancel(ctx)
	old, err := c.tab.read(ctx)
	if err != nil {
		return err
	}
	if old != from.Token {
		return scheduler.ErrConflict
	}
	text, err := parse(old, c.installation).with(want, c.installation)
	if err != nil {
		return err
	}
	if text == old {
		return nil
	}
	if err := keepBackup(c.backups, old, c.now()); err != nil {
		return err
	}
	return c.replace(ctx, old, text)
}

var errWrite = errors.New("writing the crontab failed")

func (c *Cron) replace(ctx context.Context, old, text string) error {
	writeErr := c.tab.write(ctx, text)
	now, err := c.tab.read(ctx)
	if err != nil {
		return errors.Join(errWrite, writeErr, fmt.Errorf("and it cannot be read back: %w (a copy is in %s)", err, c.backups))
	}
	switch {
	case now == text:
		return nil // whatever the command's exit code was, the crontab is the one we meant
	case now == old:
		return errors.Join(errWrite, writeErr, errors.New("the crontab is unchanged"))
	case keepsForeign(old, now, c.installation):
		// Somebody saved between our write and this look; theirs stands and the next round sees it.
		return errors.Join(scheduler.ErrConflict, writeErr)
	}
	return c.restore(ctx, old, now, writeErr)
}

// restore puts the crontab from before back: lines that are not ours have gone missing.
func (c *Cron) restore(ctx context.Context, old, damaged string, cause error) error {
	if err := keepBackup(c.backups, damaged, c.now()); err != nil {
		return errors.Join(errWrite, cause, err)
	}
	if err := c.tab.write(ctx, old); err != nil {
		return errors.Join(errWrite, cause, fmt.Errorf("and restoring it failed too; the crontab from before is in %s: %w", c.backups, err))
	}
	now, err := c.tab.read(ctx)
	if err != nil || now != old {
		return errors.Join(errWrite, cause, err, fmt.Errorf("and it is not as it was; the crontab from before is in %s", c.backups))
	}
	return errors.Join(errWrite, cause, errors.New("what was read back was not what was written; the crontab from before is restored"))
}
