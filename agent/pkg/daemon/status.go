package daemon

import (
	"errors"
	"io/fs"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/statedir"
)

const statusFile = "status.json"

// Status is how the last round went; `crontopus-agent status` shows it.
type Status struct {
	At            time.Time       `json:"at"`
	FetchedCommit string          `json:"fetched_commit"`
	AppliedCommit string          `json:"applied_commit"`
	FetchError    string          `json:"fetch_error,omitempty"`
	ApplyError    string          `json:"apply_error,omitempty"`
	Blocked       []string        `json:"blocked,omitempty"`
	Problems      []string        `json:"problems,omitempty"`
	Conditions    []api.Condition `json:"conditions"`
}

// LoadStatus reads the status of the last round; the zero value when there was none.
func LoadStatus(dir *statedir.Dir) (Status, error) {
	var s Status
	err := dir.ReadJSON(statusFile, &s)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	return s, err
}

func (d *Daemon) setFetched(commit string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.FetchedCommit = commit
}

// remember keeps the outcome of a round for heartbeat and status.
func (d *Daemon) remember(plan *reconcile.Plan, fetchErr, err error) {
	d.mu.Lock()
	s := d.status
	s.At = time.Now().UTC()
	s.FetchError, s.ApplyError = text(fetchErr), text(err)
	if plan != nil {
		s.Blocked, s.Problems, s.Conditions = plan.Blocked, plan.Problems, plan.Conditions
		if err == nil {
			s.AppliedCommit = plan.Next.Commit
		}
	}
	d.status = s
	d.mu.Unlock()
	if err := d.Dir.WriteJSON(statusFile, s); err != nil {
		d.Log.Error("status not kept", "error", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
