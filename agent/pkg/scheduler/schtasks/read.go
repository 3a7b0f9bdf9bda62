package schtasks

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/command"
)

// list is every task that this account may see. There always are some, if only Microsoft's: an answer without
// any is a failure that was not said to be one.
func (s *Scheduler) list(ctx context.Context) ([]task, error) {
	out, err := command.Run(ctx, s.o.Command, "/query", "/xml", "ONE")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", scheduler.ErrUnavailable, err)
	}
	text, err := decode(out)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", scheduler.ErrUnavailable, err)
	}
	tasks, err := parseTasks(text)
	if err != nil {
		return nil, fmt.Errorf("%w: what `schtasks /query` printed is %w", scheduler.ErrUnavailable, err)
	}
	if len(tasks) == 0 {
		return nil, fmt.Errorf("%w: `schtasks /query` showed no task at all, not even one of Windows", scheduler.ErrUnavailable)
	}
	slices.SortFunc(tasks, func(a, b task) int { return strings.Compare(strings.ToLower(a.path), strings.ToLower(b.path)) })
	return tasks, nil
}

var markerRE = regexp.MustCompile(`(?:^|\s)crontopus:([0-9a-f-]{36}):([^:\s]*)(?::(\S+))?$`)

// owned tells whether a task is this installation's: by its folder and its marker.
func (s *Scheduler) owned(t task) (job uuid.UUID, user string, ours bool) {
	if !within(t.path, s.folder()) {
		return uuid.Nil, "", false
	}
	m := markerRE.FindStringSubmatch(t.root.get("RegistrationInfo", "Description"))
	if m == nil || m[1] != s.o.Installation.String() {
		return uuid.Nil, "", false
	}
	id, err := uuid.Parse(m[2])
	if err != nil || !samePath(t.path, s.path(id)) {
		return uuid.Nil, "", true
	}
	return id, m[3], true
}

// Paths of tasks have no case.
func samePath(a, b string) bool { return strings.EqualFold(a, b) }

func within(path, folder string) bool {
	return len(path) > len(folder) && strings.EqualFold(path[:len(folder)], folder)
}

// Read returns the owned entries.
func (s *Scheduler) Read(ctx context.Context) (scheduler.Snapshot, error) {
	tasks, err := s.list(ctx)
	if err != nil {
		return scheduler.Snapshot{}, err
	}
	return scheduler.Snapshot{Entries: s.entries(tasks), Token: s.token(tasks)}, nil
}

func (s *Scheduler) entries(tasks []task) []scheduler.Entry {
	var out []scheduler.Entry
	unreadable := -1
	for _, t := range tasks {
		job, user, ours := s.owned(t)
		if !ours {
			continue
		}
		body := s.canonical(t)
		if job == uuid.Nil && unreadable >= 0 {
			out[unreadable].Body += body
			continue
		}
		if job == uuid.Nil {
			unreadable = len(out)
		}
		out = append(out, scheduler.Entry{JobID: job, User: user, Body: body})
	}
	return out
}

func (s *Scheduler) canonical(t task) string { return canonical(t.root, t.path, s.o.SID).String() }

// token covers our own tasks: others are objects of their own that a write of ours cannot spoil, and what is
// adopted is compared by itself.
func (s *Scheduler) token(tasks []task) string {
	var parts []string
	for _, t := range tasks {
		if _, _, ours := s.owned(t); ours {
			parts = append(parts, t.path, t.raw)
		}
	}
	return command.Digest(parts...)
}
