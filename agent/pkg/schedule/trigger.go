package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Daemon is the kind of cron that fires: they differ where clocks jump and in how the two day fields combine.
type Daemon int

// The daemons that are known.
const (
	Vixie   Daemon = iota // Debian's cron and cronie: the rules of cron(8) where the clock jumps
	BSD                   // macOS: follows the wall clock, whatever it does
	Busybox               // follows the wall clock too, and reads day fields by what they hold, not how they begin
)

// Triggers are what a machine's cron is given for one job.
type Triggers struct {
	Fields []string // five crontab fields each
	// Gated says, where not empty, why Fields fire more often than the schedule asks: whoever is started has to
	// look whether there is a slot.
	Gated string
}

// Express renders a job's schedules, meant in zone, for a cron of the given kind on a machine in the zone machine.
// Where cron cannot say one exactly, it gets a superset: every time of day that a slot can have on the machine's
// clock until the horizon. The error wraps ErrNotExpressible when not even that is possible.
func Express(schedules []Schedule, zone, machine *time.Location, daemon Daemon, now time.Time) (Triggers, error) {
	var out Triggers
	var reasons []string
	for _, s := range schedules {
		fields, err := s.native(zone, machine, daemon, now)
		var inexact *inexactError
		if errors.As(err, &inexact) {
			reasons = append(reasons, inexact.reason)
			fields, err = s.superset(zone, machine, now)
		}
		if err != nil {
			return Triggers{}, err
		}
		if !slices.Contains(out.Fields, fields) {
			out.Fields = append(out.Fields, fields)
		}
	}
	if len(reasons) == 0 && coincide(out.Fields, machine, daemon, now) {
		reasons = append(reasons, "two of its schedules can fall on the same minute, which is one slot")
	}
	out.Gated = strings.Join(slices.Compact(reasons), "; ")
	return out, nil
}

// inexactError is why a cron fires at other times than the schedule's slots.
type inexactError struct{ reason string }

func (e *inexactError) Error() string { return ErrNotExpressible.Error() + ": " + e.reason }
func (e *inexactError) Unwrap() error { return ErrNotExpressible }

func inexact(format string, args ...any) error {
	return &inexactError{fmt.Sprintf(format, args...)}
}

// native is Native for one kind of daemon.
func (s Schedule) native(zone, machine *time.Location, daemon Daemon, now time.Time) (string, error) {
	text, err := s.Native(zone, machine, now)
	if err != nil || daemon == Vixie {
		return text, err
	}
	fields := [5]string(strings.Fields(text))
	if !newWallClock(fields).wildcard && jumps(machine, now) {
		return "", inexact("the machine's clock in %s jumps in summer and its cron takes no notice of that", machine)
	}
	if daemon == Busybox {
		return busyboxFields(fields)
	}
	return text, nil
}

// busyboxFields writes fields without what busybox cannot read: it knows no 7 for Sunday, and takes a day field
// for unrestricted when it holds every day, not when it begins with `*`.
func busyboxFields(cron [5]string) (string, error) {
	everyDay := len(expand(cron[2], 1, 31)) == 31
	everyWeekday := len(weekdays(cron[4])) == 7
	if both := bothDays(cron); both && !everyDay && !everyWeekday || !both && everyDay != everyWeekday {
		return "", inexact("busybox combines day of month and day of week differently")
	}
	for i, f := range fields {
		set := expand(cron[i], f.lo, f.hi)
		hi := f.hi
		if i == 4 {
			set, hi = weekdays(cron[i]), 6
		}
		cron[i] = fieldText(set, f.lo, hi)
	}
	return strings.Join(cron[:], " "), nil
}

func weekdays(field string) map[int]bool {
	set := expand(field, 0, 7)
	if set[7] {
		set[0] = true
		delete(set, 7)
	}
	return set
}

const dayMinutes = 24 * 60

// superset is a trigger at every time of day that a slot can have on the machine's clock, on every day.
func (s Schedule) superset(zone, machine *time.Location, now time.Time) (string, error) {
	if s.Every > 0 {
		zone = time.UTC
	}
	own := s.timesOfDay()
	var there [dayMinutes]bool
	seen := map[int]bool{}
	whole := everyOffsetDiff(machine, zone, now, func(diff int) bool {
		if seen[diff] {
			return true
		}
		seen[diff] = true
		for m, fires := range own {
			if fires {
				there[modDay(m+diff/60)] = true
			}
		}
		return diff%60 == 0
	})
	if !whole {
		return "", fmt.Errorf("%w: the clocks of %s and %s differ by a fraction of a minute", ErrNotExpressible, zone, machine)
	}
	for _, at := range s.catchUps(zone, now) {
		there[timeOfDay(at, machine)] = true
	}
	return fieldsOf(there, jumps(machine, now)), nil
}

// timesOfDay are the minutes of the day that slots have: on the zone's clock, or in UTC for `every N`.
func (s Schedule) timesOfDay() (out [dayMinutes]bool) {
	if s.Every > 0 {
		for m, step := 0, gcd(int(s.Every/time.Minute), dayMinutes); m < dayMinutes; m += step {
			out[m] = true
		}
		return out
	}
	minutes := expand(s.cron[0], 0, 59)
	for h := range expand(s.cron[1], 0, 23) {
		for m := range minutes {
			out[h*60+m] = true
		}
	}
	return out
}

// fieldsOf writes the smallest hours × minutes that hold all of times. Where the machine's clock jumps the hour is
// `*`: cron treats only such an entry as one that follows the clock, and leaves it alone otherwise.
func fieldsOf(times [dayMinutes]bool, jumping bool) string {
	minutes, hours := map[int]bool{}, map[int]bool{}
	for m, fires := range times {
		if fires {
			minutes[m%60], hours[m/60] = true, true
		}
	}
	hour := "*"
	if !jumping {
		hour = fieldText(hours, 0, 23)
	}
	return fieldText(minutes, 0, 59) + " " + hour + " * * *"
}

// catchUps are the instants right after a forward jump of the zone at which a fixed time that was skipped is made up for.
func (s Schedule) catchUps(zone *time.Location, now time.Time) (out []time.Time) {
	if s.Every > 0 || newWallClock(s.cron).wildcard {
		return nil
	}
	times := s.timesOfDay()
	for _, c := range changes(zone, now) {
		from := int(floorDiv(c.at.Unix()+int64(c.before), 60)) // the minute of the wall clock that is skipped first
		for gap := 0; gap < (c.after-c.before)/60 && c.after-c.before < correction; gap++ {
			if times[modDay(from+gap)] {
				out = append(out, c.at)
				break
			}
		}
	}
	return out
}

// jumps tells whether the zone's clock does so before the horizon.
func jumps(zone *time.Location, now time.Time) bool { return len(changes(zone, now)) > 0 }

func timeOfDay(at time.Time, zone *time.Location) int {
	local := at.In(zone)
	return local.Hour()*60 + local.Minute()
}

func modDay(m int) int { return (m%dayMinutes + dayMinutes) % dayMinutes }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
