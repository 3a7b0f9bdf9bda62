package daemon

import (
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/statedir"
)

const statusFile = "status.json"

// Status is how the last round went; `crontopus-agent status` shows it.
type Status struct {
	At            time.Time       `json:"at"`
	Took          took            `json:"took"`
	FetchedCommit string          `json:"fetched_commit"`
	AppliedCommit string          `json:"applied_commit"`
	Refused       string          `json:"refused,omitempty"` // by the server: locked, superseded or revoked
	FetchError    string          `json:"fetch_error,omitempty"`
	ApplyError    string          `json:"apply_error,omitempty"`
	PolicyError   string          `json:"policy_error,omitempty"`
	Frozen        string          `json:"frozen,omitempty"` // why nothing is changed: on hold, or a policy that cannot be read
	Digest        string          `json:"digest,omitempty"` // of the removals that wait for `confirm`
	Waiting       int             `json:"waiting"`          // changes that are not made
	Blocked       []string        `json:"blocked,omitempty"`
	Problems      []string        `json:"problems,omitempty"`
	Conditions    []api.Condition `json:"conditions"`

	Gates map[uuid.UUID]string `json:"gates,omitempty"` // jobs that crontopus-run decides about by slot, and why
	// ClockOffsetSeconds is the server's time minus this machine's.
	ClockOffsetSeconds float64   `json:"clock_offset_seconds"`
	ServerSeenAt       time.Time `json:"server_seen_at"`
	Discovered         int       `json:"discovered"` // jobs of others that were found last
}

// took is how long a round's two halves did: the network and the local copy of the repository, then this machine.
type took struct {
	Fetch     float64 `json:"fetch_seconds"`
	Reconcile float64 `json:"reconcile_seconds"`
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
func (d *Daemon) remember(plan *reconcile.Plan, t took, policyErr, fetchErr, err error) {
	d.mu.Lock()
	s := d.status
	s.At, s.Took = time.Now().UTC(), t
	s.FetchError, s.ApplyError, s.PolicyError = text(fetchErr), text(err), text(policyErr)
	if plan != nil {
		s.Blocked, s.Problems, s.Conditions = plan.Blocked, plan.Problems, plan.Conditions
		s.Frozen, s.Digest, s.Waiting, s.Gates = plan.Frozen, plan.Digest, len(plan.Waiting), plan.Gates
		if err == nil {
			s.AppliedCommit = plan.Next.Commit
		}
	}
	d.status = s
	d.mu.Unlock()
	d.keep(s)
}

// keep writes the status, without the blanks that would double what a round of many jobs costs.
func (d *Daemon) keep(s Status) {
	data, err := json.Marshal(s)
	if err == nil {
		err = statedir.WriteFile(d.Dir.Path(statusFile), append(data, '\n'))
	}
	if err != nil {
		d.Log.Error("status not kept", "error", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
