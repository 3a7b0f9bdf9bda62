// Package scheduler is the small interface behind which each native scheduler stands. Nothing here runs a
// job: an entry only makes the machine's own scheduler start crontopus-run.
package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
)

// Job is what an entry is rendered from. No text of a user's goes into an entry.
type Job struct {
	ID        uuid.UUID
	User      string // whose scheduler holds it and whom it runs as; "" = the agent's own user
	Schedules []schedule.Schedule
	Zone      *time.Location
}

// Entry is one job as the native scheduler holds it. Body is the native text (crontab lines, task XML…):
// two entries of one user with the same body are the same.
type Entry struct {
	JobID uuid.UUID `json:"job_id"` // uuid.Nil for one that carries our marker but no readable job
	User  string    `json:"user,omitempty"`
	Body  string    `json:"body"`
	// Gated says, where not empty, why the native trigger is a superset of the schedule; crontopus-run then
	// decides by slot. Only Render knows it: it is not read back, and not compared.
	Gated string `json:"-"`
}

// Foreign is a job that somebody else put into a native scheduler.
type Foreign struct {
	ID       string `json:"id"`     // stable while the text stands: a digest of source, user and exact text
	Source   string `json:"source"` // crontab, a file's path, schtasks, launchd, systemd
	Place    string `json:"place"`  // where in the source, for a reader: line 12, \Backup\Nightly, logrotate.timer
	User     string `json:"user,omitempty"`
	Schedule string `json:"schedule,omitempty"` // as a manifest would say it; "" where it cannot
	Timezone string `json:"timezone,omitempty"`
	Command  string `json:"command"` // one shell line, or argv quoted for a shell; not redacted
	Text     string `json:"text"`    // the exact native text
	// Env are the settings of its source in force for it: PATH, MAILTO, SHELL, CRON_TZ…
	Env map[string]string `json:"env,omitempty"`
	// Fixed says, where not empty, why it can only be looked at and not adopted.
	Fixed string `json:"fixed,omitempty"`
	// Spot is where it stood, for the scheduler that restores it.
	Spot Spot `json:"spot,omitzero"`
}

// Spot is a line's place among the lines of others, so that it comes back between its neighbours though they moved.
type Spot struct {
	Line  int    `json:"line,omitempty"` // how many lines of others stood above it
	Above string `json:"above,omitempty"`
	Below string `json:"below,omitempty"`
	Equal int    `json:"equal,omitempty"` // how many lines said the same, this one included
}

// Change is one write.
type Change struct {
	Want    []Entry   // all owned entries as they shall be
	Adopt   []Foreign // foreign ones that go in the same step; ErrConflict when one is not there as it was read
	Restore []Foreign // adopted ones that come back in the same step
}

// Snapshot is what Read found.
type Snapshot struct {
	Entries []Entry // the owned ones
	// Token identifies the state read, foreign parts included; only the scheduler that made it reads it.
	Token string
}

// Scheduler makes one native scheduler match a set of entries. It sees and changes only entries that carry
// the marker of its installation.
type Scheduler interface {
	// Name is cron, schtasks or launchd.
	Name() string
	// Render is pure. What the native scheduler cannot say exactly becomes a gated superset; the error wraps
	// schedule.ErrNotExpressible when there is none. Render and Read write the user of an entry alike.
	Render(job Job) (Entry, error)
	// Read returns the owned entries. Any doubt about what is there is an error, never "nothing".
	Read(ctx context.Context) (Snapshot, error)
	// Write makes the owned entries exactly change.Want, in one atomic step, leaving all else as it is but what
	// change adopts or restores. ErrConflict when the state is no longer the one in from. Where several places have to
	// be written (files of several users) each is replaced at once, what is added before what goes; when one of
	// them fails, those before it are put back.
	Write(ctx context.Context, from Snapshot, change Change) error
}

// Flavoured is a Scheduler that comes in several makes; doctor names the one that was found.
type Flavoured interface {
	Flavour() string
}

// Discoverer is a Scheduler, or a place that is only looked at, that can list the jobs of others.
type Discoverer interface {
	// Foreign lists them; with an error the list is what could be read, and what it lacks is not known to be gone.
	Foreign(ctx context.Context) ([]Foreign, error)
}

// Sibling is what another installation of ours holds in a place. This agent neither changes it nor tells of it as a
// job of others.
type Sibling struct {
	Installation uuid.UUID
	Source       string // as in Foreign
	User         string
	StateDir     string // that of its entries; "" is their user's usual one
	Jobs         []uuid.UUID
}

// Familiar is a Scheduler that knows entries of other installations of ours.
type Familiar interface {
	// Siblings lists them; with an error the list is what could be read.
	Siblings(ctx context.Context) ([]Sibling, error)
}

var (
	// ErrConflict means that somebody else changed the scheduler between Read and Write: read again.
	ErrConflict = errors.New("the native scheduler was changed by somebody else meanwhile")
	// ErrUnsupported means that there is no implementation for this machine yet.
	ErrUnsupported = errors.New("this platform's scheduler is not supported yet")
	// ErrUnavailable means that the scheduler's command is not installed or not allowed.
	ErrUnavailable = errors.New("the native scheduler is not available")
)
