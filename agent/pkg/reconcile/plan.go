// Package reconcile decides what the machine's scheduler shall hold: a three-way comparison of what Git
// asks for, what is there, and what was applied last. Make is pure; Applier carries its plan out.
package reconcile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/policy"
	"crontopus.dev/agent/pkg/scheduler"
)

// Input is all that a plan depends on.
type Input struct {
	Tenant   uuid.UUID
	Endpoint uuid.UUID
	Labels   map[string]string
	Hostname string
	User     string // the agent's own user, whom jobs without one run as
	System   bool   // jobs may run as other users

	Snapshot *gitsource.Snapshot
	// Trusted: the snapshot was fetched just now and its history continues ours. Otherwise it is the last
	// good one, and nothing is removed because of what it lacks.
	Trusted bool

	Policy    *policy.Endpoint // nil: the endpoint has none
	PolicyErr error            // it has one that cannot be trusted: nothing is changed

	Orders     Orders
	ReportOnly bool // drift is reported, not healed
	Now        time.Time

	Machine
}

// Machine is what Applier finds out by itself.
type Machine struct {
	Applied Applied
	Adopted Adoptions
	Actual  []scheduler.Entry
	Foreign []scheduler.Foreign // only looked at when somebody asks for an adoption or its undoing
	Files   map[Key][]byte      // the job files there are
	Render  func(scheduler.Job) (scheduler.Entry, error)
	// Usable tells why jobs of a user cannot be here; nil: they can.
	Usable func(user string) error
	// Parse is manifest.Parse, or something that remembers its answers.
	Parse func(path string, data []byte) (*manifest.Job, error)
	// Encode is (*jobfile.Job).Encode, or something that remembers its answers.
	Encode func(*jobfile.Job) ([]byte, error)
}

// Key is one entry's place: User is "" for the agent's own.
type Key struct {
	User string
	ID   uuid.UUID
}

func (k Key) compare(other Key) int {
	return cmp.Or(bytes.Compare(k.ID[:], other.ID[:]), strings.Compare(k.User, other.User))
}

// Applied is what was applied last; it lives in the state directory.
type Applied struct {
	Tenant  uuid.UUID                  `json:"tenant_id"`
	Commit  string                     `json:"commit"`
	Entries map[uuid.UUID]AppliedEntry `json:"entries"`
	// Former are users that jobs were taken from: what they ran until then is still to be reported.
	Former []Former `json:"former,omitempty"`
}

// Former is a user who had a job.
type Former struct {
	JobID uuid.UUID `json:"job_id"`
	User  string    `json:"user,omitempty"`
	Until time.Time `json:"until"`
}

// Owns tells whether a job is, or was lately, a user's ("" is the agent's own).
func (a Applied) Owns(user string, job uuid.UUID) bool {
	if last, there := a.Entries[job]; there && last.User == user {
		return true
	}
	return slices.ContainsFunc(a.Former, func(f Former) bool { return f.JobID == job && f.User == user })
}

// AppliedEntry is one job as it was applied.
type AppliedEntry struct {
	Address string      `json:"address"`
	Path    string      `json:"path"`
	User    string      `json:"user,omitempty"`
	Body    string      `json:"body"`
	Policy  string      `json:"policy,omitempty"` // of the endpoint's policy that let it pass
	Heals   []time.Time `json:"heals,omitempty"`  // recent corrections of hand edits
}

// Verb is what happens to an entry.
type Verb string

// The verbs of a plan.
const (
	Add     Verb = "add"
	Update  Verb = "update"
	Heal    Verb = "heal"
	Remove  Verb = "remove"
	Adopt   Verb = "adopt"   // Before is somebody else's entry, which ours replaces
	Restore Verb = "restore" // After is an adopted entry that comes back
)

// Action is one change of the native scheduler.
type Action struct {
	Verb    Verb      `json:"action"`
	JobID   uuid.UUID `json:"job_id"`
	Address string    `json:"job"`
	User    string    `json:"user,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Before  string    `json:"before,omitempty"`
	After   string    `json:"after,omitempty"`
}

// FileChange is one job file that is written or, without Data, removed.
type FileChange struct {
	User    string    `json:"user,omitempty"`
	JobID   uuid.UUID `json:"job_id"`
	Address string    `json:"job"`
	Data    []byte    `json:"-"`
	Removed bool      `json:"removed,omitempty"`
}

// Plan is what to do.
type Plan struct {
	Commit     string          `json:"commit"`
	Actions    []Action        `json:"actions"`
	Files      []FileChange    `json:"job_files"`
	Waiting    []Action        `json:"waiting"`          // what is not done, because of Blocked or Frozen
	Digest     string          `json:"digest,omitempty"` // of the removals that wait for approval
	Blocked    []string        `json:"blocked"`          // why removals wait
	Frozen     string          `json:"frozen,omitempty"` // why nothing at all is changed
	Problems   []string        `json:"problems"`         // manifests that could not be read, with their place
	Conditions []api.Condition `json:"conditions"`

	Gates       map[uuid.UUID]string `json:"gates,omitempty"` // job → why crontopus-run decides by slot
	Change      scheduler.Change     `json:"-"`
	Next        Applied              `json:"-"`
	NextAdopted Adoptions            `json:"-"`
}

// Changes tells whether the native scheduler has to be written.
func (p *Plan) Changes() bool { return len(p.Actions) > 0 }

// Conditions of an instance.
const (
	Ready       = "Ready"
	Reconciling = "Reconciling"
	Stalled     = "Stalled"
	Drifted     = "Drifted"
	Suspended   = "Suspended"
)

// planner builds a plan.
type planner struct {
	in         Input
	plan       *Plan
	policies   []*manifest.Policy
	jobs       map[uuid.UUID]*candidate
	actual     map[Key]string
	entries    map[Key]string // what shall be there
	files      map[Key]*jobfile.Job
	conditions map[uuid.UUID][3]string
	foreign    map[string]scheduler.Foreign
	equal      wordings          // how many of these say the same
	claimed    map[string]string // foreign entries → the job that asks for them
	accepted   int               // jobs that count against the policy's limit
	invalid    int
}

// Make compares and decides.
func Make(in Input) *Plan {
	if in.Applied.Tenant != in.Tenant {
		// Another tenant's record: its entries are still ours to remove, its history isn't ours.
		in.Applied.Commit = ""
	}
	if in.Parse == nil {
		in.Parse = manifest.Parse
	}
	if in.Encode == nil {
		in.Encode = (*jobfile.Job).Encode
	}
	many := len(in.Snapshot.Files) // so that maps need not grow
	p := &planner{in: in, actual: make(map[Key]string, len(in.Actual)), entries: make(map[Key]string, many), files: make(map[Key]*jobfile.Job, many),
		jobs: make(map[uuid.UUID]*candidate, many), conditions: make(map[uuid.UUID][3]string, many), foreign: map[string]scheduler.Foreign{}, equal: count(in.Foreign), claimed: map[string]string{},
		plan: &Plan{Commit: in.Snapshot.Commit, Actions: []Action{}, Files: []FileChange{}, Waiting: []Action{}, Blocked: []string{},
			Problems: []string{}, Gates: map[uuid.UUID]string{}, NextAdopted: in.Adopted.clone(),
			Next: Applied{Tenant: in.Tenant, Commit: in.Snapshot.Commit, Entries: make(map[uuid.UUID]AppliedEntry, many)}}}
	for _, e := range in.Actual {
		p.actual[Key{p.own(e.User), e.JobID}] = e.Body
	}
	for _, f := range in.Foreign {
		p.foreign[f.ID] = f
	}
	p.readPolicies()
	p.gather()
	for _, c := range p.wanted() {
		p.desired(c)
	}
	p.prune()
	p.undo()
	p.settleFiles()
	p.finish()
	return p.plan
}

// own is the name an entry's user has in keys.
func (p *planner) own(user string) string {
	if user == p.in.User {
		return ""
	}
	return user
}

func (p *planner) wanted() []*candidate {
	var out []*candidate
	for _, c := range p.jobs {
		if c.want {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *candidate) int { return bytes.Compare(a.id[:], b.id[:]) })
	return out
}

func (p *planner) condition(id uuid.UUID, typ, reason, message string) {
	p.conditions[id] = [3]string{typ, reason, message}
}

const maxMessage = 2000

func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "…"
}

// finish puts the plan together, or takes it back where nothing may be changed.
func (p *planner) finish() {
	if !p.in.Trusted {
		p.plan.Next.Commit = p.in.Applied.Commit
	}
	p.remember()
	p.freeze()
	p.plan.Change.Want = make([]scheduler.Entry, 0, len(p.entries))
	for key, body := range p.entries {
		p.plan.Change.Want = append(p.plan.Change.Want, scheduler.Entry{JobID: key.ID, User: key.User, Body: body})
	}
	slices.SortFunc(p.plan.Change.Want, func(a, b scheduler.Entry) int {
		return Key{a.User, a.JobID}.compare(Key{b.User, b.JobID})
	})
	p.plan.Conditions = make([]api.Condition, 0, len(p.conditions))
	for id, c := range p.conditions {
		p.plan.Conditions = append(p.plan.Conditions, api.Condition{JobID: id, InstanceID: instance(id, p.in.Endpoint),
			Type: c[0], Reason: c[1], Message: clip(c[2])})
	}
	slices.SortFunc(p.plan.Conditions, func(a, b api.Condition) int { return bytes.Compare(a.JobID[:], b.JobID[:]) })
}

const (
	// A report older than this is taken nowhere any more.
	formerLife = 35 * 24 * time.Hour
	maxFormer  = 10_000
)

// remember keeps who had the jobs that go.
func (p *planner) remember() {
	former := slices.DeleteFunc(slices.Clone(p.in.Applied.Former), func(f Former) bool { return p.in.Now.Sub(f.Until) > formerLife })
	for id, last := range p.in.Applied.Entries {
		if next, there := p.plan.Next.Entries[id]; !there || next.User != last.User {
			former = append(former, Former{JobID: id, User: last.User, Until: p.in.Now.UTC()})
		}
	}
	slices.SortFunc(former, func(a, b Former) int { return cmp.Or(a.Until.Compare(b.Until), bytes.Compare(a.JobID[:], b.JobID[:])) })
	p.plan.Next.Former = former[max(0, len(former)-maxFormer):]
}

// freeze takes every change back when the endpoint is on hold or its policy cannot be trusted.
func (p *planner) freeze() {
	reason, why := "", ""
	switch {
	case p.in.PolicyErr != nil:
		reason, why = "PolicyUnreadable", "the endpoint's policy cannot be used, so nothing is changed: "+p.in.PolicyErr.Error()
	case p.in.Orders.Hold != nil:
		reason, why = "Held", p.in.Orders.Hold.text()
	default:
		return
	}
	plan := p.plan
	plan.Frozen, plan.Waiting = why, append(plan.Actions, plan.Waiting...)
	plan.Actions, plan.Files, plan.Digest = []Action{}, []FileChange{}, ""
	plan.Change = scheduler.Change{}
	plan.Next, plan.NextAdopted = p.in.Applied, p.in.Adopted
	p.entries = p.actual
	for _, a := range plan.Waiting {
		p.condition(a.JobID, Reconciling, reason, why)
	}
	if p.in.PolicyErr == nil {
		return
	}
	for id, c := range p.conditions {
		if c[0] != Suspended {
			p.condition(id, Stalled, reason, why)
		}
	}
}
