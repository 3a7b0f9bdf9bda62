//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/crontabtest"
	"crontopus.dev/agent/pkg/discover"
)

func TestAdoptionOnARealCrontab(t *testing.T) {
	r := newRig(t)
	crontabtest.Set(t, foreign)
	r.enroll("role=db")
	run := r.expect
	var found []discover.Found
	if err := json.Unmarshal([]byte(run(0, "discover", "--json")), &found); err != nil {
		t.Fatal(err)
	}
	var entry discover.Found
	for _, f := range found {
		if f.Source == "crontab" && f.Schedule == "0 3 * * *" {
			entry = f
		}
	}
	if entry.ID == "" || entry.Fixed != "" {
		t.Fatalf("%+v", found)
	}
	// What adopt shows is committed, as a person would.
	shown := run(0, "adopt", entry.ID, "--as", "default/mine")
	r.srv.Push(map[string]string{"default/mine.yaml": shown})
	if out := run(0, "apply"); !strings.Contains(out, "adopt default/mine (crontab") {
		t.Errorf("apply: %s", out)
	}
	got := crontabtest.Get(t)
	if strings.Contains(got, "0 3 * * *\t/usr/bin/true") || strings.Count(got, "crontopus-run") != 1 || !strings.Contains(got, "@reboot /usr/bin/true\n") {
		t.Fatalf("the crontab is %q", got)
	}
	run(0, "adopt", "--undo", entry.ID)
	if out := run(0, "apply"); !strings.Contains(out, "AdoptionUndone") {
		t.Errorf("apply: %s", out)
	}
	if got := crontabtest.Get(t); got != foreign {
		t.Errorf("after the undoing the crontab is %q, and was %q", got, foreign)
	}
}

const (
	equalLine  = "0 3 * * * /usr/bin/true\n"
	equalLines = "# mine\n" + equalLine + "# between\n" + equalLine
)

// adopt takes over the entry at a place of the crontab, as a person would, and gives its id.
func (r *rig) adopt(place, address string) string {
	r.t.Helper()
	var found []discover.Found
	if err := json.Unmarshal([]byte(r.expect(0, "discover", "--json")), &found); err != nil {
		r.t.Fatal(err)
	}
	i := slices.IndexFunc(found, func(f discover.Found) bool { return f.Source == "crontab" && f.Place == place })
	if i < 0 {
		r.t.Fatalf("nothing at %s of the crontab", place)
	}
	r.srv.Push(map[string]string{address + ".yaml": r.expect(0, "adopt", found[i].ID, "--as", address)})
	return found[i].ID
}

// settles applies twice: what the first round leaves is not to be changed by the second.
func (r *rig) settles(what string, lines, entries int) {
	r.t.Helper()
	for range 2 {
		r.expect(0, "apply")
		if got := crontabtest.Get(r.t); strings.Count(got, equalLine) != lines || strings.Count(got, "crontopus-run") != entries {
			r.t.Fatalf("%s: %q", what, got)
		}
	}
}

// An entry of others is known by what it says and by which of equal ones it is, so that ids move up when one goes.
func TestEqualLinesComeBackOneByOne(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		r := newRig(t)
		crontabtest.Set(t, equalLines)
		r.enroll("role=db")
		var adopted []string
		adopted = append(adopted, r.adopt("line 4", "default/one"))
		r.settles("one adopted", 1, 1)
		adopted = append(adopted, r.adopt("line 3", "default/two"))
		r.settles("both adopted", 0, 2)
		for i, which := range order {
			r.expect(0, "adopt", "--undo", adopted[which])
			r.settles(fmt.Sprintf("%d of %v undone", i+1, order), i+1, 1-i)
		}
		if got := crontabtest.Get(t); got != equalLines {
			t.Errorf("undone in the order %v: %q", order, got)
		}
	}
}

func TestOfEqualLinesTheOneThatWasAdoptedGoes(t *testing.T) {
	r := newRig(t)
	crontabtest.Set(t, equalLines)
	r.enroll("role=db")
	id := r.adopt("line 2", "default/one")
	r.settles("adopted", 1, 1)
	r.expect(0, "adopt", "--undo", id)
	r.settles("undone", 2, 0)
	r.expect(0, "adopt", "--again", id)
	r.settles("adopted again", 1, 1)
	r.expect(0, "eject")
	if got := crontabtest.Get(t); got != equalLines {
		t.Errorf("ejected: %q", got)
	}
}
