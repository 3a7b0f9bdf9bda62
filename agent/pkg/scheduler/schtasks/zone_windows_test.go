package schtasks

import (
	"os"
	"slices"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler/caltest"
)

// TestTheMachinesZoneHasItsJumps: scripts/test-wine sets the zone that the registry shall show.
func TestTheMachinesZoneHasItsJumps(t *testing.T) {
	name := os.Getenv("CRONTOPUS_MACHINE_ZONE")
	if name == "" {
		t.Skip("CRONTOPUS_MACHINE_ZONE says which zone this machine is in")
	}
	zone := caltest.Zone(t, name)
	if d := schedule.Differences(time.Local, zone, caltest.Now); !slices.Equal(d, []int{0}) {
		t.Errorf("the machine's clock is %v seconds ahead of %s", d, name)
	}
	if jumps := schedule.Jumps(time.Local, caltest.Now); len(jumps) != len(schedule.Jumps(zone, caltest.Now)) {
		t.Errorf("%d jumps: %v", len(jumps), jumps)
	}
}
