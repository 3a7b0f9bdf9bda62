// Package reconcile decides what the machine's scheduler shall hold: a three-way comparison of what Git
// asks for, what is there, and what was applied last. Plan is pure; Applier carries it out.
package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/scheduler"
)

// Input is all that a plan depends on.
type Input struct {
	Tenant   uuid.UUID
	Endpoint uuid.UUID
	Labels   map[string]string
	Hostname string
	User     string // whom jobs run as

	Snapshot *gitsource.Snapshot
	// Trusted: the snapshot was fetched just now and its history continues ours. Otherwise it is the last
	// good one, and nothing is removed because of what it lacks.
	Trusted    bool
	Applied    Applied
	Actual     []scheduler.Entry
	Render     func(scheduler.Job) (scheduler.Entry, error)
	AllowPrune bool // somebody approved removals that the fuse holds back
	ReportOnly bool // drift is reported, not healed
	Now        time.Time
}

// Applied is what was applied last; it lives in the state directory.
type Applied struct {
	Tenant  uuid.UUID                  `json:"tenant_id"`
	Commit  string                     `json:"commit"`
	Entries map[uuid.UUID]AppliedEntry `json:"entries"`
}

// AppliedEntry is one job as it was applied.
type AppliedEntry struct {
	Address string      `json:"address"`
	Path    string      `json:"path"`
	Body    string      `json:"body"`
	Heals   []time.Time `json:"heals,omitempty"` // recent corrections of hand edits
}

// Verb is what happens to an entry.
type Verb string

// The verbs of a plan.
const (
	Add    Verb = "add"
	Update Verb = "update"
	Heal   Verb = "heal"
	Remove Verb = "remove"
)

// Action is one change of the native scheduler.
type Action struct {
	Verb    Verb      `json:"action"`
	JobID   uuid.UUID `json:"job_id"`
	Address string    `json:"job"`
	Reason  string    `json:"reason,omitempty"`
	Before  string    `json:"before,omitempty"`
	After   string    `json:"after,omitempty"`
}

// Plan is what to do.
type Plan struct {
	Commit     string                     `json:"commit"`
	Actions    []Action                   `json:"actions"`
	Blocked    []string                   `json:"blocked"`  // why removals wait
	Problems   []string                   `json:"problems"` // manifests that could not be read, with their place
	Conditions []api.Condition            `json:"conditions"`
	Entries    []scheduler.Entry          `json:"-"`
	JobFiles   map[uuid.UUID]*jobfile.Job `json:"-"`
	Next       Applied                    `json:"-"`
}

// Changes tells whether the native scheduler has to be written.
func (p *Plan) Changes() bool { return len(p.Actions) > 0 }

// Conditions of an instance.
const (
	Ready     = "Ready"
	Stalled   = "Stalled"
	Drifted   = "Drifted"
	Suspended = "Suspended"
)

const (
	fuseFloor  = 3
	fuseShare  = 30 // percent
	healWindow = time.Hour
	maxHeals   = 5
)

// planner builds a plan.
type planner struct {
	in      Input
	plan    *Plan
	jobs    map[uuid.UUID]*candidate
	actual  map[uuid.UUID]string
	entries map[uuid.UUID]string // what shall be there
	invalid int
}

// Make compares and decides.
func Make(in Input) *Plan {
	if in.Applied.Tenant != in.Tenant {
		// Another tenant's record: its entries are still ours to remove, its history isn't ours.
		in.Applied.Commit = ""
	}
	p := &planner{in: in, actual: map[uuid.UUID]string{}, entries: map[uuid.UUID]string{},
		plan: &Plan{Commit: in.Snapshot.Commit, JobFiles: map[uuid.UUID]*jobfile.Job{}, Conditions: []api.Condition{},
			Actions: []Action{}, Blocked: []string{}, Problems: []string{},
			Next: Applied{Tenant: in.Tenant, Commit: in.Snapshot.Commit, Entries: map[uuid.UUID]AppliedEntry{}}}}
	for _, e := range in.Actual {
		p.actual[e.JobID] = e.Body
	}
	p.gather()
	for _, id := range p.ids() {
		if c := p.jobs[id]; c != nil && c.want {
			p.desired(c)
		}
	}
	p.prune()
	p.finish()
	return p.plan
}

// ids lists every job there is anything to say about, in a stable order.
func (p *planner) ids() []uuid.UUID {
	seen := map[uuid.UUID]bool{}
	for id := range p.jobs {
		seen[id] = true
	}
	for id := range p.actual {
		seen[id] = true
	}
	for id := range p.in.Applied.Entries {
		seen[id] = true
	}
	out := make([]uuid.UUID, 0, len(seen))
	for id := range seen {
		out = append(out, id)
	}
	slices.SortFunc(out, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// desired settles one job that shall run here.
func (p *planner) desired(c *candidate) {
	last, known := p.in.Applied.Entries[c.id]
	actual, there := p.actual[c.id]
	next := AppliedEntry{Address: c.address, Path: c.path, Body: c.entry, Heals: recent(last.Heals, p.in.Now)}
	keep := c.entry
	condition := [3]string{Ready, "Applied", ""}
	if known && actual != last.Body && actual != c.entry {
		condition = p.drift(c, &next, last, actual, there, &keep)
	}
	p.plan.Next.Entries[c.id] = next
	if keep != "" {
		p.entries[c.id] = keep
	}
	if c.file != nil {
		p.plan.JobFiles[c.id] = c.file
	}
	p.act(c, last, known, actual, there, keep, condition[0] == Drifted)
	if c.stalled != nil {
		condition = *c.stalled
	}
	p.condition(c.id, condition)
}

// drift handles an entry that was changed by hand since it was applied.
func (p *planner) drift(c *candidate, next *AppliedEntry, last AppliedEntry, actual string, there bool, keep *string) [3]string {
	what := "the entry was removed by hand"
	if there {
		what = "the entry was changed by hand"
	}
	diff := fmt.Sprintf("%s\n-%s\n+%s", what, last.Body, actual)
	leave := func(reason, message string) [3]string {
		next.Body = last.Body // still drift the next time
		*keep = actual
		return [3]string{Drifted, reason, message}
	}
	switch {
	case p.in.ReportOnly:
		return leave("HandEdited", diff)
	case len(next.Heals) >= maxHeals:
		return leave("Contention", fmt.Sprintf("corrected %d times within an hour and changed again; left alone. %s", maxHeals, diff))
	}
	next.Heals = append(next.Heals, p.in.Now.UTC())
	return [3]string{Drifted, "Healed", diff}
}

func (p *planner) act(c *candidate, last AppliedEntry, known bool, actual string, there bool, keep string, drifted bool) {
	if keep == actual && there == (keep != "") {
		return
	}
	a := Action{Verb: Update, JobID: c.id, Address: c.address, Before: actual, After: keep}
	switch {
	case drifted:
		a.Verb, a.Reason = Heal, "changed by hand"
	case !there:
		a.Verb = Add
	case !known:
		a.Reason = "found with this installation's marker, but not on record"
	}
	p.plan.Actions = append(p.plan.Actions, a)
}

func recent(heals []time.Time, now time.Time) []time.Time {
	var out []time.Time
	for _, h := range heals {
		if age := now.Sub(h); age >= 0 && age < healWindow {
			out = append(out, h)
		}
	}
	return out
}

// prune removes what is no longer asked for, unless there is doubt about that.
func (p *planner) prune() {
	var explicit, missing []Action
	for _, id := range p.ids() {
		c := p.jobs[id]
		if c != nil && c.want {
			continue
		}
		actual, there := p.actual[id]
		last := p.in.Applied.Entries[id]
		a := Action{Verb: Remove, JobID: id, Address: last.Address, Before: actual}
		switch {
		case c != nil && there && c.suspended:
			a.Reason = "paused or disabled"
			explicit = append(explicit, a)
		case id == uuid.Nil:
			a.Reason = "it carries this installation's marker, but no readable job"
			explicit = append(explicit, a)
		case there:
			a.Reason = "no longer in the repository"
			if c != nil {
				a.Reason = c.absent
			}
			missing = append(missing, a)
		}
	}
	p.plan.Actions = append(p.plan.Actions, explicit...)
	p.plan.Blocked = append(p.plan.Blocked, p.doubts(len(missing))...)
	if len(p.plan.Blocked) == 0 {
		p.plan.Actions = append(p.plan.Actions, missing...)
		return
	}
	for _, a := range missing {
		p.retain(a)
	}
}

// doubts are the reasons why nothing is removed this time.
func (p *planner) doubts(removals int) []string {
	if removals == 0 {
		return nil
	}
	var out []string
	if !p.in.Trusted {
		out = append(out, "the repository could not be fetched")
	}
	if !p.marked() {
		out = append(out, "the repository has no "+gitsource.TenantFile)
	}
	if p.invalid > 0 {
		out = append(out, fmt.Sprintf("%d manifests cannot be read", p.invalid))
	}
	owned := len(p.actual)
	for id := range p.in.Applied.Entries {
		if _, there := p.actual[id]; !there {
			owned++
		}
	}
	limit := max(fuseFloor, owned*fuseShare/100)
	if removals > limit && !p.in.AllowPrune {
		out = append(out, fmt.Sprintf("%d of %d entries would be removed at once (limit %d); run `crontopus-agent apply --allow-removals` to approve",
			removals, owned, limit))
	}
	return out
}

// retain keeps an entry that would be removed but for a doubt.
func (p *planner) retain(a Action) {
	p.entries[a.JobID] = a.Before
	if last, ok := p.in.Applied.Entries[a.JobID]; ok {
		p.plan.Next.Entries[a.JobID] = last
	}
	p.condition(a.JobID, [3]string{Stalled, "RemovalWaits", a.Reason + "; kept: " + strings.Join(p.plan.Blocked, "; ")})
}

func (p *planner) condition(id uuid.UUID, c [3]string) {
	p.plan.Conditions = append(p.plan.Conditions, api.Condition{JobID: id, InstanceID: instance(id, p.in.Endpoint),
		Type: c[0], Reason: c[1], Message: clip(c[2])})
}

const maxMessage = 2000

func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "…"
}

func (p *planner) finish() {
	for id, body := range p.entries {
		p.plan.Entries = append(p.plan.Entries, scheduler.Entry{JobID: id, Body: body})
	}
	slices.SortFunc(p.plan.Entries, func(a, b scheduler.Entry) int { return strings.Compare(a.JobID.String(), b.JobID.String()) })
	if !p.in.Trusted {
		p.plan.Next.Commit = p.in.Applied.Commit
	}
}
