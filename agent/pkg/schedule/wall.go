package schedule

import (
	"math/bits"
	"strings"
	"time"
)

const (
	daySeconds = 86_400
	// farthest is how far a match is looked for: 50 years, in which every date that can come does.
	farthest = 18_300
	lastYear = 9999
)

// wallClock is one cron expression on a clock that never jumps. Its instants are seconds since 1970 as if the
// wall clock were UTC.
type wallClock struct {
	minutes, hours uint64 // sets, bit n for n
	days, months   uint64
	weekdays       uint64
	bothDays       bool
	wildcard       bool // minute or hour starts with `*`: follows the clock through its jumps
}

func newWallClock(cron [5]string) wallClock {
	w := wallClock{bothDays: bothDays(cron), wildcard: strings.HasPrefix(cron[0], "*") || strings.HasPrefix(cron[1], "*")}
	for i, into := range []*uint64{&w.minutes, &w.hours, &w.days, &w.months, &w.weekdays} {
		for v := range expand(cron[i], fields[i].lo, fields[i].hi) {
			*into |= 1 << v
		}
	}
	w.weekdays |= w.weekdays >> 7 & 1 // 7 is Sunday too
	return w
}

func (w *wallClock) onDay(day time.Time) bool {
	dom, dow := w.days>>day.Day()&1 != 0, w.weekdays>>int(day.Weekday())&1 != 0
	if w.bothDays {
		return dom && dow
	}
	return dom || dow
}

func (w *wallClock) inMonth(day time.Time) bool { return w.months>>int(day.Month())&1 != 0 }

// after is the first match later than wall; false where there is none within 50 years.
func (w *wallClock) after(wall int64) (int64, bool) {
	from := floorDiv(wall, 60) + 1 // the first minute that counts
	day := floorDiv(from, 1440)
	minute := int(from - day*1440)
	for end := day + farthest; day < end; minute = 0 {
		date := time.Unix(day*daySeconds, 0).UTC()
		if date.Year() > lastYear {
			return 0, false
		}
		if !w.inMonth(date) {
			day = time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC).Unix() / daySeconds
			continue
		}
		if w.onDay(date) {
			if m := w.nextMinute(minute); m >= 0 {
				return day*daySeconds + int64(m)*60, true
			}
		}
		day++
	}
	return 0, false
}

// atOrBefore is the last match not later than wall; false where there is none within 50 years.
func (w *wallClock) atOrBefore(wall int64) (int64, bool) {
	from := floorDiv(wall, 60)
	day := floorDiv(from, 1440)
	minute := int(from - day*1440)
	for end := day - farthest; day > end; minute = 1439 {
		date := time.Unix(day*daySeconds, 0).UTC()
		if date.Year() < 1 {
			return 0, false
		}
		if !w.inMonth(date) {
			day = floorDiv(time.Date(date.Year(), date.Month(), 1, 0, 0, 0, 0, time.UTC).Unix(), daySeconds) - 1
			continue
		}
		if w.onDay(date) {
			if m := w.lastMinute(minute); m >= 0 {
				return day*daySeconds + int64(m)*60, true
			}
		}
		day--
	}
	return 0, false
}

// nextMinute is the first matching minute of a day from one on, or -1.
func (w *wallClock) nextMinute(from int) int {
	hour, minute := from/60, from%60
	if w.hours>>hour&1 != 0 {
		if rest := w.minutes >> minute; rest != 0 {
			return hour*60 + minute + bits.TrailingZeros64(rest)
		}
	}
	later := w.hours >> (hour + 1)
	if later == 0 {
		return -1
	}
	return (hour+1+bits.TrailingZeros64(later))*60 + bits.TrailingZeros64(w.minutes)
}

// lastMinute is the last matching minute of a day up to one, or -1.
func (w *wallClock) lastMinute(to int) int {
	hour, minute := to/60, to%60
	if w.hours>>hour&1 != 0 {
		if rest := w.minutes & (1<<(minute+1) - 1); rest != 0 {
			return hour*60 + bits.Len64(rest) - 1
		}
	}
	earlier := w.hours & (1<<hour - 1)
	if earlier == 0 {
		return -1
	}
	return (bits.Len64(earlier)-1)*60 + bits.Len64(w.minutes) - 1
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
