package reconcile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

const (
	appliedFile = "applied.json"
	maxTries    = 3
)

// Applier carries plans out on one machine.
type Applier struct {
	Dir       *statedir.Dir
	Areas     Areas
	Scheduler scheduler.Scheduler
	Users     string // the file that changes when users of the machine come and go; "" = /etc/passwd
	cache     cache
	quiet     quiet
}

// LoadApplied reads what was applied last; empty when nothing was.
func LoadApplied(dir *statedir.Dir) (Applied, error) {
	a := Applied{}
	err := dir.ReadJSON(appliedFile, &a)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	if a.Entries == nil {
		a.Entries = map[uuid.UUID]AppliedEntry{}
	}
	return a, nil
}

// AppliedAt is when the record of what was applied changed last; the zero time when there is none.
func AppliedAt(dir *statedir.Dir) time.Time { return changedAt(dir.Path(appliedFile)) }

func changedAt(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Plan completes in with what is on the machine and decides.
func (a *Applier) Plan(ctx context.Context, in Input) (*Plan, error) {
	plan, _, err := a.look(ctx, &in, false)
	return plan, err
}

// look finds out what is on the machine and plans; with again the last plan will do where it would be the same.
func (a *Applier) look(ctx context.Context, in *Input, again bool) (*Plan, scheduler.Snapshot, error) {
	var m Machine
	var snap scheduler.Snapshot
	var reading sync.WaitGroup // beside all that waits for the disk and for crontab
	reading.Go(func() { a.cache.warm(in.Snapshot.Files) })
	defer reading.Wait()
	orders, err := LoadOrders(a.Dir, in.Now)
	if err != nil {
		return nil, snap, err
	}
	if in.Orders.Confirm != "" {
		orders.Confirm = in.Orders.Confirm
	}
	in.Orders = orders
	if m.Applied, err = a.cache.loadApplied(a.Dir); err != nil {
		return nil, snap, err
	}
	if m.Adopted, err = LoadAdopted(a.Dir); err != nil {
		return nil, snap, err
	}
	a.cache.users = changedAt(cmp.Or(a.Users, "/etc/passwd"))
	if a.cache.files, m.Usable, err = a.Areas.read(a.cache.files); err != nil {
		return nil, snap, err
	}
	m.Files = a.cache.files.data()
	if snap, err = a.Scheduler.Read(ctx); err != nil {
		return nil, snap, err
	}
	if m.Foreign, err = a.foreign(ctx, *in, m.Adopted); err != nil {
		return nil, snap, err
	}
	m.Actual, m.Render, m.Parse = snap.Entries, a.Scheduler.Render, a.cache.parse
	m.Encode = a.cache.encode
	in.Machine = m
	if plan := a.still(*in, snap.Token); again && plan != nil {
		return plan, snap, nil
	}
	reading.Wait()
	plan := Make(*in)
	a.cache.sweep()
	return plan, snap, nil
}

// foreign looks at the entries of others only when one of them may have to go or come.
func (a *Applier) foreign(ctx context.Context, in Input, adopted Adoptions) ([]scheduler.Foreign, error) {
	asked := len(in.Orders.Undo)+len(in.Orders.Redo) > 0
	for _, f := range in.Snapshot.Files {
		asked = asked || bytes.Contains(f.Data, []byte(AdoptsAnnotation))
	}
	for _, record := range adopted.Entries {
		asked = asked || record.Undone
	}
	d, can := a.Scheduler.(scheduler.Discoverer)
	if !asked || !can {
		return nil, nil
	}
	return d.Foreign(ctx)
}

// Apply plans and carries the plan out; when somebody else edits the scheduler meanwhile it starts over.
func (a *Applier) Apply(ctx context.Context, in Input) (*Plan, error) {
	for try := 1; ; try++ {
		plan, snap, err := a.look(ctx, &in, true)
		if err != nil {
			return nil, err
		}
		if plan == a.quiet.plan {
			return plan, nil
		}
		err = a.carryOut(ctx, plan, snap, in)
		if a.quiet = (quiet{}); err == nil {
			a.keep(plan, in, snap.Token)
		}
		if !errors.Is(err, scheduler.ErrConflict) || try == maxTries {
			plan.failed(err)
			return plan, err
		}
	}
}

// carryOut writes job files before the entries that need them and drops them after the entries are gone; what
// is adopted is on record before it goes.
func (a *Applier) carryOut(ctx context.Context, plan *Plan, snap scheduler.Snapshot, in Input) error {
	if plan.Frozen != "" {
		return nil
	}
	if err := a.Areas.changeFiles(plan.Files, false); err != nil {
		return err
	}
	if !reflect.DeepEqual(plan.NextAdopted, in.Adopted) {
		if err := a.Dir.WriteJSON(adoptedFile, plan.NextAdopted); err != nil {
			return err
		}
	}
	if plan.Changes() {
		if err := a.Scheduler.Write(ctx, snap, plan.Change); err != nil {
			return err
		}
	}
	if err := a.saveApplied(in.Applied, plan.Next); err != nil {
		return err
	}
	done := in.Orders
	if plan.Digest != "" {
		done.Confirm = "" // given for something else, or not yet
	}
	return errors.Join(a.Areas.changeFiles(plan.Files, true), done.done(a.Dir))
}

// failed says of every job whose change was not made that it is on its way.
func (p *Plan) failed(err error) {
	if err == nil {
		return
	}
	changed := map[uuid.UUID]bool{}
	for _, a := range p.Actions {
		changed[a.JobID] = true
	}
	for i := range p.Conditions {
		if c := &p.Conditions[i]; changed[c.JobID] && c.Type == Ready {
			c.Type, c.Reason, c.Message = Reconciling, "WriteFailed", clip(fmt.Sprintf("not applied yet: %v", err))
		}
	}
}

// saveApplied writes only what changed: an idle agent leaves the disk alone.
func (a *Applier) saveApplied(last, next Applied) error {
	if last.Tenant == next.Tenant && last.Commit == next.Commit && len(last.Former) == len(next.Former) && maps.EqualFunc(last.Entries, next.Entries, sameApplied) {
		return nil
	}
	if err := a.Dir.WriteJSON(appliedFile, next); err != nil {
		return err
	}
	a.cache.wrote(a.Dir, next)
	return nil
}

func sameApplied(x, y AppliedEntry) bool {
	return x.Address == y.Address && x.Path == y.Path && x.User == y.User && x.Body == y.Body && x.Policy == y.Policy && slices.Equal(x.Heals, y.Heals)
}
