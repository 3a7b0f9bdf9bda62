// Package jobfile is what the agent leaves for crontopus-run: one JSON file per applied job, so that the
// crontab line carries nothing but the job's id.
package jobfile

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/statedir"
)

// Version of the file's format. Version 1 had no gate, no user and no schedule; its files are still read.
const Version = 2

const maxBytes = 1 << 20

// Dir is the folder below the state directory.
const Dir = "jobs"

// Job is everything crontopus-run needs to run one job.
type Job struct {
	Version    int       `json:"version"`
	JobID      uuid.UUID `json:"job_id"`
	InstanceID uuid.UUID `json:"instance_id"`
	Namespace  string    `json:"namespace"`
	Name       string    `json:"name"`
	Commit     string    `json:"commit"`

	User string `json:"user,omitempty"` // whom the native scheduler starts it as; "" = the agent's own user
	// Gate: the native trigger fires more often than the schedule asks; crontopus-run takes only what is a slot.
	Gate         bool     `json:"gate,omitempty"`
	Schedules    []string `json:"schedules,omitempty"`
	Timezone     string   `json:"timezone,omitempty"`
	GraceSeconds int64    `json:"grace_seconds,omitempty"`

	Argv           []string          `json:"argv"`
	Shell          bool              `json:"shell"` // argv[0] is one shell line, the rest its parameters
	WorkingDir     string            `json:"working_dir,omitempty"`
	Env            map[string]string `json:"env,omitempty"`
	TimeoutSeconds int64             `json:"timeout_seconds,omitempty"`
	JitterSeconds  int64             `json:"jitter_seconds,omitempty"`
	Concurrency    string            `json:"concurrency"`
	Retry          Retry             `json:"retry"`
	Output         Output            `json:"output"`
}

// Retry repeats a failed command within one run.
type Retry struct {
	Attempts     int    `json:"attempts"`
	Backoff      string `json:"backoff"`
	DelaySeconds int64  `json:"delay_seconds"`
}

// Output is what is kept of the command's output.
type Output struct {
	Capture  string   `json:"capture"`
	MaxBytes int      `json:"max_bytes"`
	Redact   []string `json:"redact,omitempty"`
}

// Name is the file of a job within its area, for area.Files.
func Name(id uuid.UUID) string { return Dir + "/" + id.String() + ".json" }

// Path is the file of a job below the root of its area.
func Path(root string, id uuid.UUID) string { return filepath.Join(root, filepath.FromSlash(Name(id))) }

// Encode gives the file's bytes; equal jobs give equal bytes.
func (j *Job) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode job file: %w", err)
	}
	return append(data, '\n'), nil
}

// Load reads the file of a job.
func Load(root string, id uuid.UUID) (*Job, error) {
	data, err := statedir.ReadFile(Path(root, id), maxBytes)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", id, err)
	}
	var j Job
	if err := json.Unmarshal(data, &j); err != nil {
		return nil, fmt.Errorf("job file %s: %w", id, err)
	}
	if j.Version < 1 || j.Version > Version || j.JobID != id || len(j.Argv) == 0 {
		return nil, fmt.Errorf("job file %s is not a file of this job, or of a later version than %d", id, Version)
	}
	return &j, nil
}
