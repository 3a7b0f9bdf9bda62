package schedule

import (
	"errors"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrNotExpressible means that this machine's cron cannot fire exactly at the schedule's slots.
var ErrNotExpressible = errors.New("this machine's cron cannot express the schedule exactly")

// horizon is how far ahead two zones are compared: rules further off will be seen by a later release.
const horizon = 20 * 365 * 24 * time.Hour

// Native renders s, meant in zone, as the five fields of a crontab on a machine in the zone machine whose cron has the
// rules of cron(8). Express is what to use for entries: it knows other crons, and what to do when Native cannot.
// The error wraps ErrNotExpressible and says why. now is the instant from which on it must hold.
func (s Schedule) Native(zone, machine *time.Location, now time.Time) (string, error) {
	if s.Every > 0 {
		return s.nativeEvery(machine, now)
	}
	if sameOffsets(zone, machine, now) {
		return strings.Join(s.cron[:], " "), nil
	}
	if s.cron[1] == "*" && s.cron[2] == "*" && s.cron[3] == "*" && s.cron[4] == "*" &&
		minutesAgree(expand(s.cron[0], 0, 59), zone, machine, now) {
		return strings.Join(s.cron[:], " "), nil
	}
	return "", inexact("it is meant in %s and the machine's clock is in %s", zone, machine)
}

// nativeEvery renders multiples of N from the Unix epoch where they fall on the same minutes every hour,
// the same times every day, or the same weekday.
func (s Schedule) nativeEvery(machine *time.Location, now time.Time) (string, error) {
	n := s.Every
	switch {
	case n <= time.Hour && time.Hour%n == 0:
		step := int(n / time.Minute)
		if !minutesAgree(expand("*/"+strconv.Itoa(step), 0, 59), time.UTC, machine, now) {
			return "", s.everyZone(machine)
		}
		if step == 60 {
			return "0 * * * *", nil
		}
		return "*/" + strconv.Itoa(step) + " * * * *", nil
	case !sameOffsets(time.UTC, machine, now):
		return "", s.everyZone(machine)
	case n%time.Hour == 0 && (24*time.Hour)%n == 0:
		if n == 24*time.Hour {
			return "0 0 * * *", nil
		}
		return "0 */" + strconv.Itoa(int(n/time.Hour)) + " * * *", nil
	case (24*time.Hour)%n == 0 && n < 24*time.Hour:
		return "", inexact("`every %s` falls on different minutes in different hours", shortDuration(n))
	case n == 7*24*time.Hour:
		return "0 0 * * 4", nil // 1 January 1970 was a Thursday
	}
	return "", inexact("`every %s` doesn't divide the day evenly", shortDuration(n))
}

func (s Schedule) everyZone(machine *time.Location) error {
	return inexact("`every %s` counts in UTC and the machine's clock is in %s", shortDuration(s.Every), machine)
}

// sameOffsets tells whether both zones show the same clock from now to the horizon.
func sameOffsets(a, b *time.Location, now time.Time) bool {
	if a == b {
		return true
	}
	return everyOffsetDiff(a, b, now, func(d int) bool { return d == 0 })
}

// minutesAgree tells whether a set of minutes stays itself under every difference between the two zones.
func minutesAgree(minutes map[int]bool, a, b *time.Location, now time.Time) bool {
	return everyOffsetDiff(a, b, now, func(diff int) bool {
		if diff%60 != 0 {
			return false
		}
		shift := ((diff/60)%60 + 60) % 60
		for m := range minutes {
			if !minutes[(m+shift)%60] {
				return false
			}
		}
		return true
	})
}

// everyOffsetDiff visits the difference of offsets in seconds at now and after each transition of either zone.
func everyOffsetDiff(a, b *time.Location, now time.Time, ok func(int) bool) bool {
	offsetA, offsetB := offsetAt(a, now), offsetAt(b, now)
	x, y := changes(a, now), changes(b, now)
	for ok(offsetA - offsetB) {
		switch {
		case len(x) == 0 && len(y) == 0:
			return true
		case len(y) == 0 || len(x) > 0 && x[0].at.Before(y[0].at):
			offsetA, x = x[0].after, x[1:]
		case len(x) == 0 || y[0].at.Before(x[0].at):
			offsetB, y = y[0].after, y[1:]
		default:
			offsetA, offsetB, x, y = x[0].after, y[0].after, x[1:], y[1:]
		}
	}
	return false
}

func offsetAt(zone *time.Location, at time.Time) int {
	_, offset := at.In(zone).Zone()
	return offset
}

// change is an instant at which a zone's offset becomes another, in seconds.
type change struct {
	at            time.Time
	before, after int
}

// zoneChanges remembers the changes of zones, which a thousand jobs ask for at every look: one entry per zone in use.
var zoneChanges sync.Map // *time.Location → knownChanges

type knownChanges struct {
	hour time.Time // from which on
	list []change
}

// changes are those of the zone after now, up to the horizon. The list is shared.
func changes(zone *time.Location, now time.Time) []change {
	hour := now.Truncate(time.Hour)
	known, ok := zoneChanges.Load(zone)
	if !ok || !known.(knownChanges).hour.Equal(hour) {
		known = knownChanges{hour, findChanges(zone, hour)}
		zoneChanges.Store(zone, known)
	}
	all := known.(knownChanges).list
	return all[sort.Search(len(all), func(i int) bool { return all[i].at.After(now) }):]
}

func findChanges(zone *time.Location, now time.Time) []change {
	var out []change
	offset := offsetAt(zone, now)
	for at := now; ; {
		_, end := at.In(zone).ZoneBounds()
		if end.IsZero() || end.After(now.Add(horizon)) {
			return out
		}
		if !end.After(at) {
			// Go's ZoneBounds can give the last instant of a leap year its own bound (Europe/London,
			// 2040-12-31): step over it, or this loop never ends.
			end = at.Add(24 * time.Hour)
		}
		if after := offsetAt(zone, end); after != offset {
			out, offset = append(out, change{end, offset, after}), after
		}
		at = end
	}
}

func shortDuration(d time.Duration) string {
	s := d.String()
	s = strings.TrimSuffix(s, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(s, "m0s")]
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
