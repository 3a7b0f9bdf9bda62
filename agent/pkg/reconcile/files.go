package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/jobfile"
)

// settleFiles says which job files are written and which go.
func (p *planner) settleFiles() {
	for key, job := range p.files {
		old, there := p.in.Files[key]
		data, err := p.in.Encode(job)
		if err != nil {
			p.problem(fmt.Errorf("job %s/%s: %w", job.Namespace, job.Name, err))
			continue
		}
		data = keepCommit(old, data)
		if !there || !bytes.Equal(old, data) {
			p.plan.Files = append(p.plan.Files, FileChange{User: key.User, JobID: key.ID, Address: job.Namespace + "/" + job.Name, Data: data})
		}
	}
	for key := range p.in.Files {
		last, recorded := p.plan.Next.Entries[key.ID]
		if _, held := p.entries[key]; held || recorded && last.User == key.User {
			continue
		}
		p.plan.Files = append(p.plan.Files, FileChange{User: key.User, JobID: key.ID, Address: p.in.Applied.Entries[key.ID].Address, Removed: true})
	}
	slices.SortFunc(p.plan.Files, func(a, b FileChange) int { return Key{a.User, a.JobID}.compare(Key{b.User, b.JobID}) })
}

// Before and after the commit in a job file. No text of a user's can look like the line that they make: in JSON a line
// break is escaped, and what is nested is indented deeper.
var (
	beforeCommit = []byte("\n  \"commit\": \"")
	afterCommit  = []byte("\",\n")
)

// aroundCommit is a job file without the commit it says it is of; it has nothing to say where there is none, or
// where something else stands in its place.
func aroundCommit(data []byte) (before, after []byte, ok bool) {
	before, rest, found := bytes.Cut(data, beforeCommit)
	commit, after, ended := bytes.Cut(rest, afterCommit)
	return before, after, found && ended && len(bytes.Trim(commit, "0123456789abcdef")) == 0
}

// keepCommit is the fresh file, or the old one where all that a commit changed in it is the commit.
func keepCommit(old, fresh []byte) []byte {
	oldBefore, oldAfter, was := aroundCommit(old)
	before, after, is := aroundCommit(fresh)
	if was && is && bytes.Equal(oldBefore, before) && bytes.Equal(oldAfter, after) {
		return old
	}
	return fresh
}

// changeFiles writes or removes the job files of a plan, one area at a time.
func (a Areas) changeFiles(changes []FileChange, removed bool) error {
	byUser := map[string][]FileChange{}
	for _, c := range changes {
		if c.Removed == removed {
			byUser[c.User] = append(byUser[c.User], c)
		}
	}
	var all error
	for name, list := range byUser {
		files, err := a.open(name, removed)
		if err != nil {
			all = errors.Join(all, err)
			continue
		}
		for _, c := range list {
			path := filepath.Join(jobfile.Dir, c.JobID.String()+".json")
			if removed {
				err = files.Remove(path)
			} else {
				err = files.Write(path, c.Data)
			}
			if err != nil {
				all = errors.Join(all, fmt.Errorf("job %s: %w", c.Address, err))
			}
		}
		all = errors.Join(all, files.Close())
	}
	return all
}

// open finds the area also of a user who was removed from the machine, when there is something to remove.
func (a Areas) open(name string, existing bool) (*area.Files, error) {
	if !existing {
		return a.of(name)
	}
	areas, bad := a.List()
	for _, place := range areas {
		if a.key(place.User) == name {
			return place.Open()
		}
	}
	return nil, errors.Join(fmt.Errorf("the place of %s's jobs cannot be used", name), bad)
}
