package reconcile

import (
	"fmt"
	"time"
)

const (
	healWindow = time.Hour
	maxHeals   = 5
)

// desired settles one job that shall run here.
func (p *planner) desired(c *candidate) {
	last, known := p.in.Applied.Entries[c.id]
	known = known && last.User == c.user // a job that changes its user begins anew
	actual, there := p.actual[c.key()]
	next := AppliedEntry{Address: c.address, Path: c.path, User: c.user, Body: c.entry, Policy: c.policy, Heals: recent(last.Heals, p.in.Now)}
	keep, drifted := c.entry, false
	if !c.stalled {
		p.ready(c)
	}
	// What is adopted goes in this very write, so that ours must be there whatever was done to it.
	if known && actual != last.Body && actual != c.entry && len(c.adopts) == 0 {
		drifted = true
		keep = p.drift(c, &next, last, actual, there)
	}
	p.plan.Next.Entries[c.id] = next
	if keep != "" {
		p.entries[c.key()] = keep
	}
	if c.file != nil {
		p.files[c.key()] = c.file
	}
	p.act(c, known, actual, there, keep, drifted)
	p.adopt(c)
}

func (p *planner) ready(c *candidate) {
	reason := "Applied"
	if c.warning != "" {
		reason = "AppliedWithWarning"
	}
	p.condition(c.id, Ready, reason, c.warning)
}

// drift handles an entry that was changed by hand since it was applied, and returns what shall be there.
func (p *planner) drift(c *candidate, next *AppliedEntry, last AppliedEntry, actual string, there bool) string {
	what := "the entry was removed by hand"
	if there {
		what = "the entry was changed by hand"
	}
	diff := fmt.Sprintf("%s\n-%s\n+%s", what, last.Body, actual)
	tell := func(reason, message string) {
		if !c.stalled {
			p.condition(c.id, Drifted, reason, message)
		}
	}
	leave := func(reason, message string) string {
		next.Body = last.Body // still drift the next time
		tell(reason, message)
		return actual
	}
	switch {
	case p.in.ReportOnly:
		return leave("HandEdited", diff)
	case len(next.Heals) >= maxHeals:
		return leave("Contention", fmt.Sprintf("corrected %d times within an hour and changed again; left alone. %s", maxHeals, diff))
	}
	next.Heals = append(next.Heals, p.in.Now.UTC())
	tell("Healed", diff)
	return c.entry
}

func (p *planner) act(c *candidate, known bool, actual string, there bool, keep string, drifted bool) {
	if keep == actual && there == (keep != "") {
		return
	}
	a := Action{Verb: Update, JobID: c.id, Address: c.address, User: c.user, Before: actual, After: keep}
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
