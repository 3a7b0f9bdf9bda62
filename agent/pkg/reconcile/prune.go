package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/gitsource"
)

const (
	fuseFloor = 3
	fuseShare = 30 // percent
)

// prune removes what is no longer asked for, unless there is doubt about that.
func (p *planner) prune() {
	var sure, missing []Action
	for _, key := range p.keys() {
		c := p.jobs[key.ID]
		if c != nil && c.want && c.user == key.User {
			continue
		}
		a := Action{Verb: Remove, JobID: key.ID, Address: p.in.Applied.Entries[key.ID].Address, User: key.User, Before: p.actual[key]}
		switch {
		case key.ID == uuid.Nil:
			a.Reason = "it carries this installation's marker, but no readable job"
			sure = append(sure, a)
		case c != nil && c.want:
			a.Reason = "the job runs as another user now"
			sure = append(sure, a)
		case c != nil && c.suspended != "":
			a.Reason = c.suspended
			sure = append(sure, a)
		case c != nil:
			a.Reason = c.absent
			missing = append(missing, a)
		default:
			a.Reason = "no longer in the repository"
			missing = append(missing, a)
		}
	}
	p.plan.Actions = append(p.plan.Actions, sure...)
	p.plan.Blocked = p.doubts(missing)
	if len(p.plan.Blocked) == 0 {
		p.plan.Actions = append(p.plan.Actions, missing...)
		return
	}
	p.retain(missing)
}

// keys lists what is there, in a stable order.
func (p *planner) keys() []Key {
	out := make([]Key, 0, len(p.actual))
	for key := range p.actual {
		out = append(out, key)
	}
	slices.SortFunc(out, Key.compare)
	return out
}

// doubts are the reasons why nothing is removed this time.
func (p *planner) doubts(missing []Action) []string {
	out := []string{}
	if len(missing) == 0 {
		return out
	}
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
	for id, last := range p.in.Applied.Entries {
		if _, there := p.actual[Key{last.User, id}]; !there {
			owned++
		}
	}
	if limit := max(fuseFloor, owned*fuseShare/100); len(missing) > limit {
		p.plan.Digest = digest(missing)
		if p.plan.Digest != p.in.Orders.Confirm {
			out = append(out, fmt.Sprintf("%d of %d entries would be removed at once (limit %d); approve exactly this with: crontopus-agent confirm %s",
				len(missing), owned, limit, p.plan.Digest))
		} else {
			p.plan.Digest = "" // approved
		}
	}
	return out
}

// digest names a set of removals: what somebody approves is that set and no other.
func digest(removals []Action) string {
	sorted := slices.Clone(removals)
	slices.SortFunc(sorted, func(a, b Action) int { return Key{a.User, a.JobID}.compare(Key{b.User, b.JobID}) })
	h := sha256.New()
	for _, a := range sorted {
		fmt.Fprintf(h, "%s %q %q\n", a.JobID, a.User, a.Before)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// retain keeps entries that would be removed but for a doubt.
func (p *planner) retain(missing []Action) {
	why := "; kept: " + strings.Join(p.plan.Blocked, "; ")
	for _, a := range missing {
		p.entries[Key{a.User, a.JobID}] = a.Before
		if last, ok := p.in.Applied.Entries[a.JobID]; ok && last.User == a.User {
			p.plan.Next.Entries[a.JobID] = last
		}
		p.condition(a.JobID, Stalled, "RemovalWaits", a.Reason+why)
	}
	p.plan.Waiting = append(p.plan.Waiting, missing...)
}
