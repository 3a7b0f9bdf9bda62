package launchd

import (
	"fmt"
	"math/rand/v2"
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

func renderer(t *testing.T, zone *time.Location) *Scheduler {
	t.Helper()
	s, err := New(Options{Installation: installation, RunPath: "/usr/local/bin/crontopus-run", StateDir: "/Users/me/Library/Crontopus",
		Folder: "/Users/me/Library/LaunchAgents", Domain: "gui/501", Command: "launchctl", Zone: zone,
		Now: func() time.Time { return caltest.Now }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// interval is one dictionary; -1 is anything.
type interval struct{ minute, hour, day, month, weekday int }

func intervalsOf(t *testing.T, body string) []interval {
	t.Helper()
	d, err := parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var out []interval
	for _, one := range d.get("StartCalendarInterval").([]any) {
		get := func(key string) int {
			if v, given := one.(dict).get(key).(int); given {
				return v
			}
			return -1
		}
		out = append(out, interval{get("Minute"), get("Hour"), get("Day"), get("Month"), get("Weekday")})
	}
	return out
}

// fires is a launchd that starts a job whenever the wall clock shows one of its minutes.
func fires(list []interval, zone *time.Location, span caltest.Span) []int64 {
	byMinute := map[int][]interval{}
	for _, i := range list {
		byMinute[i.minute] = append(byMinute[i.minute], i)
	}
	var out []int64
	for at := span.From; at < span.To; at += 60 {
		wall := time.Unix(at+caltest.Offset(zone, at), 0).UTC()
		for _, i := range byMinute[wall.Minute()] {
			if (i.hour == -1 || i.hour == wall.Hour()) && (i.month == -1 || i.month == int(wall.Month())) && i.onDay(wall) {
				out = append(out, at)
			}
		}
	}
	return out
}

// onDay reads launchd.plist(5): with both given, either is enough.
func (i interval) onDay(wall time.Time) bool {
	if i.day == -1 && i.weekday == -1 {
		return true
	}
	return i.day == wall.Day() || i.weekday == int(wall.Weekday())
}

func checkRendering(t *testing.T, machine, zone string, texts ...string) scheduler.Entry {
	t.Helper()
	s := renderer(t, caltest.Zone(t, machine))
	schedules := caltest.Parse(t, texts...)
	job := scheduler.Job{ID: jobID, Schedules: schedules, Zone: caltest.Zone(t, zone)}
	entry, err := s.Render(job)
	if err != nil {
		t.Fatalf("%q in %s on %s: %v", texts, zone, machine, err)
	}
	list := intervalsOf(t, entry.Body)
	slots := schedule.SlotsOf(schedules, job.Zone)
	for _, span := range caltest.Spans(job.Zone, s.o.Zone) {
		wrong := caltest.Compare(caltest.Slots(slots, span), fires(list, s.o.Zone, span), span, entry.Gated != "")
		if wrong != "" {
			t.Errorf("%q in %s on %s, gated %q: %s\n%s", texts, zone, machine, entry.Gated, wrong, entry.Body)
			return entry
		}
	}
	return entry
}

// TestRenderingsKeepTheSlots: what is called exact starts at the slots and what is gated starts at all of them.
func TestRenderingsKeepTheSlots(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	exact, count := 0, caltest.Count()
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

func TestJobsOfOneDomainRunAsItsUser(t *testing.T) {
	s := renderer(t, time.UTC)
	job := scheduler.Job{ID: jobID, User: "backup", Schedules: caltest.Parse(t, "0 2 * * *"), Zone: time.UTC}
	if _, err := s.Render(job); err == nil {
		t.Error("a user's own launchd started a job as somebody else")
	}
	s.o.Domain = system
	s.o.Area = func(name string) (string, error) { return "/var/lib/" + name, nil }
	if e, err := s.Render(job); err != nil || e.User != "backup" || userOf(e.Body) != "backup" {
		t.Errorf("%+v, %v", e, err)
	}
	for _, bad := range []Options{
		{Installation: installation, RunPath: "run", StateDir: "/s", Folder: "/f", Domain: system, Command: "x"},
		{Installation: installation, RunPath: "/run\n", StateDir: "/s", Folder: "/f", Domain: system, Command: "x"},
		{Installation: installation, RunPath: "/run", StateDir: "/s", Folder: "/f", Command: "x"},
		{RunPath: "/run", StateDir: "/s", Folder: "/f", Domain: system, Command: "x"},
	} {
		if _, err := New(bad); err == nil {
			t.Errorf("took %s", fmt.Sprintf("%+v", bad))
		}
	}
}
