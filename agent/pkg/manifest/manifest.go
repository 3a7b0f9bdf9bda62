// Package manifest reads job definitions (DESIGN section 5). It is strict: unknown and duplicate keys,
// wrong types and values out of bounds are errors that name file, line and column.
package manifest

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
)

// Bounds of one manifest.
const (
	MaxBytes       = 256 << 10
	MaxOutputBytes = 1 << 20
	maxArgs        = 256
	maxCommand     = 8192
	maxEnvValue    = 32_768
	maxLabels      = 64
	maxSchedules   = 16
	maxName        = 63

	// DefaultOutputBytes is how much of a run's output is kept unless the manifest says otherwise.
	DefaultOutputBytes = 64 << 10
)

// Job is one definition of kind Job, checked and with defaults filled in.
type Job struct {
	Path      string // in the repository
	Namespace string
	Name      string
	ID        uuid.UUID // uuid.Nil when the manifest names none
	Labels    map[string]string

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
	Attempts int // in all, first one included; 0 and 1 mean no retry
	Backoff  string
	Delay    time.Duration
}

// Output is what is kept of what the command prints.
type Output struct {
	Capture  string
	MaxBytes int
	Redact   []string
}

// Address is namespace/name.
func (j *Job) Address() string { return j.Namespace + "/" + j.Name }

// JobID is the explicit id, else the one every part of Crontopus derives from tenant and address.
func (j *Job) JobID(tenant uuid.UUID) uuid.UUID {
	if j.ID != uuid.Nil {
		return j.ID
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
	if s.Hostname != "" && !glob(strings.ToLower(s.Hostname), strings.ToLower(hostname)) {
		return false
	}
	for k, v := range s.MatchLabels {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// glob matches text against a pattern in which `*` stands for any characters.
func glob(pattern, text string) bool {
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

var (
	nameRE       = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	envRE        = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	userRE       = regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9_.@\\]*\$?$`)
	labelKeyRE   = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)
	labelValueRE = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`)
	hostnameRE   = regexp.MustCompile(`^[A-Za-z0-9*]([-A-Za-z0-9_.*]*[A-Za-z0-9*])?$`)
	workingDirRE = regexp.MustCompile(`^(/|[A-Za-z]:[\\/]|\\\\)[^\n]*$`)
	uuidRE       = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// ValidName tells whether s can be a namespace or, reserved words aside, the name of a job.
func ValidName(s string) bool { return len(s) <= maxName && nameRE.MatchString(s) }

// reserved names follow a ping key in a URL, so no job may be called that.
func reserved(name string) bool {
	if name == "start" || name == "fail" || name == "log" {
		return true
	}
	n, err := strconv.Atoi(name)
	return err == nil && n <= 255 && strconv.Itoa(n) == name
}
