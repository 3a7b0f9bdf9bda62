// Package spool carries check-ins from crontopus-run to the agent over the disk: a run appends fsynced
// records to a file of its own, the agent ships them in order and deletes the file once the server has
// answered for every record in it.
package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Kinds and outcomes of records, as the API names them.
const (
	KindStart  = "start"
	KindFinish = "finish"

	OutcomeSuccess = "success"
	OutcomeFailure = "failure"
	OutcomeTimeout = "timeout"
	OutcomeSkipped = "skipped"
	OutcomeLost    = "lost"

	StatusAccepted  = "accepted"
	StatusDuplicate = "duplicate"
	StatusRejected  = "rejected"
	StatusJournaled = "journaled" // durable at the server, whose database is away
)

// Record is one check-in item of POST /api/v1/check-ins/batch.
type Record struct {
	EventID         uuid.UUID  `json:"event_id"`
	RunID           uuid.UUID  `json:"run_id"`
	JobID           uuid.UUID  `json:"job_id"`
	InstanceID      *uuid.UUID `json:"instance_id,omitempty"`
	Kind            string     `json:"kind"`
	At              time.Time  `json:"at"`
	Outcome         string     `json:"outcome,omitempty"`
	ExitCode        *int       `json:"exit_code,omitempty"`
	DurationSeconds *float64   `json:"duration_seconds,omitempty"`
	SlotAt          *time.Time `json:"slot_at,omitempty"` // which the run serves, where crontopus-run knows
	Commit          string     `json:"commit,omitempty"`
	Message         string     `json:"message,omitempty"`
	Output          *Output    `json:"output,omitempty"`
}

// Output is what was kept of a run's output; Data travels as base64.
type Output struct {
	Data       []byte `json:"data"`
	TotalBytes int64  `json:"total_bytes"`
	Truncated  bool   `json:"truncated"`
}

// Result is the server's answer for one record.
type Result struct {
	EventID uuid.UUID `json:"event_id"`
	RunID   uuid.UUID `json:"run_id"`
	Status  string    `json:"status"`
	Code    string    `json:"code,omitempty"`
	Message string    `json:"message,omitempty"`
}

var (
	errRecord   = errors.New("not a spool record")
	errNotOwned = errors.New("its job is not one of this user")
)

// decode reads one line of a run's file.
func decode(line []byte, run uuid.UUID) (Record, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("%w: %w", errRecord, err)
	}
	if r.EventID == uuid.Nil || r.JobID == uuid.Nil || r.RunID != run || (r.Kind != KindStart && r.Kind != KindFinish) {
		return r, fmt.Errorf("%w: ids or kind are wrong", errRecord)
	}
	return r, nil
}
