package gate

import (
	"math/rand/v2"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/schedule"
)

const minute = time.Minute

func newGate(t *testing.T, grace time.Duration, zone string, expressions ...string) *Gate {
	t.Helper()
	g, err := New(expressions, zone, grace)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestDecide(t *testing.T) {
	daily := []string{"0 10 * * *"}
	for _, c := range []struct {
		name      string
		schedules []string
		grace     time.Duration
		served    []string
		now, slot string // slot "" = nothing is due
	}{
		{"on time, first ever", daily, minute, nil, "2026-03-02 10:00:01", "2026-03-02 10:00:00"},
		{"a cron minute that starts late", daily, minute, nil, "2026-03-02 10:01:29", "2026-03-02 10:00:00"},
		{"late, first ever: the job may be younger", daily, time.Hour, nil, "2026-03-02 10:01:31", ""},
		{"a blink early", daily, minute, nil, "2026-03-02 09:59:59", "2026-03-02 10:00:00"},
		{"too early", daily, minute, nil, "2026-03-02 09:59:57", ""},
		{"served", daily, time.Hour, []string{"2026-03-02 10:00:00"}, "2026-03-02 10:00:30", ""},
		{"caught up within grace", daily, time.Hour, []string{"2026-03-01 10:00:00"}, "2026-03-02 10:59:59", "2026-03-02 10:00:00"},
		{"beyond grace", daily, time.Hour, []string{"2026-03-01 10:00:00"}, "2026-03-02 11:00:01", ""},
		{"grace of seconds still allows a late minute", daily, time.Second, []string{"2026-03-01 10:00:00"}, "2026-03-02 10:01:30", "2026-03-02 10:00:00"},
		{"no later than half the interval", []string{"*/10 * * * *"}, time.Hour, []string{"2026-03-02 09:50:00"}, "2026-03-02 10:05:01", ""},
		{"only the latest of several missed", []string{"*/10 * * * *"}, time.Hour, []string{"2026-03-02 09:20:00"}, "2026-03-02 10:04:00", "2026-03-02 10:00:00"},
		{"every minute is always on time", []string{"* * * * *"}, minute, []string{"2026-03-02 09:59:00"}, "2026-03-02 10:00:45", "2026-03-02 10:00:00"},
		{"clock went back over a served slot", daily, time.Hour, []string{"2026-03-01 10:00:00", "2026-03-02 10:00:00"}, "2026-03-02 09:59:59", ""},
		{"clock went back a day: yesterday's is known", daily, time.Hour, []string{"2026-03-01 10:00:00", "2026-03-02 10:00:00"}, "2026-03-01 10:20:00", ""},
		{"clock had leapt over a slot and came back", daily, time.Hour, []string{"2026-03-01 10:00:00", "2026-03-03 10:00:00"}, "2026-03-02 10:00:05", "2026-03-02 10:00:00"},
		{"served under an absurd clock", daily, time.Hour, []string{"2040-03-01 10:00:00"}, "2026-03-02 10:00:05", "2026-03-02 10:00:00"},
		{"either of two schedules", []string{"0 10 * * *", "30 11 * * *"}, minute, []string{"2026-03-02 10:00:00"}, "2026-03-02 11:30:05", "2026-03-02 11:30:00"},
		{"every N counts from the epoch", []string{"every 7h"}, minute, nil, "1970-01-01 14:00:03", "1970-01-01 14:00:00"},
		{"long before any slot", []string{"0 0 29 2 *"}, minute, nil, "2026-03-02 10:00:00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var memory Memory
			for _, s := range c.served {
				memory = memory.With(at(t, s))
			}
			slot, due := newGate(t, c.grace, "UTC", c.schedules...).Decide(at(t, c.now), memory)
			if due != (c.slot != "") || due && !slot.Equal(at(t, c.slot)) {
				t.Errorf("%v %v, want %q", slot, due, c.slot)
			}
		})
	}
}

func TestAForgottenPastIsNotServedAgain(t *testing.T) {
	g := newGate(t, time.Hour, "UTC", "* * * * *")
	start := at(t, "2026-03-02 00:00:00")
	var memory Memory
	for i := range 2 * remembered {
		memory = memory.With(start.Add(time.Duration(i) * minute))
	}
	if slot, due := g.Decide(start.Add(5*minute), memory); due {
		t.Errorf("%v was served, and forgotten", slot)
	}
	if _, due := g.Decide(start.AddDate(-1, 0, 0), memory); !due {
		t.Error("a clock that was a year ahead still blocks the job")
	}
}

// TestEveryMinuteThroughBothJumps fires a trigger each minute around the nights on which clocks jump: each slot is
// served exactly once, at its own minute.
func TestEveryMinuteThroughBothJumps(t *testing.T) {
	for _, c := range []struct{ zone, expression, spring, autumn string }{
		{"America/New_York", "30 2 * * *", "03-06", "10-30"}, {"America/New_York", "30 1 * * *", "03-06", "10-30"},
		{"America/New_York", "*/20 * * * *", "03-06", "10-30"}, {"Europe/London", "0 1 * * *", "03-27", "10-23"},
		{"Australia/Lord_Howe", "45 1 * * *", "04-03", "10-02"}, {"Asia/Kathmandu", "0 0 * * *", "03-06", "10-30"},
		{"UTC", "every 11h", "03-06", "10-30"},
	} {
		t.Run(c.zone+" "+c.expression, func(t *testing.T) {
			slots, err := schedule.NewSlots([]string{c.expression}, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			g := newGate(t, 10*minute, c.zone, c.expression)
			for _, begin := range []string{c.spring, c.autumn} {
				everyMinute(t, g, slots, at(t, "2026-"+begin+" 00:00:00"), 5)
			}
		})
	}
}

func everyMinute(t *testing.T, g *Gate, slots *schedule.Slots, begin time.Time, days int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var memory Memory
	want, _ := slots.After(begin.Add(-time.Second))
	for now := begin; now.Before(begin.AddDate(0, 0, days)); now = now.Add(minute) {
		slot, due := g.Decide(now.Add(time.Duration(random.IntN(20))*time.Second), memory)
		if due != now.Equal(want) || due && !slot.Equal(want) {
			t.Fatalf("%v: served %v %v, want %v", now, slot, due, want)
		}
		if due {
			memory = memory.With(slot)
			want, _ = slots.After(slot)
		}
	}
}

// TestAJumpingClock throws the clock about by up to an hour: no slot is served twice.
func TestAJumpingClock(t *testing.T) {
	g := newGate(t, 20*minute, "Europe/London", "*/15 * * * *")
	random := rand.New(rand.NewPCG(3, 4))
	var memory Memory
	served := map[time.Time]bool{}
	for now := at(t, "2026-10-24 00:00:00"); now.Before(at(t, "2026-10-27 00:00:00")); now = now.Add(minute) {
		if random.IntN(20) == 0 {
			now = now.Add(time.Duration(random.IntN(7200)-3500) * time.Second)
		}
		slot, due := g.Decide(now, memory)
		if !due {
			continue
		}
		if served[slot] {
			t.Fatalf("%v is served again at %v", slot, now)
		}
		served[slot], memory = true, memory.With(slot)
	}
	if len(served) < 100 {
		t.Errorf("only %d slots were served", len(served))
	}
}

func TestAScheduleThatCannotBeEvaluated(t *testing.T) {
	for _, c := range [][]string{{"UTC"}, {"UTC", "61 * * * *"}, {"Mars/Olympus", "0 1 * * *"}} {
		if _, err := New(c[1:], c[0], minute); err == nil {
			t.Errorf("%v is a gate", c)
		}
	}
}

func TestMemoryGoesThroughItsBytes(t *testing.T) {
	var memory Memory
	for i := range 100 {
		memory = memory.With(time.Unix(1<<40+int64(i), 0))
		data, err := memory.Encode()
		if err != nil || len(data) != Size {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		if memory, err = Decode(data); err != nil {
			t.Fatal(err)
		}
	}
	if len(memory.slots) != remembered || memory.slots[remembered-1] != 1<<40+99 {
		t.Errorf("%v", memory.slots)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"served":[1,2]}`))
	f.Add([]byte("{\"served\":[1\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		memory, err := Decode(data)
		if err == nil && memory.Empty() {
			t.Error("an empty memory was read")
		}
	})
}
