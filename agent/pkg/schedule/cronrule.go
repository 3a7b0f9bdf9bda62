package schedule

import "time"

// correction is the width from which on a jump is no summer time but a correction of the clock: three hours
// forward, more than three hours back. cron.c compares after one more minute has passed.
const correction = 3 * 3600

// lookBack is how far back the previous slot is searched for near a jump, in seconds: dense schedules stop at
// the first.
var lookBack = []int64{daySeconds / 4, 2 * daySeconds, 8 * daySeconds, 63 * daySeconds, 800 * daySeconds, farthest * daySeconds}

// cronRule is one cron expression in one zone, with the rules of cron(8) for clocks that jump: a job with `*` at
// the start of its minute or hour follows the clock; any other whose time is skipped runs once right after the
// jump, and one whose time is repeated runs the first time only. ADR 0006 has the reasons.
type cronRule struct {
	clock *clock
	wall  wallClock
}

func (r *cronRule) after(t time.Time) (time.Time, bool) {
	at, ok := r.next(t.Unix())
	return time.Unix(at, 0).UTC(), ok
}

func (r *cronRule) atOrBefore(t time.Time) (time.Time, bool) {
	at, ok := r.previous(t.Unix())
	return time.Unix(at, 0).UTC(), ok
}

func (r *cronRule) next(instant int64) (int64, bool) {
	offset := r.clock.offset(instant)
	wall, ok := r.wall.after(r.start(instant, offset))
	for ok {
		candidate := wall - offset
		j, jumps := r.clock.next(instant, candidate)
		if !jumps {
			return candidate, yearOf(candidate) <= lastYear
		}
		oldWall, newWall := j.at+j.before, j.at+j.after
		if r.catchesUp(j) && wall < newWall {
			return j.at, true
		}
		instant, offset = j.at, j.after
		start := newWall
		if r.repeats(j) {
			start = oldWall
		}
		if start < oldWall || wall < start {
			wall, ok = r.wall.after(start - 1)
		}
	}
	return 0, false
}

// start is the wall time to search from: in a repeated stretch, the end of its first pass.
func (r *cronRule) start(instant, offset int64) int64 {
	if j, ok := r.clock.last(instant, correction); ok && r.repeats(j) {
		return max(instant+offset, j.at+j.before-1)
	}
	return instant + offset
}

func (r *cronRule) previous(instant int64) (int64, bool) {
	offset := r.clock.offset(instant)
	wall, ok := r.wall.atOrBefore(instant + offset)
	if !ok {
		return 0, false
	}
	candidate := wall - offset
	if _, jumps := r.clock.last(instant, instant-candidate+daySeconds); !jumps {
		return candidate, true
	}
	for _, back := range lookBack {
		found, slot := int64(0), int64(0)
		any := false
		for slot, ok = r.next(instant - back); ok && slot <= instant; slot, ok = r.next(slot) {
			found, any = slot, true
		}
		if any {
			return found, true
		}
	}
	return 0, false
}

func (r *cronRule) catchesUp(j jump) bool {
	return !r.wall.wildcard && j.width() > 0 && j.width() < correction
}

func (r *cronRule) repeats(j jump) bool {
	return !r.wall.wildcard && j.width() < 0 && -j.width() <= correction
}
