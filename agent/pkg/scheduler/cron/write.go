package cron

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"crontopus.dev/agent/pkg/scheduler"
)

// edit is one place on its way from what it holds to what it shall hold.
type edit struct {
	sight
	doc  document
	want []scheduler.Entry
	must string // lines of others that have to be there whatever happens
	next string
	adds bool // something comes that was not there
}

// Write replaces each place that changes once, having kept a copy, and reads it back.
func (c *Cron) Write(ctx context.Context, from scheduler.Snapshot, change scheduler.Change) error {
	// A write that has begun is finished even when the agent is told to stop.
	ctx = context.WithoutCancel(ctx)
	seen, err := c.look(ctx)
	if err != nil {
		return err
	}
	if token(seen) != from.Token {
		return scheduler.ErrConflict
	}
	w := writer{c: c}
	for _, s := range seen {
		w.add(s)
	}
	if err := w.prepare(ctx, change); err != nil {
		return err
	}
	return w.carryOut(ctx)
}

// writer collects the edits of one Write.
type writer struct {
	c     *Cron
	edits []*edit
}

func (w *writer) add(s sight) *edit {
	e := &edit{sight: s, doc: parse(s.text, w.c.installation)}
	w.edits = append(w.edits, e)
	return e
}

// at is the edit of a place, read now where it was not yet.
func (w *writer) at(ctx context.Context, p place) (*edit, error) {
	for _, e := range w.edits {
		if e.name() == p.name() {
			return e, nil
		}
	}
	text, err := w.c.readPlace(ctx, p)
	if err != nil {
		return nil, err
	}
	return w.add(sight{p, text}), nil
}

func (w *writer) prepare(ctx context.Context, change scheduler.Change) error {
	for _, e := range change.Want {
		if w.c.system && !validUser(e.User) || !w.c.system && e.User != "" {
			return fmt.Errorf("entry of job %s: %q is not whose entry it can be", e.JobID, e.User)
		}
		edit, err := w.at(ctx, w.c.placeOf(e.User))
		if err != nil {
			return err
		}
		edit.want = append(edit.want, e)
	}
	if err := w.adopt(ctx, change.Adopt); err != nil {
		return err
	}
	for _, e := range w.edits {
		e.must = e.doc.foreign()
	}
	if err := w.restore(ctx, change.Restore); err != nil {
		return err
	}
	for _, e := range w.edits {
		if err := e.finish(); err != nil {
			return err
		}
	}
	slices.SortStableFunc(w.edits, func(a, b *edit) int {
		switch {
		case a.adds == b.adds:
			return 0
		case a.adds:
			return -1
		}
		return 1
	})
	return nil
}

func (w *writer) adopt(ctx context.Context, list []scheduler.Foreign) error {
	byEdit := map[*edit][]scheduler.Foreign{}
	for _, f := range list {
		e, err := w.foreignEdit(ctx, f)
		if err != nil {
			return err
		}
		byEdit[e] = append(byEdit[e], f)
	}
	for e, list := range byEdit {
		if err := e.doc.adopt(e.source, list); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) restore(ctx context.Context, list []scheduler.Foreign) error {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b scheduler.Foreign) int { return a.Spot.Line - b.Spot.Line })
	for _, f := range list {
		e, err := w.foreignEdit(ctx, f)
		if err != nil {
			return err
		}
		if err := e.doc.restore(e.source, f); err != nil {
			return err
		}
		e.adds = true
	}
	return nil
}

// foreignEdit is the edit of the place that a foreign job is in.
func (w *writer) foreignEdit(ctx context.Context, f scheduler.Foreign) (*edit, error) {
	c := w.c
	unsupported := fmt.Errorf("%s of %s: %w", f.Place, f.Source, scheduler.ErrUnsupported)
	switch {
	case f.Source == "crontab" && !c.system && (f.User == c.me || f.User == ""):
		return w.at(ctx, c.placeOf(""))
	case f.Source == "crontab" && c.system && validUser(f.User):
		return w.at(ctx, c.userPlace(f.User))
	case c.system && filepath.IsAbs(f.Source) && filepath.Clean(f.Source) == f.Source &&
		(f.Source == c.systemFile() || filepath.Dir(f.Source) == c.dropInDir()):
		return w.at(ctx, c.filePlace(f.Source))
	}
	return nil, unsupported
}

func (e *edit) finish() error {
	next, err := e.doc.with(e.want, e.top)
	if err != nil {
		return err
	}
	e.next = next
	had := map[string]bool{}
	for _, old := range parse(e.text, e.doc.installation).entries("") {
		had[old.Body] = true
	}
	for _, want := range e.want {
		e.adds = e.adds || !had[want.Body]
	}
	return nil
}

// carryOut writes additions before removals: killed in between, an entry that moves is there twice for a while, and not
// nowhere. When a place fails, those before it go back.
func (w *writer) carryOut(ctx context.Context) error {
	var done []*edit
	for _, e := range w.edits {
		if e.next == e.text {
			continue
		}
		err := w.c.backups.keep(e.name(), e.text)
		if err == nil {
			err = w.c.replace(ctx, e.place, e.text, e.next, e.must)
		}
		if err != nil {
			return errors.Join(err, w.undo(ctx, done))
		}
		done = append(done, e)
	}
	return nil
}

func (w *writer) undo(ctx context.Context, done []*edit) error {
	var errs []error
	slices.Reverse(done)
	for _, e := range done {
		if err := w.c.replace(ctx, e.place, e.next, e.text, e.must); err != nil {
			errs = append(errs, fmt.Errorf("and %s could not be put back: %w", e.name(), err))
		}
	}
	return errors.Join(errs...)
}

var errWrite = errors.New("writing the crontab failed")

// replace writes next over old and makes sure of it; must are the lines of others that may not go missing.
func (c *Cron) replace(ctx context.Context, p place, old, next, must string) error {
	writeErr := p.write(ctx, next)
	now, _, err := p.read(ctx) // a text that looks like a failure is one that differs from what was meant
	if err != nil {
		return errors.Join(errWrite, writeErr, fmt.Errorf("and it cannot be read back: %w (a copy is in %s)", err, c.backups.dir))
	}
	switch {
	case now == next:
		// Whatever the command's exit code was, the crontab is the one we meant.
		return c.backups.remember(p.name(), next)
	case now == old:
		return errors.Join(errWrite, writeErr, errors.New("the crontab is unchanged"))
	case keepsForeign(must, now, c.installation):
		// Somebody saved between our write and this look; theirs stands and the next round sees it.
		return errors.Join(scheduler.ErrConflict, writeErr)
	}
	return c.putBack(ctx, p, old, now, writeErr)
}

// putBack writes the text from before again: lines that are not ours have gone missing.
func (c *Cron) putBack(ctx context.Context, p place, old, damaged string, cause error) error {
	if err := c.backups.keep(p.name(), damaged); err != nil {
		return errors.Join(errWrite, cause, err)
	}
	if err := p.write(ctx, old); err != nil {
		return errors.Join(errWrite, cause, fmt.Errorf("and restoring it failed too; the crontab from before is in %s: %w", c.backups.dir, err))
	}
	now, _, err := p.read(ctx)
	if err != nil || now != old {
		return errors.Join(errWrite, cause, err, fmt.Errorf("and it is not as it was; the crontab from before is in %s", c.backups.dir))
	}
	return errors.Join(errWrite, cause, errors.New("what was read back was not what was written; the crontab from before is restored"))
}
