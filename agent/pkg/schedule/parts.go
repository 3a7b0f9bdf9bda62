package schedule

import (
	"math/bits"
	"time"
)

// Parts are the sets that a cron expression names, for schedulers that speak another language than cron.
type Parts struct {
	Minutes, Hours, Days, Months, Weekdays []int // sorted; Sunday is 0
	// EitherDay: a day needs to be in Days or in Weekdays, not in both.
	EitherDay bool
	// Follows the wall clock through its jumps, as the minute or hour field starts with `*`.
	Follows bool
}

// Parts returns the sets of a cron expression; false for `every N`.
func (s Schedule) Parts() (Parts, bool) {
	if s.Every > 0 {
		return Parts{}, false
	}
	w := newWallClock(s.cron)
	return Parts{Minutes: members(w.minutes), Hours: members(w.hours), Days: members(w.days), Months: members(w.months),
		Weekdays: members(w.weekdays & 0x7f), EitherDay: !w.bothDays, Follows: w.wildcard}, true
}

func members(set uint64) []int {
	out := make([]int, 0, bits.OnesCount64(set))
	for ; set != 0; set &= set - 1 {
		out = append(out, bits.TrailingZeros64(set))
	}
	return out
}

// NamesWall tells whether a cron expression names a time in [from, to) of a wall clock that never jumps; both
// are seconds since 1970 as if that clock were UTC.
func (s Schedule) NamesWall(from, to int64) bool {
	if s.Every > 0 {
		return false
	}
	w := newWallClock(s.cron)
	at, ok := w.after(from - 1)
	return ok && at < to
}

// Jump is one change of a zone's offset from UTC; Before and After are seconds.
type Jump struct {
	At            time.Time
	Before, After int
}

// Skipped and Repeated are the stretch of wall time, in seconds since 1970 as if it were UTC, that the jump
// leaves out or gives twice; empty for the other kind of jump.
func (j Jump) Skipped() (from, to int64) {
	return j.At.Unix() + int64(j.Before), j.At.Unix() + int64(j.After)
}
func (j Jump) Repeated() (from, to int64) {
	return j.At.Unix() + int64(j.After), j.At.Unix() + int64(j.Before)
}

// Jumps lists the changes of a zone's offset from now to the horizon within which zones are compared.
func Jumps(zone *time.Location, now time.Time) []Jump {
	found := changes(zone, now)
	out := make([]Jump, len(found))
	for i, c := range found {
		out[i] = Jump{At: c.at, Before: c.before, After: c.after}
	}
	return out
}

// Differences lists by how many seconds a is ahead of b, from now to the horizon, each once.
func Differences(a, b *time.Location, now time.Time) []int {
	var out []int
	seen := map[int]bool{}
	everyOffsetDiff(a, b, now, func(d int) bool {
		if !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
		return true
	})
	return out
}
