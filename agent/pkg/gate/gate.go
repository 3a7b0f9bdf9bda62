// Package gate decides, each time a native trigger fires that fires more often than its schedule asks, whether
// the run of a slot is due. It is pure: crontopus-run brings the clock and keeps the Memory.
package gate

import (
	"fmt"
	"time"

	"crontopus.dev/agent/pkg/schedule"
)

const (
	// onTime is how late a trigger counts as punctual: a cron minute can start late on a busy machine.
	onTime = 90 * time.Second
	// early is how long before its slot a trigger may fire: some schedulers are a blink ahead of the clock.
	early = 2 * time.Second
	// Punctual is how late a run may be when it cannot be written down as served: within its own minute no second
	// trigger can fire for the same slot.
	Punctual = time.Minute
)

// Gate knows a job's slots.
type Gate struct {
	slots *schedule.Slots
	grace time.Duration
}

// New reads a job's schedules as its job file has them; grace is the lateness that the job allows.
func New(expressions []string, timezone string, grace time.Duration) (*Gate, error) {
	slots, err := schedule.NewSlots(expressions, timezone)
	if err != nil {
		return nil, fmt.Errorf("the schedule cannot be evaluated: %w", err)
	}
	return &Gate{slots: slots, grace: grace}, nil
}

// Decide gives the slot to serve now; false where nothing is due: the latest slot is served, or too long ago.
//
// A slot may be caught up with for its grace, but for no longer than half the way to the next one. Where nothing
// was ever served only a punctual trigger counts: the job may be younger than the slot.
func (g *Gate) Decide(now time.Time, memory Memory) (time.Time, bool) {
	slot, ok := g.slots.AtOrBefore(now.Add(early))
	if !ok || now.Sub(slot) > g.tolerance(slot, memory) || memory.served(slot, now) {
		return time.Time{}, false
	}
	return slot, true
}

// Near tells whether a punctual trigger for some slot could fire now, whatever was served.
func (g *Gate) Near(now time.Time) (time.Time, bool) { return g.Decide(now, Memory{}) }

func (g *Gate) tolerance(slot time.Time, memory Memory) time.Duration {
	if memory.Empty() {
		return onTime
	}
	late := g.grace
	if next, ok := g.slots.After(slot); ok {
		late = min(late, next.Sub(slot)/2)
	}
	return max(late, onTime)
}
