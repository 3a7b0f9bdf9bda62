package daemon

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/statedir"
)

func TestATokenThatIsRefusedIsTradedByTheKey(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.set(func() { r.err = &api.Error{Status: http.StatusUnauthorized, Code: "invalid_token"} })
		time.Sleep(3 * time.Minute) // synctest's time
		synctest.Wait()
		if n := r.seen().rotated; n == 0 || n > 6 {
			t.Errorf("rotated %d times in three minutes of refusal", n)
		}
	})
}

func TestWhyItIsRefusedIsVisibleHereUntilItIsNot(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		for _, code := range []string{api.CodeLocked, api.CodeRevoked, api.CodeSuperseded} {
			r.set(func() { r.err = &api.Error{Status: http.StatusForbidden, Code: code, Detail: "for a reason"} })
			time.Sleep(time.Minute)
			synctest.Wait()
			status, err := LoadStatus(r.dir)
			if err != nil || status.Refused != code+": for a reason" {
				t.Errorf("%s: %+v, %v", code, status, err)
			}
		}
		if len(r.sched.Entries()) != 1 {
			t.Error("the jobs went with the endpoint")
		}
		r.set(func() { r.err = nil })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if status, err := LoadStatus(r.dir); err != nil || status.Refused != "" {
			t.Errorf("afterwards: %+v, %v", status, err)
		}
	})
}

func TestARefusedTokenDoesNotHideWhyTheKeyWasRefused(t *testing.T) {
	dir, err := statedir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{Options: Options{Dir: dir, Log: slog.New(slog.DiscardHandler)}}
	d.stand(&api.Error{Status: http.StatusForbidden, Code: api.CodeLocked, Detail: "two"})
	for name, err := range map[string]error{
		"the token that ended with it": &api.Error{Status: http.StatusUnauthorized, Code: "invalid_token"},
		"no answer":                    &api.UnreachableError{Server: "x", Err: errors.New("away")},
	} {
		if d.stand(err); d.status.Refused != "endpoint_locked: two" {
			t.Errorf("%s: %q", name, d.status.Refused)
		}
	}
	if d.stand(nil); d.status.Refused != "" || d.showKey {
		t.Errorf("afterwards: %q", d.status.Refused)
	}
}

func TestTheGenerationAdvancesAtTheStartAndEveryHour(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		marks := map[string]bool{}
		for i, beat := range r.seen().beats {
			if beat.Generation == nil {
				t.Fatal("a heartbeat without generation")
			}
			if i == 0 && beat.Generation.Next == nil {
				t.Error("the first heartbeat did not advance")
			}
			if beat.Generation.Mark != nil {
				marks[*beat.Generation.Mark] = true
			}
		}
		if len(marks) < 3 || len(marks) > 12 { // at the start, every hour, and with every token, which live for an hour here
			t.Errorf("%d marks in three hours", len(marks))
		}
	})
}

func TestTheClockIsMeasuredWithinTheRoundTrip(t *testing.T) {
	var d Daemon
	sent := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d.measure(sent, 4*time.Second, sent.Add(92*time.Second))
	if d.offset != 90*time.Second || d.clock.OffsetMS != -90_000 || d.clock.RoundTripMS != 4000 {
		t.Errorf("%s, %+v", d.offset, d.clock)
	}
	d.measure(sent, 11*time.Second, sent) // too slow to tell anything
	d.measure(sent, time.Second, time.Time{})
	if d.offset != 90*time.Second {
		t.Errorf("%s", d.offset)
	}
}
