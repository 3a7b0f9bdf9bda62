package schtasks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/command"
)

// operation is one task made, replaced or deleted.
type operation struct {
	path   string
	before string // the task's exact text; empty: there is none
	after  string // the text it is made from; empty: it is deleted
}

const declaration = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n"

var errWrite = errors.New("changing Task Scheduler's tasks failed")

// Write makes, replaces and deletes tasks, looks whether they are as they should be, and takes all of it back
// where one is not. Task Scheduler has no transaction: an agent that is killed meanwhile leaves tasks that are whole
// each, and the next round goes on from there.
func (s *Scheduler) Write(ctx context.Context, from scheduler.Snapshot, change scheduler.Change) error {
	ctx = context.WithoutCancel(ctx)
	tasks, err := s.list(ctx)
	if err != nil {
		return err
	}
	if s.token(tasks) != from.Token {
		return scheduler.ErrConflict
	}
	operations, err := s.operations(tasks, change)
	if err != nil || len(operations) == 0 {
		return err
	}
	var copies strings.Builder
	for _, op := range operations {
		if op.before != "" {
			fmt.Fprintf(&copies, "<!-- %s -->\n%s\n", op.path, op.before)
		}
	}
	if copies.Len() > 0 {
		if err := command.Keep(s.backups, "tasks", "<Tasks>\n"+copies.String()+"</Tasks>\n", s.o.Now()); err != nil {
			return err
		}
	}
	for i, op := range operations {
		if err := s.do(ctx, op); err != nil {
			return s.takeBack(ctx, operations[:i+1], err)
		}
	}
	if err := s.check(ctx, operations); err != nil {
		return s.takeBack(ctx, operations, err)
	}
	return nil
}

// operations are what has to be done: what is made before what is deleted, so that no job is without a task.
func (s *Scheduler) operations(tasks []task, change scheduler.Change) ([]operation, error) {
	made, err := s.wanted(tasks, change.Want)
	if err != nil {
		return nil, err
	}
	restored, err := s.restored(tasks, change.Restore)
	if err != nil {
		return nil, err
	}
	made = append(made, restored...)
	for _, t := range tasks {
		job, _, ours := s.owned(t)
		if ours && !slices.ContainsFunc(change.Want, func(e scheduler.Entry) bool { return e.JobID == job && samePath(t.path, s.path(job)) }) {
			made = append(made, operation{path: t.path, before: t.raw})
		}
	}
	for _, f := range change.Adopt {
		op, err := s.adopted(tasks, f)
		if err != nil {
			return nil, err
		}
		made = append(made, op)
	}
	return made, nil
}

func (s *Scheduler) wanted(tasks []task, want []scheduler.Entry) ([]operation, error) {
	var out []operation
	seen := map[string]bool{}
	for _, e := range want {
		path := s.path(e.JobID)
		if seen[path] {
			return nil, fmt.Errorf("job %s is wanted twice", e.JobID)
		}
		seen[path] = true
		parsed, err := parseTasks(e.Body)
		if err != nil || len(parsed) != 1 || parsed[0].root.get("RegistrationInfo", "Description") != explanation+s.marker(e.JobID, e.User) {
			return nil, fmt.Errorf("the task of job %s does not carry this installation's marker", e.JobID)
		}
		op := operation{path: path, after: e.Body}
		if held := find(tasks, path); held != nil {
			if _, _, ours := s.owned(*held); !ours {
				return nil, fmt.Errorf("there is a task %s that is not Crontopus's: rename or delete it", path)
			}
			if s.canonical(*held) == e.Body {
				continue
			}
			op.before = held.raw
		}
		out = append(out, op)
	}
	return out, nil
}

func (s *Scheduler) restored(tasks []task, list []scheduler.Foreign) ([]operation, error) {
	var out []operation
	for _, f := range list {
		held := find(tasks, f.Place)
		switch {
		case f.Source != source || !strings.HasPrefix(f.Place, `\`) || within(f.Place, root):
			return nil, fmt.Errorf("%s was not adopted from Task Scheduler", f.Place)
		case held == nil:
			out = append(out, operation{path: f.Place, after: f.Text})
		case s.canonical(*held) != s.canonicalText(f.Text, f.Place):
			return nil, fmt.Errorf("there is another task %s now; it is left as it is", f.Place)
		}
	}
	return out, nil
}

// adopted deletes a task of somebody else's, if it is the one that was looked at.
func (s *Scheduler) adopted(tasks []task, f scheduler.Foreign) (operation, error) {
	held := find(tasks, f.Place)
	if held == nil || f.Source != source || held.raw != f.Text {
		return operation{}, fmt.Errorf("%w: task %s is not as it was read", scheduler.ErrConflict, f.Place)
	}
	seen, ok := s.foreign(*held)
	if !ok || seen.Fixed != "" {
		return operation{}, fmt.Errorf("task %s cannot be adopted: %s", f.Place, seen.Fixed)
	}
	return operation{path: held.path, before: held.raw}, nil
}

func find(tasks []task, path string) *task {
	for i := range tasks {
		if samePath(tasks[i].path, path) {
			return &tasks[i]
		}
	}
	return nil
}

// do carries one operation out. schtasks may fail and have done it all the same: what stands there then counts.
func (s *Scheduler) do(ctx context.Context, op operation) error {
	err := s.order(ctx, op.path, op.after)
	if err == nil || s.check(ctx, []operation{op}) == nil {
		return nil
	}
	return err
}

func (s *Scheduler) order(ctx context.Context, path, text string) error {
	if text == "" {
		_, err := command.Run(ctx, s.o.Command, "/delete", "/tn", path, "/f")
		return err
	}
	f, err := os.CreateTemp(s.o.StateDir, "task-*.xml")
	if err != nil {
		return fmt.Errorf("write the task's XML: %w", err)
	}
	defer os.Remove(f.Name()) // what cannot be removed is a copy of a task, no secret
	_, err = f.Write(encode(declaration + text))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the task's XML: %w", err)
	}
	_, err = command.Run(ctx, s.o.Command, "/create", "/tn", path, "/xml", f.Name(), "/f")
	return err
}

// check reads everything back and compares what was touched.
func (s *Scheduler) check(ctx context.Context, operations []operation) error {
	tasks, err := s.list(ctx)
	if err != nil {
		return err
	}
	for _, op := range operations {
		held := find(tasks, op.path)
		switch {
		case op.after == "" && held != nil:
			return fmt.Errorf("task %s is still there", op.path)
		case op.after == "":
		case held == nil:
			return fmt.Errorf("task %s is not there", op.path)
		case s.canonical(*held) != s.canonicalText(op.after, op.path):
			return fmt.Errorf("task %s is not what was written", op.path)
		}
	}
	return nil
}

func (s *Scheduler) canonicalText(text, path string) string {
	parsed, err := parseTasks(text)
	if err != nil || len(parsed) != 1 {
		return ""
	}
	return canonical(parsed[0].root, path, s.o.SID).String()
}

// takeBack undoes operations, the last first.
func (s *Scheduler) takeBack(ctx context.Context, operations []operation, cause error) error {
	var undone []operation
	problems := []error{errWrite, cause}
	tasks, err := s.list(ctx)
	if err != nil {
		return errors.Join(append(problems, err, fmt.Errorf("what was there is in %s", s.backups))...)
	}
	for _, op := range slices.Backward(operations) {
		back := operation{path: op.path, before: op.after, after: op.before}
		undone = append(undone, back)
		held := find(tasks, op.path)
		if held == nil && back.after == "" || held != nil && held.raw == back.after {
			continue
		}
		if err := s.order(ctx, back.path, back.after); err != nil {
			problems = append(problems, err)
		}
	}
	if err := s.check(ctx, undone); err != nil {
		return errors.Join(append(problems, fmt.Errorf("and not all is as it was; copies are in %s: %w", s.backups, err))...)
	}
	return errors.Join(append(problems, errors.New("everything is as it was"))...)
}
