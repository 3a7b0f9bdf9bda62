package schedule

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func parseAll(t testing.TB, texts ...string) []Schedule {
	t.Helper()
	out := make([]Schedule, len(texts))
	for i, text := range texts {
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = s
	}
	return out
}

func TestExpress(t *testing.T) {
	const away = "it is meant in"
	for _, c := range []struct {
		text, zone, machine string
		daemon              Daemon
		want, gated         string
	}{
		{"0 2 * * *", "UTC", "UTC", Vixie, "0 2 * * *", ""},
		{"0 2 * * *", "America/New_York", "UTC", Vixie, "0 6-7 * * *", away},
		// 02:30 is skipped in spring and made up for at 03:00, which is 07:00 UTC.
		{"30 2 * * *", "America/New_York", "UTC", Vixie, "*/30 6-7 * * *", away},
		{"*/20 9 1 * *", "Asia/Kolkata", "UTC", Vixie, "10,30,50 3-4 * * *", away},
		{"0 2 * * *", "UTC", "America/New_York", Vixie, "0 * * * *", away},
		{"0 12 * * 1-5", "Australia/Lord_Howe", "UTC", Vixie, "*/30 1 * * *", away},
		{"every 7m", "UTC", "UTC", Vixie, "* * * * *", "evenly"},
		{"every 90m", "UTC", "UTC", Vixie, "*/30 0-1,3-4,6-7,9-10,12-13,15-16,18-19,21-22 * * *", "different minutes"},
		{"every 5h", "UTC", "UTC", Vixie, "0 * * * *", "evenly"},
		{"every 36h", "UTC", "UTC", Vixie, "0 */12 * * *", "evenly"},
		{"every 2d", "UTC", "Asia/Kathmandu", Vixie, "45 5 * * *", "counts in UTC"},
		{"every 2h", "UTC", "Europe/London", Vixie, "0 * * * *", "counts in UTC"},
		{"0 2 * * *", "Europe/London", "Europe/London", Vixie, "0 2 * * *", ""},
		{"30 1 * * *", "Europe/London", "Europe/London", Busybox, "*/30 * * * *", "takes no notice"},
		{"30 1 * * *", "Europe/London", "Europe/London", BSD, "*/30 * * * *", "takes no notice"},
		{"*/5 9-17 * * 1-5", "Europe/London", "Europe/London", BSD, "*/5 9-17 * * 1-5", ""},
		{"1-59/2,0 0 1 * 5-7", "UTC", "UTC", Busybox, "0-1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,39,41,43,45,47,49,51,53,55,57,59 0 1 * 0,5-6", ""},
		{"0 0 * * 7", "UTC", "UTC", Busybox, "0 0 * * 0", ""},
		{"0 0 */2 * 1", "UTC", "UTC", Busybox, "0 0 * * *", "busybox"},
		{"0 0 1-31 * 1", "UTC", "UTC", Busybox, "0 0 * * *", "busybox"},
		{"0 0 1-31 * 0-7", "UTC", "UTC", Busybox, "0 0 * * *", ""},
	} {
		got, err := Express(parseAll(t, c.text), zone(t, c.zone), zone(t, c.machine), c.daemon, now)
		if err != nil || strings.Join(got.Fields, "\n") != c.want || !strings.Contains(got.Gated, c.gated) || (got.Gated == "") != (c.gated == "") {
			t.Errorf("%q in %s on %s: %q, %v; want %q, gated %q", c.text, c.zone, c.machine, got, err, c.want, c.gated)
		}
	}
	odd := time.FixedZone("odd", 3601)
	if got, err := Express(parseAll(t, "0 2 * * *"), time.UTC, odd, Vixie, now); !errors.Is(err, ErrNotExpressible) {
		t.Errorf("a clock that is off by a second: %+v, %v", got, err)
	}
}

func TestTwoSchedulesOfOneMinuteAreOneSlot(t *testing.T) {
	const london = "Europe/London"
	for _, c := range []struct {
		machine string
		texts   []string
		gated   bool
	}{
		{"UTC", []string{"0 2 * * *", "0 3 * * *"}, false},
		{"UTC", []string{"0 2 * * *", "5 2 * * *"}, false},
		{"UTC", []string{"0 2 * * 1-5", "0 2 * * 6,7"}, false},
		{"UTC", []string{"0 2 1 * *", "0 2 2 * *"}, false},
		{"UTC", []string{"0 2 * 1 *", "0 2 * 2 *"}, false},
		{"UTC", []string{"0 2 * * 1-5", "0 2 1 * *"}, true},
		{"UTC", []string{"0 2 1 * 1", "0 2 2 * 2"}, true},
		{"UTC", []string{"0 2 * * *", "0 */2 * * *"}, true},
		{"UTC", []string{"@daily", "0 0 * * *"}, false}, // the same line
		{"UTC", []string{"every 15m", "*/15 * * * *"}, false},
		{london, []string{"30 1 * * *", "45 1 * * *"}, true}, // both at 02:00 in spring
		{london, []string{"30 1 * * *", "0 2 * * *"}, true},
		{london, []string{"30 1 * * *", "0 12 * * *"}, false},
		{london, []string{"30 3 * * *", "45 3 * * *"}, false},
		{"UTC", []string{"30 1 * * *", "0 2 * * *"}, false},
	} {
		got, err := Express(parseAll(t, c.texts...), zone(t, c.machine), zone(t, c.machine), Vixie, now)
		if err != nil || (got.Gated != "") != c.gated {
			t.Errorf("%q on %s: %+v, %v", c.texts, c.machine, got, err)
		}
	}
}

// firings counts how often a daemon starts the entry with these fields, by instant, in [from, to).
func firings(t *testing.T, fields string, clock *clock, daemon Daemon, from, to int64, into map[int64]int) {
	t.Helper()
	wall := newWallClock(parseAll(t, fields)[0].cron)
	if daemon == Vixie {
		rule := &cronRule{clock: clock, wall: wall}
		for at, ok := rule.next(from - 1); ok && at < to; at, ok = rule.next(at) {
			into[at]++
		}
		return
	}
	const everyDay, everyWeekday = 1<<32 - 2, 1<<7 - 1
	onDay := wall.onDay
	if daemon == Busybox {
		if strings.Contains(strings.Fields(fields)[4], "7") {
			t.Errorf("busybox cannot read %q", fields)
		}
		wall.weekdays &= everyWeekday
		wall.bothDays = wall.days == everyDay || wall.weekdays == everyWeekday
	}
	for at := from; at < to; at += 60 {
		local := time.Unix(at+clock.offset(at), 0).UTC()
		if wall.inMonth(local) && onDay(local) && wall.hours>>local.Hour()&1 != 0 && wall.minutes>>local.Minute()&1 != 0 {
			into[at]++
		}
	}
}

var triggerZones = []string{"UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Kolkata",
	"Africa/Casablanca", "America/Santiago", "Africa/Cairo", "Antarctica/Troll", "America/St_Johns", "Pacific/Chatham", "Asia/Tokyo"}

func randomSchedule(rng *rand.Rand) string {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	if rng.IntN(5) == 0 {
		return "every " + pick("7m", "15m", "45m", "90m", "1h", "5h", "8h", "36h", "1d", "1w", "1000m", "31d")
	}
	n := func(hi int) string { return strconv.Itoa(rng.IntN(hi)) }
	hour := pick(n(24), n(4), n(4), n(4), n(4), "*", "*/"+strconv.Itoa(1+rng.IntN(23)), n(12)+"-"+strconv.Itoa(12+rng.IntN(12)), "1,2,3")
	return pick(n(60), "0", "30", "*/15", n(30)+"-"+strconv.Itoa(30+rng.IntN(30))+"/7") + " " + hour + " " +
		pick("*", "*", "1", "*/2", "1-31", "25-31") + " " + pick("*", "*", "3,4,10,11") + " " + pick("*", "*", "0", "7", "1-5", "*/2")
}

// TestTriggersHoldEverySlot: until the horizon, a gated trigger fires at every slot, an exact one at the slots and at no
// other time: looked at around every change of either clock, and on one ordinary day of each year.
func TestTriggersHoldEverySlot(t *testing.T) {
	rounds, years := 250, 2
	if os.Getenv("CRONTOPUS_SOAK") != "" {
		rounds, years = 5000, 20
	}
	rng := rand.New(rand.NewPCG(6, 66))
	kinds := map[bool]int{}
	for range rounds {
		texts := []string{randomSchedule(rng)}
		for rng.IntN(4) == 0 {
			texts = append(texts, randomSchedule(rng))
		}
		home, machine := zone(t, triggerZones[rng.IntN(len(triggerZones))]), zone(t, triggerZones[rng.IntN(len(triggerZones))])
		if rng.IntN(3) == 0 {
			machine = home
		}
		daemon := Daemon(rng.IntN(3))
		var parsed []Schedule
		for _, text := range texts {
			if s, err := Parse(text); err == nil {
				parsed = append(parsed, s)
			}
		}
		got, err := Express(parsed, home, machine, daemon, now)
		if err != nil {
			t.Fatalf("%q in %s on %s: %v", texts, home, machine, err)
		}
		kinds[got.Gated == ""]++
		checkTriggers(t, parsed, got, home, machine, daemon, years)
		if t.Failed() {
			t.Fatalf("%q in %s on %s, daemon %d: %q", texts, home, machine, daemon, got)
		}
	}
	if kinds[true] < rounds/10 || kinds[false] < rounds/10 {
		t.Errorf("exact and gated: %v", kinds)
	}
}

func checkTriggers(t *testing.T, parsed []Schedule, got Triggers, home, machine *time.Location, daemon Daemon, years int) {
	t.Helper()
	slots, clock := SlotsOf(parsed, home), newClock(machine)
	var windows []time.Time
	for _, c := range append(slices.Clone(changes(home, now)), changes(machine, now)...) {
		windows = append(windows, c.at)
	}
	for year := range 20 {
		windows = append(windows, now.AddDate(year, year, year))
	}
	for _, middle := range windows {
		from, to := middle.Add(-5*time.Hour).Truncate(time.Minute).Unix(), middle.Add(7*time.Hour).Unix()
		// What was before is not promised; the years in the middle are like those at the ends, for most zones.
		if year := middle.Year() - now.Year(); from < now.Unix() || years < 20 && year > years && year < 20-years {
			continue
		}
		fired := map[int64]int{}
		for _, fields := range got.Fields {
			firings(t, fields, clock, daemon, from, to, fired)
		}
		next, ok := slots.After(time.Unix(from-1, 0))
		for ; ok && next.Unix() < to; next, ok = slots.After(next) {
			if count := fired[next.Unix()]; count == 0 || got.Gated == "" && count > 1 {
				t.Errorf("slot %s: fired %d times", next, count)
			}
			delete(fired, next.Unix())
		}
		for at := range fired {
			if got.Gated == "" {
				t.Errorf("fired at %s, which is no slot", time.Unix(at, 0).UTC())
			}
		}
	}
}

func TestCatchUps(t *testing.T) {
	for text, want := range map[string]int{"0 2 * * *": 1, "59 2 * * *": 1, "59 1 * * *": 0, "0 3 * * *": 0, "*/5 2 * * *": 0, "every 7m": 0} {
		s := parseAll(t, text)[0]
		got := s.catchUps(zone(t, "America/New_York"), now)
		if len(got) != 20*want || want > 0 && !got[0].Equal(time.Date(2027, 3, 14, 7, 0, 0, 0, time.UTC)) {
			t.Errorf("%q: %s", text, got)
		}
	}
}
