package reconcile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

const (
	// AdoptsAnnotation names the foreign entries that a job takes the place of: ids, separated by commas.
	AdoptsAnnotation = "crontopus.dev/adopts"
	// EndpointAnnotation names the endpoint on which they were found.
	EndpointAnnotation = "crontopus.dev/endpoint"

	adoptedFile = "adopted.json"
	maxAdopted  = 5000
)

// Adoptions is what was taken over on this machine, kept so that it can come back.
type Adoptions struct {
	Entries map[string]Adoption `json:"entries"` // by the id of the foreign entry
}

// Adoption is one entry that was somebody else's. A record without a deed is harmless: it is written first.
type Adoption struct {
	Foreign scheduler.Foreign `json:"foreign"`
	JobID   uuid.UUID         `json:"job_id"`
	Address string            `json:"job"`
	At      time.Time         `json:"at"`
	Undone  bool              `json:"undone,omitempty"`
}

func (a Adoptions) clone() Adoptions {
	if a.Entries == nil {
		return Adoptions{Entries: map[string]Adoption{}}
	}
	return Adoptions{Entries: maps.Clone(a.Entries)}
}

// LoadAdopted reads what was adopted; empty when nothing was.
func LoadAdopted(dir *statedir.Dir) (Adoptions, error) {
	var a Adoptions
	err := dir.ReadJSON(adoptedFile, &a)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	return a.clone(), nil
}

// adopts lists the ids that a job asks to take the place of.
func adopts(job *manifest.Job) []string {
	ids := strings.FieldsFunc(job.Annotations[AdoptsAnnotation], func(c rune) bool { return c == ',' || c == ' ' || c == '\n' })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// undone tells whether somebody on this machine took a job's adoption back.
func (p *planner) undone(c *candidate) bool {
	return slices.ContainsFunc(c.adopts, func(id string) bool {
		record, there := p.in.Adopted.Entries[id]
		if !there || record.JobID != c.id || p.in.Orders.Redo[id] {
			return false
		}
		return record.Undone || p.ordered(c.id)
	})
}

// ordered tells whether the undoing of any of a job's adoptions was asked for: they go together.
func (p *planner) ordered(job uuid.UUID) bool {
	for id := range p.in.Orders.Undo {
		if record, there := p.in.Adopted.Entries[id]; there && record.JobID == job {
			return true
		}
	}
	return false
}

// resolveAdoption leaves in c.adopts what is there to be adopted.
func (p *planner) resolveAdoption(c *candidate, job *manifest.Job) {
	asked, found := c.adopts, []string(nil)
	for _, id := range asked {
		f, here := p.foreign[id]
		record, known := p.in.Adopted.Entries[id]
		_, ours := p.actual[c.key()]
		switch {
		case known && record.JobID != c.id && !record.Undone:
			p.stall(c, "CannotAdopt", fmt.Sprintf("the entry %s was adopted by %s", id, record.Address))
			return
		case p.claimed[id] != "":
			p.stall(c, "CannotAdopt", fmt.Sprintf("the entry %s is asked for by %s as well", id, p.claimed[id]))
			return
		case here && p.replaced(id, c):
			continue
		case here && f.Fixed != "":
			p.stall(c, "CannotAdopt", fmt.Sprintf("the entry at %s %s can only be looked at: %s", f.Source, f.Place, f.Fixed))
			return
		case here && p.own(f.User) != c.user:
			p.stall(c, "CannotAdopt", fmt.Sprintf("the entry at %s %s runs as %s; give the job `user: %s`", f.Source, f.Place, f.User, f.User))
			return
		case here:
			found = append(found, id)
		case !known && !ours && job.Annotations[EndpointAnnotation] == p.in.Endpoint.String():
			p.stall(c, "AdoptionNotFound", fmt.Sprintf("the entry %s that this job replaces is not here as it was found: it was changed or removed. "+
				"Adopt what is found now, or remove the annotation %s", id, AdoptsAnnotation))
			return
		}
	}
	for _, id := range asked {
		p.claimed[id] = c.address
	}
	c.adopts = found
}

// adopt lets the foreign entries go in the write in which the job's own comes.
func (p *planner) adopt(c *candidate) {
	for _, id := range c.adopts {
		f := p.foreign[id]
		p.plan.NextAdopted.Entries[id] = Adoption{Foreign: f, JobID: c.id, Address: c.address, At: p.in.Now.UTC()}
		p.plan.Change.Adopt = append(p.plan.Change.Adopt, f)
		p.plan.Actions = append(p.plan.Actions, Action{Verb: Adopt, JobID: c.id, Address: c.address, User: c.user,
			Reason: strings.TrimSpace(f.Source + " " + f.Place), Before: f.Text, After: p.entries[c.key()]})
	}
}

// undo brings adopted entries back, in the write in which the job's own goes.
func (p *planner) undo() {
	for _, id := range slices.Sorted(maps.Keys(p.in.Adopted.Entries)) {
		record := p.in.Adopted.Entries[id]
		ordered := p.ordered(record.JobID)
		if p.in.Orders.Redo[id] {
			record.Undone = false
			p.plan.NextAdopted.Entries[id] = p.taken(id, record)
			continue
		}
		if !ordered && !record.Undone {
			continue
		}
		record.Undone = true
		p.plan.NextAdopted.Entries[id] = record
		f := record.Foreign
		f.Spot.Equal = p.due(f)
		back := p.equal[wordingOf(f)] >= f.Spot.Equal
		// Without an order only what a round that was cut short has left to do: later, it may be gone by intent.
		if back || !ordered && !p.owns(record.JobID) {
			continue
		}
		p.plan.Change.Restore = append(p.plan.Change.Restore, f)
		p.plan.Actions = append(p.plan.Actions, Action{Verb: Restore, JobID: record.JobID, Address: record.Address, User: p.own(record.Foreign.User),
			Reason: "its adoption is undone", After: record.Foreign.Text})
	}
	p.plan.NextAdopted.bound()
}

// taken prefers the record that this plan made already.
func (p *planner) taken(id string, record Adoption) Adoption {
	if made := p.plan.NextAdopted.Entries[id]; made.At.After(record.At) {
		return made
	}
	return record
}

func (p *planner) owns(job uuid.UUID) bool {
	for key := range p.actual {
		if key.ID == job {
			return true
		}
	}
	return false
}

// bound forgets the oldest.
func (a Adoptions) bound() {
	for len(a.Entries) > maxAdopted {
		oldest := ""
		for id, r := range a.Entries {
			if oldest == "" || r.At.Before(a.Entries[oldest].At) {
				oldest = id
			}
		}
		delete(a.Entries, oldest)
	}
}
