package schedule

import (
	"sync"
	"time"
)

// jump is one change of a zone's offset from UTC, in seconds.
type jump struct{ at, before, after int64 }

// width is how far the wall clock moves: positive skips wall time, negative repeats it.
func (j jump) width() int64 { return j.after - j.before }

// maxYears bounds what a zone remembers.
const maxYears = 256

// clock is a zone that knows where its clock jumps. It looks at offsets only: ZoneBounds can give an instant
// as its own bound (Europe/London, 2040-12-31).
type clock struct {
	zone  *time.Location
	mu    sync.Mutex
	years map[int][]jump
}

func newClock(zone *time.Location) *clock {
	return &clock{zone: zone, years: map[int][]jump{}}
}

func (c *clock) offset(at int64) int64 {
	_, offset := time.Unix(at, 0).In(c.zone).Zone()
	return int64(offset)
}

// next is the first jump in (after, until].
func (c *clock) next(after, until int64) (jump, bool) {
	for year := yearOf(after); year <= yearOf(until); year++ {
		for _, j := range c.inYear(year) {
			if after < j.at && j.at <= until {
				return j, true
			}
		}
	}
	return jump{}, false
}

// last is the latest jump in [at - within, at].
func (c *clock) last(at, within int64) (jump, bool) {
	for year := yearOf(at); year >= yearOf(at-within); year-- {
		jumps := c.inYear(year)
		for i := len(jumps) - 1; i >= 0; i-- {
			if j := jumps[i]; at-within <= j.at && j.at <= at {
				return j, true
			}
		}
	}
	return jump{}, false
}

func yearOf(at int64) int { return time.Unix(at, 0).UTC().Year() }

func (c *clock) inYear(year int) []jump {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.years[year]; ok {
		return known
	}
	if len(c.years) >= maxYears {
		clear(c.years)
	}
	found := c.find(year)
	c.years[year] = found
	return found
}

// find looks once a day: no zone has two jumps within one day.
func (c *clock) find(year int) []jump {
	var found []jump
	known := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - 1
	end := time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - 1
	before := c.offset(known)
	for known < end {
		probe := min(known+daySeconds, end)
		after := c.offset(probe)
		if after != before {
			found = append(found, jump{c.bisect(known, probe, before), before, after})
		}
		known, before = probe, after
	}
	return found
}

func (c *clock) bisect(low, high, before int64) int64 {
	for high-low > 1 {
		if middle := low + (high-low)/2; c.offset(middle) == before {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
