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
	Schedules []schedule.Schedule
	Zone      *time.Location
}

// Entry is one job as the native scheduler holds it. Body is the native text (crontab lines, task XML…):
// two entries with the same body are the same.
type Entry struct {
	JobID uuid.UUID `json:"job_id"` // uuid.Nil for one that carries our marker but no readable job
	Body  string    `json:"body"`
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
	// Render is pure. The error wraps schedule.ErrNotExpressible when the job cannot run exactly as asked.
	Render(job Job) (Entry, error)
	// Read returns the owned entries. Any doubt about what is there is an error, never "nothing".
	Read(ctx context.Context) (Snapshot, error)
	// Write makes the owned entries exactly want, in one atomic step, leaving all else as it is.
	// ErrConflict when the state is no longer the one in from.
	Write(ctx context.Context, from Snapshot, want []Entry) error
}

var (
	// ErrConflict means that somebody else changed the scheduler between Read and Write: read again.
	ErrConflict = errors.New("the native scheduler was changed by somebody else meanwhile")
	// ErrUnsupported means that there is no implementation for this machine yet.
	ErrUnsupported = errors.New("this platform's scheduler is not supported yet")
	// ErrUnavailable means that the scheduler's command is not installed or not allowed.
	ErrUnavailable = errors.New("the native scheduler is not available")
)
