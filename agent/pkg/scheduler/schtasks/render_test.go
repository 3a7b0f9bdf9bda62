package schtasks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/caltest"
)

var (
	installation = uuid.MustParse("11111111-1111-4111-8111-111111111111")
	jobID        = uuid.MustParse("22222222-2222-4222-8222-222222222222")
)

func sidOf(user string) (string, error) {
	switch user {
	case "", "me", `HOST\me`:
		return "S-1-5-21-1-2-3-1001", nil
	case "backup":
		return "S-1-5-21-1-2-3-1002", nil
	case "SYSTEM":
		return "S-1-5-18", nil
	}
	return "", fmt.Errorf("no account %s", user)
}

func renderer(t *testing.T, zone *time.Location) *Scheduler {
	t.Helper()
	s, err := New(Options{Installation: installation, RunPath: `C:\Program Files\Crontopus\crontopus-run.exe`,
		StateDir: `C:\ProgramData\Crontopus`, Command: "schtasks", Zone: zone, System: true, Now: func() time.Time { return caltest.Now }, SID: sidOf})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reading is one way to understand what the reference leaves open.
type reading struct {
	skip     caltest.Skip
	repeat   caltest.Repeat
	wallStep bool // repetitions count on the wall clock, not in real time
}

func readings() []reading {
	var out []reading
	for skip := caltest.SkipNever; skip <= caltest.SkipAtJump; skip++ {
		for repeat := caltest.RepeatBoth; repeat <= caltest.RepeatSecond; repeat++ {
			out = append(out, reading{skip, repeat, false}, reading{skip, repeat, true})
		}
	}
	return out
}

// fires is a Task Scheduler that understands the triggers of a body in one way.
func fires(t *testing.T, triggers []*node, zone *time.Location, span caltest.Span, r reading) []int64 {
	t.Helper()
	var out []int64
	for _, trigger := range triggers {
		out = append(out, firesTrigger(t, trigger, zone, span, r)...)
	}
	return out
}

func firesTrigger(t *testing.T, n *node, zone *time.Location, span caltest.Span, r reading) []int64 {
	t.Helper()
	text, utc := strings.CutSuffix(n.get("StartBoundary"), "Z")
	start, err := time.Parse("2006-01-02T15:04:05", text)
	if err != nil || utc != (n.name == "TimeTrigger") {
		t.Fatalf("boundary %q of a %s: %v", n.get("StartBoundary"), n.name, err)
	}
	step := int64(60 * durationMinutes(n.get("Repetition", "Interval")))
	var out []int64
	if utc {
		at := start.Unix()
		if !r.wallStep {
			for at += (max(span.From-at, 0) + step - 1) / step * step; at < span.To; at += step {
				out = append(out, at)
			}
			return out
		}
		_, offset := start.In(zone).Zone()
		wall := at + int64(offset)
		const slack = 36 * 3600
		for wall += (max(span.From-slack-wall, 0) + step - 1) / step * step; wall < span.To+slack; wall += step {
			skip := caltest.SkipNever
			if r.skip == caltest.SkipShifted {
				skip = caltest.SkipShifted
			}
			out = append(out, caltest.Instants(zone, wall, skip, caltest.RepeatBoth)...)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for day := span.From/86400*86400 - 2*86400; day < span.To+2*86400; day += 86400 {
		if !onDay(n, time.Unix(day, 0).UTC()) {
			continue
		}
		wall := day + start.Unix()%86400
		last := wall
		if d := durationSeconds(n.get("Repetition", "Duration")); d > 0 {
			if int64(d)%step == 0 {
				t.Fatalf("whether %s of %s has a start at its end is not specified", n.get("Repetition", "Duration"), n.get("Repetition", "Interval"))
			}
			last = wall + int64(d)
		}
		for ; wall <= last; wall += max(step, 60) {
			out = append(out, caltest.Instants(zone, wall, r.skip, r.repeat)...)
		}
	}
	return out
}

func onDay(n *node, day time.Time) bool {
	switch {
	case n.at("ScheduleByDay") != nil:
		return true
	case n.at("ScheduleByWeek") != nil:
		return n.at("ScheduleByWeek", "DaysOfWeek", day.Weekday().String()) != nil
	}
	number := fmt.Sprint(day.Day())
	return n.at("ScheduleByMonth", "Months", day.Month().String()) != nil &&
		slices.ContainsFunc(n.at("ScheduleByMonth", "DaysOfMonth").kids, func(d *node) bool { return d.value == number })
}

// checkRendering renders and holds the body to the slots under every reading.
func checkRendering(t *testing.T, machine, zone string, texts ...string) scheduler.Entry {
	t.Helper()
	s := renderer(t, caltest.Zone(t, machine))
	schedules := caltest.Parse(t, texts...)
	job := scheduler.Job{ID: jobID, Schedules: schedules, Zone: caltest.Zone(t, zone)}
	entry, err := s.Render(job)
	if err != nil {
		t.Fatalf("%q in %s on %s: %v", texts, zone, machine, err)
	}
	tasks, err := parseTasks(entry.Body)
	if err != nil {
		t.Fatal(err)
	}
	triggers := tasks[0].root.at("Triggers").kids
	slots := schedule.SlotsOf(schedules, job.Zone)
	for _, span := range caltest.Spans(job.Zone, s.o.Zone) {
		want := caltest.Slots(slots, span)
		for _, r := range readings() {
			if wrong := caltest.Compare(want, fires(t, triggers, s.o.Zone, span, r), span, entry.Gated != ""); wrong != "" {
				t.Errorf("%q in %s on %s, gated %q, reading %v: %s\n%s", texts, zone, machine, entry.Gated, r, wrong, entry.Body)
				return entry
			}
		}
	}
	return entry
}

// TestRenderingsKeepTheSlots: whatever Task Scheduler does with wall times that are left out or come twice, what is
// called exact starts at the slots and what is gated starts at all of them.
func TestRenderingsKeepTheSlots(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	exact := 0
	count := caltest.Count()
	for range count {
		zone := caltest.Zones[rng.IntN(len(caltest.Zones))]
		machine := zone
		if rng.IntN(2) == 0 {
			machine = caltest.Zones[rng.IntN(len(caltest.Zones))]
		}
		if checkRendering(t, machine, zone, caltest.Random(rng)...).Gated == "" {
			exact++
		}
		if t.Failed() {
			return
		}
	}
	if exact < count/5 || exact > count*4/5 {
		t.Errorf("%d of %d are exact: the test shows only one kind", exact, count)
	}
}
