package reconcile

import "crontopus.dev/agent/pkg/scheduler"

// wording is what an entry of others says, and where. Entries that say the same can only be counted: their ids are by
// their order, and move up when one of them goes.
type wording struct{ source, user, text string }

func wordingOf(f scheduler.Foreign) wording { return wording{f.Source, f.User, f.Text} }

type wordings map[wording]int

func count(list []scheduler.Foreign) wordings {
	out := wordings{}
	for _, f := range list {
		out[wordingOf(f)]++
	}
	return out
}

// due is how many entries that say the same as f shall be there: all that ever were at once, but those whose jobs stand
// for them.
func (a Adoptions) due(f scheduler.Foreign, stands func(id string, record Adoption) bool) int {
	all, taken := 1, 0
	for id, record := range a.Entries {
		if wordingOf(record.Foreign) != wordingOf(f) {
			continue
		}
		all = max(all, record.Foreign.Spot.Equal)
		if stands(id, record) {
			taken++
		}
	}
	return all - taken
}

// due is Adoptions.due after this plan.
func (p *planner) due(f scheduler.Foreign) int {
	return p.in.Adopted.due(f, func(id string, record Adoption) bool {
		return p.in.Orders.Redo[id] || !record.Undone && !p.ordered(record.JobID)
	})
}

// replaced tells whether a job stands for the entry with this id already. One with this id that is there all the same
// is another, which said the same.
func (p *planner) replaced(id string, job *candidate) bool {
	record, known := p.in.Adopted.Entries[id]
	return known && record.JobID == job.id && !record.Undone && p.equal[wordingOf(record.Foreign)] <= p.due(record.Foreign)
}
