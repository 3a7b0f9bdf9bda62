package schedule

import (
	"slices"
	"strings"
	"time"
)

// coincide tells whether two lines of an exact rendering can fire in the same minute: the slots of a job are the
// union of its schedules, so that such a minute is one run and not two. In doubt it says yes.
func coincide(lines []string, machine *time.Location, daemon Daemon, now time.Time) bool {
	for i := range lines {
		for j := range i {
			a, b := Schedule{cron: [5]string(strings.Fields(lines[i]))}, Schedule{cron: [5]string(strings.Fields(lines[j]))}
			if !a.apart(b) || daemon == Vixie && a.caughtUpWith(b, machine, now) {
				return true
			}
		}
	}
	return false
}

// apart tells whether no minute of a clock that does not jump matches both.
func (s Schedule) apart(o Schedule) bool {
	a, b := newWallClock(s.cron), newWallClock(o.cron)
	if a.minutes&b.minutes == 0 || a.hours&b.hours == 0 || a.months&b.months == 0 {
		return true
	}
	return a.bothDays && b.bothDays && (a.days&b.days == 0 || a.weekdays&b.weekdays&(1<<7-1) == 0)
}

// caughtUpWith tells whether a jump of the clock can make both fire right after it.
func (s Schedule) caughtUpWith(o Schedule, machine *time.Location, now time.Time) bool {
	mine, theirs := s.catchUps(machine, now), o.catchUps(machine, now)
	return slices.ContainsFunc(mine, func(at time.Time) bool { return slices.Contains(theirs, at) || o.timesOfDay()[timeOfDay(at, machine)] }) ||
		slices.ContainsFunc(theirs, func(at time.Time) bool { return s.timesOfDay()[timeOfDay(at, machine)] })
}
