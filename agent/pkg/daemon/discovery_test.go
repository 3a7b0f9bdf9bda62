package daemon

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"crontopus.dev/agent/pkg/scheduler"
)

func TestOtherJobsAreReportedWhenTheyChange(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		if n := len(r.seen().found); n != 1 {
			t.Fatalf("%d reports at start", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(r.seen().found); n != 1 {
			t.Fatalf("%d reports of the same", n)
		}
		r.sched.SetForeign(scheduler.Foreign{ID: "x", Command: "backup --password=secret"})
		r.set(func() { r.err = errors.New("away") })
		time.Sleep(time.Hour)
		r.set(func() { r.err = nil })
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		found := r.seen().found
		if len(found) != 2 || len(found[1]) != 1 || found[1][0].Command != "backup --password=[REDACTED]" {
			t.Errorf("%+v", found)
		}
	})
}

func TestAPlaceThatCannotBeReadIsNoEmptyOne(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.sched.SetForeign(scheduler.Foreign{ID: "half"})
		r.sched.SetForeignError(errors.New("one place is not readable"))
		time.Sleep(35 * time.Minute)
		synctest.Wait()
		if n := len(r.seen().found); n != 1 {
			t.Fatalf("half of what is there was told, %d reports", n)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if found := r.seen().found; len(found) != 2 || len(found[1]) != 1 {
			t.Fatalf("what can be read is never told: %+v", found)
		}
		r.sched.SetForeign(scheduler.Foreign{ID: "half"}, scheduler.Foreign{ID: "other"})
		r.sched.SetForeignError(nil)
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if found := r.seen().found; len(found) != 3 || len(found[2]) != 2 {
			t.Errorf("%+v", found)
		}
	})
}
