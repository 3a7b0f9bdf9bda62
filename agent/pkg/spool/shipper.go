package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
)

const (
	maxFile       = 8 << 20 // a run's file: two records, the output at most 1 MiB before base64
	maxBatch      = 500
	maxBatchBytes = 1 << 20
	orphanAge     = time.Minute
	// maxPerPass bounds what one user's spool may hold up the others with.
	maxPerPass = 20_000
)

// Send ships a batch and returns one result per record, in order.
type Send func(ctx context.Context, batch []Record) ([]Result, error)

// ErrRefused is wrapped by Send's error when the server will never take this batch as it is.
var ErrRefused = errors.New("the server refused the check-ins")

// Options of a Shipper. Areas, Send, Log and Now are needed.
type Options struct {
	// Areas are asked for at every pass. An error that comes with areas is logged, and these are shipped.
	Areas func() ([]area.Area, error)
	Send  Send
	Log   *slog.Logger
	Now   func() time.Time
	// Owns tells whether a job was given to the user of an area. A user can write into their spool what they like:
	// in system mode this keeps them from reporting runs of others' jobs. nil: every job is.
	Owns func(a area.Area, job uuid.UUID) bool
	// Budget is how many bytes the spool of an area may take; DefaultBudget where it is 0.
	Budget int64
}

// Shipper empties the spools of all areas. It is not safe for concurrent use.
type Shipper struct {
	Options
	places map[string]*place // by root
}

// NewShipper ships the one spool below root, the state directory of a user.
func NewShipper(root string, send Send, log *slog.Logger, now func() time.Time) (*Shipper, error) {
	own := area.Area{User: "the agent's user", UID: os.Getuid(), GID: os.Getgid(), Root: root}
	s := NewAreaShipper(Options{Areas: func() ([]area.Area, error) { return []area.Area{own}, nil }, Send: send, Log: log, Now: now})
	p, err := s.open(own)
	if err != nil {
		return nil, err
	}
	return s, p.files.Close()
}

// NewAreaShipper ships the spools of all users of a machine.
func NewAreaShipper(o Options) *Shipper {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	return &Shipper{Options: o, places: map[string]*place{}}
}

// item is a record on its way.
type item struct {
	place *place
	name  string // file of the run
	end   int64  // where the record ends in it
	line  []byte // as it was read
	rec   Record
	last  bool // the record ends its run: nothing that counts follows in its file
	spare int  // its slot in the reserve; -1 for one of a file
}

// Pending counts the runs whose records are not all with the server yet.
func Pending(root string) (int, error) {
	return PendingIn([]area.Area{{UID: os.Getuid(), GID: os.Getgid(), Root: root}})
}

// PendingIn is Pending for several areas.
func PendingIn(areas []area.Area) (int, error) {
	total := 0
	for _, a := range areas {
		files, err := a.Open()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return total, fmt.Errorf("spool: %w", err)
		}
		names, err := files.Names(Dir)
		if err = errors.Join(err, files.Close()); err != nil {
			return total, fmt.Errorf("spool: %w", err)
		}
		for _, name := range names {
			if _, ok := runOf(name); ok {
				total++
			}
		}
	}
	return total, nil
}

// Ship sends what is there and returns how many records the server answered for. A run still going
// keeps its file; its start is not sent twice while this Shipper lives.
func (s *Shipper) Ship(ctx context.Context) (int, error) {
	areas, err := s.Areas()
	if err != nil && len(areas) == 0 {
		return 0, fmt.Errorf("spool: %w", err)
	}
	if err != nil {
		s.Log.Warn("spools left out", "error", err)
	}
	b := batch{shipper: s, ctx: ctx}
	for _, a := range areas {
		p, err := s.open(a)
		if err != nil {
			s.Log.Warn("spool left out", "user", a.User, "error", err)
			continue
		}
		defer p.close(s.Log) // acknowledgements of the last batch still need it
		if err := p.each(b.add); err != nil {
			return b.answered, err
		}
	}
	return b.answered, b.flush()
}

// open prepares a pass over an area.
func (s *Shipper) open(a area.Area) (*place, error) {
	files, err := a.Open()
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	p := s.places[a.Root]
	if p == nil {
		p = &place{acked: map[string]int64{}}
		s.places[a.Root] = p
	}
	p.files, p.Options = files, &s.Options
	if err := p.prepare(); err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return p, nil
}

// batch collects records until there are enough for a request.
type batch struct {
	shipper  *Shipper
	ctx      context.Context // of the one pass that this serves
	items    []item
	bytes    int
	answered int
}

func (b *batch) add(it item) error {
	if len(b.items) > 0 && (len(b.items) == maxBatch || b.bytes+len(it.line) > maxBatchBytes) {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.items = append(b.items, it)
	b.bytes += len(it.line)
	return nil
}

func (b *batch) flush() error {
	if len(b.items) == 0 {
		return nil
	}
	if err := b.shipper.deliver(b.ctx, b.items); err != nil {
		return err
	}
	b.answered += len(b.items)
	b.items, b.bytes = nil, 0
	return nil
}

func (s *Shipper) deliver(ctx context.Context, items []item) error {
	records := make([]Record, len(items))
	for i, it := range items {
		records[i] = it.rec
	}
	results, err := s.Send(ctx, records)
	if errors.Is(err, ErrRefused) {
		return s.refused(ctx, items, err)
	}
	if err != nil {
		return err
	}
	if len(results) != len(items) {
		return fmt.Errorf("the server answered %d results for %d check-ins", len(results), len(items))
	}
	for i, res := range results {
		it := items[i]
		switch {
		case res.EventID != it.rec.EventID:
			return fmt.Errorf("the server answered for event %s where %s was sent", res.EventID, it.rec.EventID)
		case res.Status == StatusRejected:
			it.place.reject(it, res.Code, res.Message)
		case res.Status != StatusAccepted && res.Status != StatusDuplicate && res.Status != StatusJournaled:
			return fmt.Errorf("the server answered %q for a check-in", res.Status)
		}
		it.place.ack(it)
	}
	return nil
}

// refused finds the record that makes the server refuse a whole batch, so that it can't block the others.
func (s *Shipper) refused(ctx context.Context, items []item, err error) error {
	if len(items) == 1 {
		items[0].place.reject(items[0], "refused", err.Error())
		items[0].place.ack(items[0])
		return nil
	}
	half := len(items) / 2
	if err := s.deliver(ctx, items[:half]); err != nil {
		return err
	}
	return s.deliver(ctx, items[half:])
}
