package reconcile

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
)

// candidate is one job of the snapshot, or what is known of one that cannot be read.
type candidate struct {
	id        uuid.UUID
	address   string
	path      string
	want      bool   // an entry shall be here: the job's, or the last one of a stalled job
	entry     string // that entry
	file      *jobfile.Job
	suspended bool
	absent    string // why a job of the repository is not for this endpoint
	stalled   *[3]string
}

func instance(job, endpoint uuid.UUID) uuid.UUID { return manifest.InstanceID(job, endpoint.String()) }

// TenantID reads .crontopus/tenant.yaml.
func TenantID(data []byte) (uuid.UUID, error) {
	var doc struct {
		Metadata struct {
			ID string `yaml:"id"`
		} `yaml:"metadata"`
	}
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return uuid.Nil, fmt.Errorf("%s: %w", gitsource.TenantFile, err)
	}
	id, err := uuid.Parse(doc.Metadata.ID)
	if err != nil {
		return uuid.Nil, fmt.Errorf("%s: metadata.id: %w", gitsource.TenantFile, err)
	}
	return id, nil
}

// marked tells whether the repository says that it is this tenant's.
func (p *planner) marked() bool {
	id, err := TenantID(p.in.Snapshot.Tenant)
	return err == nil && id == p.in.Tenant
}

// gather reads the manifests into p.jobs.
func (p *planner) gather() {
	p.jobs = map[uuid.UUID]*candidate{}
	for _, f := range p.in.Snapshot.Files {
		job, err := manifest.Parse(f.Path, f.Data)
		if err != nil {
			p.unreadable(f, err)
			continue
		}
		id := job.JobID(p.in.Tenant)
		if other := p.jobs[id]; other != nil {
			err := fmt.Errorf("%s: has the same id as %s", f.Path, other.path)
			p.problem(err)
			p.stall(other, "DuplicateID", err.Error())
			continue
		}
		p.jobs[id] = p.judge(id, job)
	}
}

func (p *planner) problem(err error) {
	p.invalid++
	p.plan.Problems = append(p.plan.Problems, err.Error())
}

// unreadable keeps the last entry of a job whose file broke. Which job that is follows from the path it was
// applied from, else from what can be guessed of its name.
func (p *planner) unreadable(f gitsource.File, err error) {
	p.problem(err)
	namespace, name := manifest.Guess(f.Path, f.Data)
	c := &candidate{id: manifest.DerivedID(p.in.Tenant, namespace, name), address: namespace + "/" + name, path: f.Path}
	for id, last := range p.in.Applied.Entries {
		if last.Path == f.Path {
			c.id, c.address = id, last.Address
		}
	}
	if p.jobs[c.id] != nil {
		return // a readable file gives this job; the broken one is reported as a problem
	}
	p.stall(c, "InvalidManifest", err.Error())
	p.jobs[c.id] = c
}

// stall leaves what is applied as it is.
func (p *planner) stall(c *candidate, reason, message string) {
	c.stalled = &[3]string{Stalled, reason, message}
	c.file = nil
	last, known := p.in.Applied.Entries[c.id]
	actual, there := p.actual[c.id]
	switch {
	case known:
		c.want, c.entry = true, last.Body
	case there:
		c.want, c.entry = true, actual
	default:
		c.want = false
		p.condition(c.id, *c.stalled)
	}
}

// judge decides whether a readable job belongs on this endpoint, and as which entry.
func (p *planner) judge(id uuid.UUID, job *manifest.Job) *candidate {
	c := &candidate{id: id, address: job.Address(), path: job.Path}
	switch {
	case !job.AgentMode():
		c.absent = "the job has no command any more"
		return c
	case !job.Selector.Matches(p.in.Labels, p.in.Hostname):
		c.absent = "the job's selector doesn't match this endpoint"
		return c
	case job.Paused || !job.Enabled:
		c.suspended = true
		reason := "Paused"
		if !job.Enabled {
			reason = "Disabled"
		}
		p.condition(id, [3]string{Suspended, reason, ""})
		return c
	case job.User != "" && job.User != p.in.User:
		p.stall(c, "UserNotAllowed", fmt.Sprintf("the job runs as %s, this agent only runs jobs as %s", job.User, p.in.User))
		return c
	case job.Concurrency == "replace":
		p.stall(c, "NotSupported", "this version of the agent does not know `concurrency: replace`")
		return c
	}
	p.render(c, job)
	return c
}

func (p *planner) render(c *candidate, job *manifest.Job) {
	zone, err := schedule.LoadZone(job.Timezone)
	if err != nil {
		p.stall(c, "UnknownTimezone", err.Error())
		return
	}
	entry, err := p.in.Render(scheduler.Job{ID: c.id, Schedules: job.Schedules, Zone: zone})
	if err != nil {
		reason := "CannotRender"
		if errors.Is(err, schedule.ErrNotExpressible) {
			reason = "NotExpressible"
		}
		p.stall(c, reason, err.Error())
		return
	}
	c.want, c.entry, c.file = true, entry.Body, p.jobFile(c.id, job)
}

func (p *planner) jobFile(id uuid.UUID, job *manifest.Job) *jobfile.Job {
	return &jobfile.Job{
		Version: jobfile.Version, JobID: id, InstanceID: instance(id, p.in.Endpoint), Namespace: job.Namespace, Name: job.Name,
		Commit: p.in.Snapshot.Commit, Argv: append([]string{job.Command}, job.Args...), Shell: job.Shell,
		WorkingDir: job.WorkingDir, Env: job.Env, TimeoutSeconds: int64(job.Timeout / time.Second),
		JitterSeconds: int64(job.Jitter / time.Second), Concurrency: job.Concurrency,
		Retry:  jobfile.Retry{Attempts: job.Retry.Attempts, Backoff: job.Retry.Backoff, DelaySeconds: int64(job.Retry.Delay / time.Second)},
		Output: jobfile.Output{Capture: job.Output.Capture, MaxBytes: job.Output.MaxBytes, Redact: job.Output.Redact},
	}
}
