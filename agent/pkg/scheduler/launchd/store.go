package launchd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/command"
	"crontopus.dev/agent/pkg/statedir"
)

const maxPlist = 1 << 20

// held is one of our jobs as it is: its file and what launchd has loaded.
type held struct {
	label   string
	text    string // of the file; empty: there is none
	loaded  bool
	running bool
}

// What a body ends in when launchd and the file disagree: that is a change by hand, too.
const (
	notLoaded = "<!-- not loaded into launchd -->\n"
	noFile    = "<!-- loaded into launchd without a file -->\n"
)

func (h held) body() string {
	switch {
	case h.text == "":
		return noFile
	case !h.loaded:
		return h.text + notLoaded
	}
	return h.text
}

// list looks at files and at launchd. Whatever cannot be read is an error.
func (s *Scheduler) list(ctx context.Context) (map[string]held, error) {
	all := map[string]held{}
	files, err := os.ReadDir(s.o.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", scheduler.ErrUnavailable, err)
	}
	for _, f := range files {
		label, isPlist := strings.CutSuffix(f.Name(), ".plist")
		if !isPlist || !strings.HasPrefix(label, s.stem()) {
			continue
		}
		if !f.Type().IsRegular() {
			return nil, fmt.Errorf("%w: %s is not a regular file", scheduler.ErrUnavailable, s.file(label))
		}
		data, err := statedir.ReadFile(s.file(label), maxPlist)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", scheduler.ErrUnavailable, err)
		}
		all[label] = held{label: label, text: string(data)}
	}
	return all, s.loaded(ctx, all)
}

// loaded adds what `launchctl list` knows: a line of PID or -, last exit code, label for each job.
func (s *Scheduler) loaded(ctx context.Context, all map[string]held) error {
	out, err := command.Run(ctx, s.o.Command, "list")
	if err != nil {
		return fmt.Errorf("%w: %w", scheduler.ErrUnavailable, err)
	}
	first, rest, _ := strings.Cut(string(out), "\n")
	if !slices.Equal(strings.Fields(first), []string{"PID", "Status", "Label"}) {
		return fmt.Errorf("%w: `launchctl list` printed no list", scheduler.ErrUnavailable)
	}
	for line := range strings.Lines(rest) {
		words := strings.Fields(line)
		if len(words) < 3 || !strings.HasPrefix(words[2], s.stem()) {
			continue
		}
		h := all[words[2]]
		h.label, h.loaded, h.running = words[2], true, words[0] != "-"
		all[words[2]] = h
	}
	return nil
}

// Read returns the owned entries.
func (s *Scheduler) Read(ctx context.Context) (scheduler.Snapshot, error) {
	all, err := s.list(ctx)
	if err != nil {
		return scheduler.Snapshot{}, err
	}
	return scheduler.Snapshot{Entries: s.entries(all), Token: token(all)}, nil
}

func (s *Scheduler) entries(all map[string]held) []scheduler.Entry {
	var out []scheduler.Entry
	unreadable := -1
	for _, label := range sorted(all) {
		id, err := uuid.Parse(strings.TrimPrefix(label, s.stem()))
		if err != nil || s.label(id) != label {
			id = uuid.Nil
		}
		body := all[label].body()
		switch {
		case id == uuid.Nil && unreadable >= 0:
			out[unreadable].Body += body
			continue
		case id == uuid.Nil:
			unreadable = len(out)
		}
		out = append(out, scheduler.Entry{JobID: id, User: userOf(body), Body: body})
	}
	return out
}

func userOf(body string) string {
	d, err := parse([]byte(body))
	if err != nil {
		return ""
	}
	user, _ := d.get("UserName").(string)
	return user
}

func sorted(all map[string]held) []string {
	labels := make([]string, 0, len(all))
	for label := range all {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	return labels
}

func token(all map[string]held) string {
	var parts []string
	for _, label := range sorted(all) {
		parts = append(parts, label, all[label].body())
	}
	return command.Digest(parts...)
}

var (
	errWrite = errors.New("changing launchd's jobs failed")
	// ErrRunning means that jobs were left as they are because they run just now: to load a property list anew,
	// launchd ends the job. All else was done; the next round does the rest.
	ErrRunning = errors.New("a job is running and its entry is changed when it has ended")
)

// Write makes, replaces and removes property lists, looks whether launchd has them, and takes all of it back
// where it does not. launchd has no transaction: an agent that is killed meanwhile leaves files that are whole each.
func (s *Scheduler) Write(ctx context.Context, from scheduler.Snapshot, change scheduler.Change) error {
	if len(change.Adopt)+len(change.Restore) > 0 {
		return fmt.Errorf("adopting jobs of launchd: %w", scheduler.ErrUnsupported)
	}
	ctx = context.WithoutCancel(ctx)
	all, err := s.list(ctx)
	if err != nil {
		return err
	}
	if token(all) != from.Token {
		return scheduler.ErrConflict
	}
	want, err := s.wanted(change.Want)
	if err != nil {
		return err
	}
	todo, running := differing(all, want)
	if err := s.keep(all, todo); err != nil {
		return err
	}
	for i, label := range todo {
		if err := s.set(ctx, label, want[label], all[label].loaded); err != nil {
			return s.takeBack(ctx, all, todo[:i+1], err)
		}
	}
	if err := s.check(ctx, todo, want); err != nil {
		return s.takeBack(ctx, all, todo, err)
	}
	if running != "" {
		return fmt.Errorf("%w: %s", ErrRunning, running)
	}
	return nil
}

func (s *Scheduler) wanted(entries []scheduler.Entry) (map[string]string, error) {
	want := map[string]string{}
	for _, e := range entries {
		label := s.label(e.JobID)
		d, err := parse([]byte(e.Body))
		if _, twice := want[label]; err != nil || twice || e.JobID == uuid.Nil || d.get("Label") != label || userOf(e.Body) != e.User {
			return nil, fmt.Errorf("the property list of job %s does not carry this installation's label", e.JobID)
		}
		want[label] = e.Body
	}
	return want, nil
}

// differing lists what has to be set, new ones first, and tells what has to wait.
func differing(all map[string]held, want map[string]string) (todo []string, running string) {
	var gone []string
	for _, label := range sorted(all) {
		body, wanted := want[label]
		switch {
		case wanted && body == all[label].body():
		case all[label].running:
			running = label
		case wanted:
			todo = append(todo, label)
		default:
			gone = append(gone, label)
		}
	}
	for label := range want {
		if _, there := all[label]; !there {
			todo = append(todo, label)
		}
	}
	slices.Sort(todo)
	return append(todo, gone...), running
}

func (s *Scheduler) keep(all map[string]held, todo []string) error {
	var copies strings.Builder
	for _, label := range todo {
		if text := all[label].text; text != "" {
			fmt.Fprintf(&copies, "<!-- %s -->\n%s", s.file(label), text)
		}
	}
	if copies.Len() == 0 {
		return nil
	}
	return command.Keep(s.backups, "launchd", copies.String(), s.o.Now())
}

// set makes one job what text says; empty: removes it.
func (s *Scheduler) set(ctx context.Context, label, text string, loaded bool) error {
	file := s.file(label)
	if text != "" {
		if err := os.MkdirAll(s.o.Folder, 0o755); err != nil {
			return fmt.Errorf("folder of launchd's jobs: %w", err)
		}
		if err := statedir.WriteFile(file, []byte(text)); err != nil {
			return err
		}
	} else if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove: %w", err)
	}
	var problems error
	if loaded {
		// It may say that this is still in progress, or have ended it and complain: loading or looking tells.
		_, problems = command.Run(ctx, s.o.Command, "bootout", s.o.Domain+"/"+label)
	}
	if text != "" {
		_, err := command.Run(ctx, s.o.Command, "bootstrap", s.o.Domain, file)
		if err != nil {
			problems = errors.Join(problems, err)
		}
	}
	if problems == nil {
		return nil
	}
	if err := s.check(ctx, []string{label}, map[string]string{label: text}); err != nil {
		return errors.Join(problems, err)
	}
	return nil
}

func (s *Scheduler) check(ctx context.Context, labels []string, want map[string]string) error {
	if len(labels) == 0 {
		return nil
	}
	all, err := s.list(ctx)
	if err != nil {
		return err
	}
	for _, label := range labels {
		h, there := all[label]
		switch text := want[label]; {
		case text == "" && there:
			return fmt.Errorf("%s is still there", label)
		case text != "" && h.body() != text:
			return fmt.Errorf("%s is not as it was written, or not loaded", label)
		}
	}
	return nil
}

// takeBack undoes what was set, the last first.
func (s *Scheduler) takeBack(ctx context.Context, old map[string]held, done []string, cause error) error {
	problems := []error{errWrite, cause}
	now, err := s.list(ctx)
	if err != nil {
		return errors.Join(append(problems, err, fmt.Errorf("what was there is in %s", s.backups))...)
	}
	before := map[string]string{}
	for _, label := range slices.Backward(done) {
		before[label] = old[label].text
		if now[label].text == old[label].text && now[label].loaded == old[label].loaded {
			continue
		}
		if err := s.set(ctx, label, old[label].text, now[label].loaded); err != nil {
			problems = append(problems, err)
		}
	}
	if err := s.check(ctx, done, before); err != nil {
		return errors.Join(append(problems, fmt.Errorf("and not all is as it was; copies are in %s: %w", s.backups, err))...)
	}
	return errors.Join(append(problems, errors.New("everything is as it was"))...)
}

// Foreign lists the jobs of others that start by the clock. They are only looked at; a folder that cannot be read is
// told with the rest.
func (s *Scheduler) Foreign(context.Context) ([]scheduler.Foreign, error) {
	var out []scheduler.Foreign
	var problems error
	for _, folder := range s.o.Others {
		files, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = errors.Join(problems, fmt.Errorf("%w: %w", scheduler.ErrUnavailable, err))
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".plist") || strings.HasPrefix(f.Name(), prefix) || !f.Type().IsRegular() {
				continue
			}
			if found, ok := s.foreign(path.Join(folder, f.Name())); ok {
				out = append(out, found)
			}
		}
	}
	return out, problems
}
