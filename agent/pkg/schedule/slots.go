package schedule

import (
	"time"
)

// Slots are the instants at which a job's whole schedule expects runs: the union of its expressions.
type Slots struct{ rules []rule }

type rule interface {
	// after is the first slot later than t, atOrBefore the last one not later; false where there is none.
	after(t time.Time) (time.Time, bool)
	atOrBefore(t time.Time) (time.Time, bool)
}

// NewSlots reads cron expressions, aliases and `every N` meant in a zone. The error is an *Error.
func NewSlots(expressions []string, timezone string) (*Slots, error) {
	zone, err := LoadZone(timezone)
	if err != nil {
		return nil, err
	}
	if len(expressions) == 0 {
		return nil, fail(Empty, "e.g. `0 2 * * *`", "a schedule needs at least one expression")
	}
	if len(expressions) > MaxExpressions {
		return nil, fail(TooLong, "", "a schedule has at most %d expressions", MaxExpressions)
	}
	parsed := make([]Schedule, len(expressions))
	for i, text := range expressions {
		if parsed[i], err = Parse(text); err != nil {
			if known, ok := err.(*Error); ok {
				known.Index = i
			}
			return nil, err
		}
	}
	return SlotsOf(parsed, zone), nil
}

// SlotsOf is NewSlots for what has been read already.
func SlotsOf(schedules []Schedule, zone *time.Location) *Slots {
	s := &Slots{}
	clock := newClock(zone)
	for _, one := range schedules {
		if one.Every > 0 {
			s.rules = append(s.rules, everyRule{interval: one.Every, anchor: time.Unix(0, 0)})
		} else {
			s.rules = append(s.rules, &cronRule{clock: clock, wall: newWallClock(one.cron)})
		}
	}
	return s
}

// Anchored is the reading of ping mode: `every N` counts from last, the last accepted run; cron is unchanged.
func (s *Slots) Anchored(last time.Time) *Slots {
	out := &Slots{rules: make([]rule, len(s.rules))}
	for i, r := range s.rules {
		if every, ok := r.(everyRule); ok {
			r = everyRule{interval: every.interval, anchor: last, afterAnchorOnly: true}
		}
		out.rules[i] = r
	}
	return out
}

// After is the first slot later than t, in UTC; false where there is none within 50 years.
func (s *Slots) After(t time.Time) (time.Time, bool) {
	var first time.Time
	found := false
	for _, r := range s.rules {
		if slot, ok := r.after(t); ok && (!found || slot.Before(first)) {
			first, found = slot, true
		}
	}
	return first, found
}

// AtOrBefore is the last slot not later than t, in UTC; false where there is none within 50 years.
func (s *Slots) AtOrBefore(t time.Time) (time.Time, bool) {
	var last time.Time
	found := false
	for _, r := range s.rules {
		if slot, ok := r.atOrBefore(t); ok && (!found || slot.After(last)) {
			last, found = slot, true
		}
	}
	return last, found
}

// everyRule is multiples of an interval since the anchor, whatever wall clocks do.
type everyRule struct {
	interval        time.Duration
	anchor          time.Time
	afterAnchorOnly bool // the anchor itself is no slot, nor is anything before it
}

// count is how many whole intervals lie between anchor and t, rounded down. In microseconds, because a
// Duration ends after 292 years.
func (r everyRule) count(t time.Time) int64 {
	return floorDiv(t.UnixMicro()-r.anchor.UnixMicro(), r.interval.Microseconds())
}

func (r everyRule) slot(count int64) (time.Time, bool) {
	slot := time.UnixMicro(r.anchor.UnixMicro() + count*r.interval.Microseconds()).UTC()
	return slot, slot.Year() >= 1 && slot.Year() <= lastYear
}

func (r everyRule) after(t time.Time) (time.Time, bool) {
	count := r.count(t) + 1
	if r.afterAnchorOnly {
		count = max(count, 1)
	}
	return r.slot(count)
}

func (r everyRule) atOrBefore(t time.Time) (time.Time, bool) {
	count := r.count(t)
	if r.afterAnchorOnly && count < 1 {
		return time.Time{}, false
	}
	return r.slot(count)
}
