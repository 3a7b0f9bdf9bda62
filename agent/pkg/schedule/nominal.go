package schedule

import (
	"math/big"
	"strings"
	"sync"
	"time"
)

// What a schedule says on a wall clock that never jumps: how close its slots come, and when in the week. Policies
// ask; their answers must depend neither on today's date nor on where a zone's clock jumps.

const (
	// Week is how many minutes a week has.
	Week = 7 * dayMinutes
	// The Gregorian calendar says nothing new about gaps of up to 366 days after these years.
	calendarDays = 29 * 366
	longestGap   = 366 * dayMinutes
)

var firstDay = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

// calendar is the days of 29 years as bits, by day of the month, by month and by weekday.
var calendar = sync.OnceValue(func() (c struct{ days, months, weekdays [32]*big.Int }) {
	for i := range 32 {
		c.days[i], c.months[i], c.weekdays[i] = new(big.Int), new(big.Int), new(big.Int)
	}
	for n := range calendarDays {
		day := firstDay.AddDate(0, 0, n)
		for _, set := range []*big.Int{c.days[day.Day()], c.months[day.Month()], c.weekdays[day.Weekday()]} {
			set.SetBit(set, n, 1)
		}
	}
	return c
})

// times is one expression as two sets of bits: its days since 2001 and its minutes of a day.
type times struct{ days, minutes *big.Int }

func union(sets [32]*big.Int, chosen uint64) *big.Int {
	out := new(big.Int)
	for i := range 32 {
		if chosen>>i&1 != 0 {
			out.Or(out, sets[i])
		}
	}
	return out
}

func timesOf(cron [5]string) times {
	w, c := newWallClock(cron), calendar()
	days, weekdays := union(c.days, w.days), union(c.weekdays, w.weekdays&0x7f)
	if w.bothDays {
		days.And(days, weekdays)
	} else {
		days.Or(days, weekdays)
	}
	minutes := new(big.Int)
	for hour := range 24 {
		for minute := range 60 {
			if w.hours>>hour&1 != 0 && w.minutes>>minute&1 != 0 {
				minutes.SetBit(minutes, hour*60+minute, 1)
			}
		}
	}
	return times{days.And(days, union(c.months, w.months)), minutes}
}

func overlap(a, b *big.Int, shift int) bool {
	moved := new(big.Int).Lsh(a, uint(shift))
	return moved.And(moved, b).Sign() != 0
}

// closest is the fewest minutes from a slot of one to a later slot of the other, or limit if that is fewer.
func closest(earlier, later times, limit int) int {
	first, final := int(later.minutes.TrailingZeroBits()), earlier.minutes.BitLen()-1
	if overlap(earlier.days, later.days, 0) {
		farthest := later.minutes.BitLen() - 1 - int(earlier.minutes.TrailingZeroBits())
		for gap := 1; gap < min(limit, farthest+1); gap++ {
			if overlap(earlier.minutes, later.minutes, gap) {
				limit = gap
				break
			}
		}
	}
	for days := 1; days <= longestGap/dayMinutes+1; days++ {
		gap := days*dayMinutes + first - final
		if gap >= limit {
			break
		}
		if overlap(earlier.days, later.days, days) {
			return gap
		}
	}
	return limit
}

var gaps sync.Map // joined expressions → time.Duration: a policy asks the same of a job in every round

// SmallestGap is the shortest time between two slots of a list, 366 days at most. Intervals are taken to start
// together, so that the gap of several is their greatest common divisor; nothing ties them to a time of day, so
// that a list with both can come within a minute of itself.
func SmallestGap(list []Schedule) time.Duration {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = s.Normal()
	}
	key := strings.Join(parts, "\n")
	if known, ok := gaps.Load(key); ok {
		return known.(time.Duration)
	}
	gap := time.Duration(smallestGap(list)) * time.Minute
	gaps.Store(key, gap)
	return gap
}

func smallestGap(list []Schedule) int {
	var crons []times
	interval := 0
	for _, s := range list {
		if s.Every > 0 {
			interval = gcd(int(s.Every/time.Minute), interval)
		} else {
			crons = append(crons, timesOf(s.cron))
		}
	}
	switch {
	case len(crons) == 0:
		return interval
	case interval > 0:
		return 1
	}
	smallest := longestGap
	for _, earlier := range crons {
		for _, later := range crons {
			smallest = closest(earlier, later, smallest)
		}
	}
	return smallest
}

// WeekMinute is a minute of the week.
type WeekMinute struct {
	Weekday      time.Weekday
	Hour, Minute int
}

// FirstOutside is the first expression of a list with a time that is not allowed, and the earliest such time of
// the week; nil for an interval, which has no time of day. allowed has an item for each minute from Sunday 00:00.
func FirstOutside(list []Schedule, allowed *[Week]bool) (index int, when *WeekMinute, found bool) {
	for i, s := range list {
		if s.Every > 0 {
			for _, ok := range allowed {
				if !ok {
					return i, nil, true
				}
			}
			continue
		}
		if when := outside(s.cron, allowed); when != nil {
			return i, when, true
		}
	}
	return 0, nil, false
}

func outside(cron [5]string, allowed *[Week]bool) *WeekMinute {
	w := newWallClock(cron)
	weekdays := w.weekdays
	if !w.bothDays && reachable(w) {
		weekdays = 0x7f // a date that comes at all falls on every weekday sooner or later, be it 29 February
	}
	for day := range 7 {
		for hour := range 24 {
			for minute := range 60 {
				if weekdays>>day&1 != 0 && w.hours>>hour&1 != 0 && w.minutes>>minute&1 != 0 && !allowed[day*dayMinutes+hour*60+minute] {
					return &WeekMinute{time.Weekday(day), hour, minute}
				}
			}
		}
	}
	return nil
}

// reachable tells whether one of the months has one of the days of the month.
func reachable(w wallClock) bool {
	c := calendar()
	return overlap(union(c.days, w.days), union(c.months, w.months), 0)
}
