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
	user      string // as in Key
	want      bool   // an entry shall be here: the job's, or the last one of a stalled job
	entry     string // that entry
	policy    string // what AppliedEntry.Policy becomes
	file      *jobfile.Job
	suspended string // why the job's own definition says that it shall not run now
	absent    string // why a job of the repository is not for this endpoint
	stalled   bool
	adopts    []string // ids of the foreign entries that go in the same write
	warning   string
}

func (c *candidate) key() Key { return Key{c.user, c.id} }

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

// gather reads the manifests into p.jobs. Jobs that are here already are judged first: the policy's limit of
// jobs holds back what is new.
func (p *planner) gather() {
	type readable struct {
		id  uuid.UUID
		job *manifest.Job
	}
	var known, fresh []readable
	first := make(map[uuid.UUID]string, len(p.in.Snapshot.Files))
	duplicate := map[uuid.UUID]error{}
	for _, f := range p.in.Snapshot.Files {
		job, err := p.in.Parse(f.Path, f.Data)
		if err != nil {
			p.unreadable(f, err)
			continue
		}
		id := job.JobID(p.in.Tenant)
		if other, there := first[id]; there {
			duplicate[id] = fmt.Errorf("%s: has the same id as %s", f.Path, other)
			p.problem(duplicate[id])
			continue
		}
		first[id] = f.Path
		if _, there := p.in.Applied.Entries[id]; there {
			known = append(known, readable{id, job})
		} else {
			fresh = append(fresh, readable{id, job})
		}
	}
	for _, r := range append(known, fresh...) {
		p.jobs[r.id] = p.judge(r.id, r.job)
		if err := duplicate[r.id]; err != nil {
			p.stall(p.jobs[r.id], "DuplicateID", err.Error())
		}
	}
}

func (p *planner) problem(err error) {
	p.invalid++
	p.plan.Problems = append(p.plan.Problems, err.Error())
}

// unreadable keeps the last entry of a job whose file broke. Which job that is follows from the path it was
// applied from, else from what can be guessed of its name. A readable file that gives the same job wins.
func (p *planner) unreadable(f gitsource.File, err error) {
	p.problem(err)
	namespace, name := manifest.Guess(f.Path, f.Data)
	c := &candidate{id: manifest.DerivedID(p.in.Tenant, namespace, name), address: namespace + "/" + name, path: f.Path}
	for id, last := range p.in.Applied.Entries {
		if last.Path == f.Path {
			c.id, c.address = id, last.Address
		}
	}
	p.stall(c, "InvalidManifest", err.Error())
	p.jobs[c.id] = c
}

// stall leaves what is applied as it is.
func (p *planner) stall(c *candidate, reason, message string) {
	c.file, c.stalled, c.want, c.adopts = nil, true, false, nil
	p.condition(c.id, Stalled, reason, message)
	if last, known := p.in.Applied.Entries[c.id]; known {
		c.want, c.entry, c.user, c.policy = true, last.Body, last.User, last.Policy
		return
	}
	for key, body := range p.actual {
		if key.ID == c.id {
			c.want, c.entry, c.user = true, body, key.User
		}
	}
}

// judge decides whether a readable job belongs on this endpoint, and as which entry.
func (p *planner) judge(id uuid.UUID, job *manifest.Job) *candidate {
	c := &candidate{id: id, address: job.Address(), path: job.Path, user: p.own(job.User), adopts: adopts(job)}
	suspend := func(reason, message string) *candidate {
		c.suspended = message
		p.condition(id, Suspended, reason, "")
		return c
	}
	delete(p.conditions, id) // of a broken file that was taken for this job's
	switch {
	case !job.AgentMode():
		c.absent = "the job has no command any more"
	case !job.Selector.Matches(p.in.Labels, p.in.Hostname):
		c.absent = "the job's selector doesn't match this endpoint"
	case !job.Enabled:
		return suspend("Disabled", "disabled")
	case job.Paused:
		return suspend("Paused", "paused")
	case p.undone(c):
		return suspend("AdoptionUndone", "its adoption was undone on this machine")
	case c.user != "" && !p.in.System:
		p.stall(c, "UserNotAllowed", fmt.Sprintf("the job runs as %s; this agent, which is not a system's, only runs jobs as %s", job.User, p.in.User))
	default:
		if p.permitted(c, job) && p.usable(c) {
			p.render(c, job)
		}
	}
	return c
}

func (p *planner) usable(c *candidate) bool {
	err := p.in.Usable(c.user)
	if err != nil {
		p.stall(c, "UserNotUsable", err.Error())
	}
	return err == nil
}

func (p *planner) render(c *candidate, job *manifest.Job) {
	zone, err := schedule.LoadZone(job.Timezone)
	if err != nil {
		p.stall(c, "UnknownTimezone", err.Error())
		return
	}
	entry, err := p.in.Render(scheduler.Job{ID: c.id, User: c.user, Schedules: job.Schedules, Zone: zone})
	if err != nil {
		reason := "CannotRender"
		if errors.Is(err, schedule.ErrNotExpressible) {
			reason = "NotExpressible"
		}
		p.stall(c, reason, err.Error())
		return
	}
	c.want, c.entry, c.file = true, entry.Body, p.jobFile(c, job)
	if entry.Gated != "" {
		p.plan.Gates[c.id] = entry.Gated
		c.file.Gate, c.file.Schedules, c.file.Timezone = true, texts(job.Schedules), job.Timezone
		c.file.GraceSeconds = int64(job.Grace / time.Second)
	}
	p.resolveAdoption(c, job)
}

func (p *planner) jobFile(c *candidate, job *manifest.Job) *jobfile.Job {
	return &jobfile.Job{
		Version: jobfile.Version, JobID: c.id, InstanceID: instance(c.id, p.in.Endpoint), Namespace: job.Namespace, Name: job.Name,
		Commit: p.in.Snapshot.Commit, User: c.user, Argv: append([]string{job.Command}, job.Args...), Shell: job.Shell,
		WorkingDir: job.WorkingDir, Env: job.Env, TimeoutSeconds: int64(job.Timeout / time.Second),
		JitterSeconds: int64(job.Jitter / time.Second), Concurrency: job.Concurrency,
		Retry:  jobfile.Retry{Attempts: job.Retry.Attempts, Backoff: job.Retry.Backoff, DelaySeconds: int64(job.Retry.Delay / time.Second)},
		Output: jobfile.Output{Capture: job.Output.Capture, MaxBytes: job.Output.MaxBytes, Redact: job.Output.Redact},
	}
}

func texts(schedules []schedule.Schedule) []string {
	out := make([]string, len(schedules))
	for i, s := range schedules {
		out[i] = s.Text
	}
	return out
}
