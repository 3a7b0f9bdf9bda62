// Package manifest reads what tenants keep in Git: jobs, policies, alert routes and maintenance windows. It is
// strict: unknown and duplicate keys, wrong types and values out of bounds are errors that name file, line and
// column. contract/manifest is the truth, and contract/vectors/manifest holds this reader and the server's to it.
package manifest

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
)

// Job is one definition of kind Job, checked and with defaults filled in.
type Job struct {
	Path      string // in the repository
	Namespace string // empty where neither path nor manifest name one
	Name      string
	ID        uuid.NullUUID
	Labels    map[string]string

	Annotations map[string]string

	Schedules  []schedule.Schedule
	Timezone   string
	Command    string // "" = ping mode
	Args       []string
	Shell      bool
	WorkingDir string
	Env        map[string]string
	User       string
	Selector   Selector

	Timeout     time.Duration // 0 = none
	Grace       time.Duration
	Jitter      time.Duration
	Concurrency string // allow, forbid or replace
	Retry       Retry
	Output      Output
	Alerts      Alerts
	Enabled     bool
	Paused      bool
}

// Selector says which endpoints a job runs on; the zero value selects none.
type Selector struct {
	MatchLabels map[string]string
	Hostname    string
}

// Retry is what to do after a failed attempt.
type Retry struct {
	Attempts int // in all, first one included; 0 where the manifest says nothing about it
	Backoff  string
	Delay    time.Duration
}

// Output is what is kept of what the command prints.
type Output struct {
	Capture  string
	MaxBytes int
	Redact   []string
}

// Alerts says when an incident opens and closes, and how loudly. It is the server's business.
type Alerts struct {
	FailureThreshold  int
	RecoveryThreshold int
	RepeatEvery       time.Duration // 0 = tell once
	Severity          string
}

// Kind is KindJob.
func (j *Job) Kind() Kind { return KindJob }

// Address is namespace/name.
func (j *Job) Address() string { return j.Namespace + "/" + j.Name }

// JobID is the explicit id, else the one every part of Crontopus derives from tenant and address.
func (j *Job) JobID(tenant uuid.UUID) uuid.UUID {
	if j.ID.Valid {
		return j.ID.UUID
	}
	return DerivedID(tenant, j.Namespace, j.Name)
}

// DerivedID is UUIDv5(tenant id, "namespace/name").
func DerivedID(tenant uuid.UUID, namespace, name string) uuid.UUID {
	return uuid.NewSHA1(tenant, []byte(namespace+"/"+name))
}

// InstanceID is UUIDv5(job id, endpoint id as text): the place where this job runs on this endpoint.
func InstanceID(job uuid.UUID, endpointID string) uuid.UUID {
	return uuid.NewSHA1(job, []byte(endpointID))
}

// AgentMode tells a job with a command from one that only pings.
func (j *Job) AgentMode() bool { return j.Command != "" }

// Matches tells whether the selector picks an endpoint. Labels and hostname must both agree when both are
// given; an empty selector picks nothing, so that no job runs somewhere by accident.
func (s Selector) Matches(labels map[string]string, hostname string) bool {
	if len(s.MatchLabels) == 0 && s.Hostname == "" {
		return false
	}
	if s.Hostname != "" && !Glob(strings.ToLower(s.Hostname), strings.ToLower(hostname)) {
		return false
	}
	for k, v := range s.MatchLabels {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// Glob matches text against a pattern in which `*` stands for any characters.
func Glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return text == pattern
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
