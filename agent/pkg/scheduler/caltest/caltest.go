// Package caltest holds renderings to the slots they stand for, whatever a native scheduler makes of wall times
// that its clock leaves out or gives twice. No program imports it.
package caltest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/schedule"
)

// Now is when renderings of tests are made.
var Now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// Zones have every kind of jump there is: an hour, two, half an hour, at midnight, backwards in summer, none.
var Zones = []string{"UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Chatham",
	"Africa/Casablanca", "America/Santiago", "Europe/Dublin", "Antarctica/Troll", "Asia/Kathmandu", "Asia/Beirut"}

// Skip is what becomes of a wall time that is left out, Repeat of one that comes twice.
type (
	Skip   int
	Repeat int
)

// The readings of a jump.
const (
	SkipNever Skip = iota
	SkipShifted
	SkipAtJump
)

// Which of two passes counts.
const (
	RepeatBoth Repeat = iota
	RepeatFirst
	RepeatSecond
)

// Instants are those at which a scheduler that reads jumps in these ways fires for one wall time; wall is in
// seconds since 1970 as if the wall clock were UTC.
func Instants(zone *time.Location, wall int64, skip Skip, repeat Repeat) []int64 {
	var hits []int64
	before, after := Offset(zone, wall-36*3600), Offset(zone, wall+36*3600)
	for _, o := range slices.Compact([]int64{max(before, after), min(before, after)}) {
		if Offset(zone, wall-o) == o {
			hits = append(hits, wall-o)
		}
	}
	switch {
	case len(hits) == 0 && skip == SkipShifted:
		return []int64{wall - before}
	case len(hits) == 0 && skip == SkipAtJump:
		at := wall - before
		for Offset(zone, at-60) != before {
			at -= 60
		}
		return []int64{at}
	case len(hits) == 2 && repeat == RepeatFirst:
		return hits[:1]
	case len(hits) == 2 && repeat == RepeatSecond:
		return hits[1:]
	}
	return hits
}

type quarter struct {
	zone *time.Location
	at   int64
}

var (
	offsetsMu sync.Mutex
	offsets   = map[quarter]int64{}
)

// Offset is that of a zone in seconds, remembered by the quarter of an hour: no clock of today jumps within one.
func Offset(zone *time.Location, at int64) int64 {
	key := quarter{zone, at / 900}
	offsetsMu.Lock()
	defer offsetsMu.Unlock()
	known, ok := offsets[key]
	if !ok {
		_, o := time.Unix(key.at*900, 0).In(zone).Zone()
		known = int64(o)
		offsets[key] = known
	}
	return known
}

// Count is how many random cases a test tries: few in a hurry, many in a soak.
func Count() int {
	if os.Getenv("CRONTOPUS_SOAK") != "" {
		return 2000
	}
	return 25
}

// Span is a stretch of time, from and to in seconds since 1970.
type Span struct{ From, To int64 }

// Spans are three days around each jump of the zones within two years, and some weeks without one.
func Spans(zones ...*time.Location) []Span {
	var at []time.Time
	for _, z := range zones {
		for _, j := range schedule.Jumps(z, Now) {
			if j.At.Before(Now.AddDate(2, 0, 0)) {
				at = append(at, j.At)
			}
		}
	}
	for _, days := range []int{20, 99, 463} {
		at = append(at, Now.AddDate(0, 0, days))
	}
	var out []Span
	for _, t := range at {
		midnight := t.Truncate(24 * time.Hour)
		out = append(out, Span{midnight.AddDate(0, 0, -1).Unix(), midnight.AddDate(0, 0, 2).Unix()})
	}
	return append(out, Span{Now.AddDate(0, 3, -2).Unix(), Now.AddDate(0, 3, 12).Unix()})
}

// Slots are those of a schedule within a span.
func Slots(of *schedule.Slots, span Span) []int64 {
	var out []int64
	at := time.Unix(span.From-1, 0)
	for slot, ok := of.After(at); ok && slot.Unix() < span.To; slot, ok = of.After(slot) {
		out = append(out, slot.Unix())
	}
	return out
}

// Compare says how what fires in a span, each instant as often as it does, differs from the slots; empty when it
// does not, or when it is gated and only fires more often.
func Compare(slots, fired []int64, span Span, gated bool) string {
	counts := make(map[int64]int, len(fired))
	for _, at := range fired {
		if span.From <= at && at < span.To {
			counts[at]++
		}
	}
	for _, slot := range slots {
		if n := counts[slot]; n == 0 || n > 1 && !gated {
			return fmt.Sprintf("slot %s is started %d times", time.Unix(slot, 0).UTC().Format(time.RFC3339), n)
		}
		delete(counts, slot)
	}
	if !gated {
		for other := range counts {
			return fmt.Sprintf("starts at %s, which is no slot", time.Unix(other, 0).UTC().Format(time.RFC3339))
		}
	}
	return ""
}

// Random writes expressions of every kind, near the hours in which clocks jump.
func Random(r *rand.Rand) []string {
	one := func(lo, hi int) string { return fmt.Sprint(lo + r.IntN(hi-lo+1)) }
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	list := func(lo, hi int) string {
		parts := make([]string, 1+r.IntN(4))
		for i := range parts {
			parts[i] = one(lo, hi)
		}
		return strings.Join(parts, ",")
	}
	expression := func() string {
		if r.IntN(4) == 0 {
			return "every " + pick("1m", "5m", "7m", "15m", "25m", "30m", "1h", "90m", "2h", "7h", "12h", "1d", "2d", "7d", "10d", "45d")
		}
		minute := pick("0", "30", "*", "*/5", "*/7", "*/30", "0-59", one(0, 59), list(0, 59))
		hour := pick("*", "*", "*/2", "0-23", "0", "1", "2", "3", "23", "9-17", one(0, 23), list(0, 23))
		dom, month, dow := "*", "*", "*"
		switch r.IntN(6) {
		case 0:
			dow = pick("1-5", "0", "7", list(0, 6))
		case 1:
			dom = pick("1", "31", "*/2", list(1, 28))
		case 2:
			dom, month, dow = pick("*", "13", "*/9"), pick("*", "3,10,11", "2"), pick("*", "5")
		}
		return strings.Join([]string{minute, hour, dom, month, dow}, " ")
	}
	out := []string{expression()}
	for r.IntN(5) == 0 {
		out = append(out, expression())
	}
	return out
}

// Parse reads expressions that tests know to be right.
func Parse(t *testing.T, texts ...string) []schedule.Schedule {
	t.Helper()
	out := make([]schedule.Schedule, len(texts))
	for i, text := range texts {
		s, err := schedule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = s
	}
	return out
}

// Zone loads a zone.
func Zone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := schedule.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
