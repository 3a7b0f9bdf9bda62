package reconcile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/scheduler"
)

var nightly = scheduler.Foreign{ID: "f-1", Source: "crontab", Place: "line 3", Schedule: "0 2 * * *", Command: "/opt/backup", Text: "0 2 * * * /opt/backup"}

func adopting(name, ids, more string) string {
	return strings.Replace(spec(name, ""), "name: "+name, "name: "+name+", annotations: {crontopus.dev/adopts: '"+ids+"'"+more+"}", 1)
}

func (r *rig) foreign() []scheduler.Foreign {
	r.t.Helper()
	all, err := r.sched.Foreign(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

func TestAdoptionTakesThePlaceOfTheExactEntryAndCanBeUndone(t *testing.T) {
	r := newRig(t)
	other := scheduler.Foreign{ID: "f-2", Source: "crontab", Text: "@hourly other"}
	r.sched.SetForeign(nightly, other)
	r.files["default/a.yaml"] = adopting("a", "f-1", "")
	p := r.apply()
	if !r.has("a") || len(r.foreign()) != 1 || r.foreign()[0].ID != other.ID || r.sched.Writes() != 1 {
		t.Fatalf("entries %v, foreign %v, %d writes", r.sched.Entries(), r.foreign(), r.sched.Writes())
	}
	if last := p.Actions[len(p.Actions)-1]; last.Verb != Adopt || last.Before != nightly.Text || last.Reason != "crontab line 3" {
		t.Errorf("%+v", p.Actions)
	}
	if p := r.apply(); p.Changes() {
		t.Errorf("a second round: %+v", p.Actions)
	}
	if _, err := Undo(r.app.Dir, "f-1", false, start); err != nil {
		t.Fatal(err)
	}
	p = r.apply()
	if r.has("a") || len(r.foreign()) != 2 || r.foreign()[1].Text != nightly.Text || r.sched.Writes() != 2 {
		t.Fatalf("undone: entries %v, foreign %v, %d writes", r.sched.Entries(), r.foreign(), r.sched.Writes())
	}
	r.expect(p, "a", Suspended, "AdoptionUndone")
	r.sched.SetForeign(other) // what came back is its owner's again, to remove as well
	if p := r.apply(); p.Changes() || r.has("a") {
		t.Errorf("after the undoing: %+v", p.Actions)
	}
	if _, err := Undo(r.app.Dir, "f-1", true, start); err != nil {
		t.Fatal(err)
	}
	r.expect(r.apply(), "a", Ready, "Applied")
	if !r.has("a") {
		t.Error("not adopted again")
	}
}

func TestAnUndoneAdoptionComesBackWhenItsJobIsGone(t *testing.T) {
	r := newRig(t)
	r.sched.SetForeign(nightly)
	r.files["default/a.yaml"] = adopting("a", "f-1", "")
	r.apply()
	delete(r.files, "default/a.yaml")
	r.apply()
	if len(r.foreign()) != 0 {
		t.Fatal("a job that goes does not bring back what it replaced")
	}
	if _, err := Undo(r.app.Dir, "f-1", false, start); err != nil {
		t.Fatal(err)
	}
	r.apply()
	if len(r.foreign()) != 1 {
		t.Error("not restored")
	}
	if _, err := Undo(r.app.Dir, "nothing", false, start); !errors.Is(err, ErrNotAdopted) {
		t.Error(err)
	}
}

func TestWhatCannotBeAdopted(t *testing.T) {
	here := ", crontopus.dev/endpoint: '" + endpoint.String() + "'"
	fixed, theirs := nightly, nightly
	fixed.Fixed, theirs.User = "a systemd timer", "somebody"
	for _, c := range []struct {
		name    string
		there   scheduler.Foreign
		more    string
		want    bool
		typ, re string
	}{
		{"it changed since it was found here", scheduler.Foreign{ID: "f-9"}, here, false, Stalled, "AdoptionNotFound"},
		{"another machine's", scheduler.Foreign{ID: "f-9"}, "", true, Ready, "Applied"},
		{"read-only", fixed, "", false, Stalled, "CannotAdopt"},
		{"another user's", theirs, "", false, Stalled, "CannotAdopt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.sched.SetForeign(c.there)
			r.files["default/a.yaml"] = adopting("a", "f-1", c.more)
			r.expect(r.apply(), "a", c.typ, c.re)
			if r.has("a") != c.want || len(r.foreign()) != 1 {
				t.Errorf("entries %v, foreign %v", r.sched.Entries(), r.foreign())
			}
		})
	}
}

func TestTwoJobsCannotAdoptOneEntry(t *testing.T) {
	r := newRig(t)
	r.sched.SetForeign(nightly)
	r.files["default/a.yaml"], r.files["default/b.yaml"] = adopting("a", "f-1", ""), adopting("b", "f-1", "")
	p := r.apply()
	if len(r.foreign()) != 0 || len(r.sched.Entries()) != 1 {
		t.Errorf("entries %v, foreign %v\n%+v", r.sched.Entries(), r.foreign(), p.Conditions)
	}
}

func TestAnAdoptionThatWasCutShortIsFinished(t *testing.T) {
	r := newRig(t)
	r.sched.SetForeign(nightly)
	r.files["default/a.yaml"] = adopting("a", "f-1", "")
	r.sched.WriteErr = errors.New("killed")
	r.in.Snapshot = r.snapshot()
	p, err := r.app.Apply(t.Context(), r.in)
	if err == nil {
		t.Fatal("no error")
	}
	r.expect(p, "a", Reconciling, "WriteFailed")
	if adopted, err := LoadAdopted(r.app.Dir); err != nil || adopted.Entries["f-1"].Foreign.Text != nightly.Text {
		t.Errorf("not on record before it goes: %+v, %v", adopted, err)
	}
	r.sched.WriteErr = nil
	r.apply()
	if !r.has("a") || len(r.foreign()) != 0 {
		t.Error("not finished")
	}
}

func TestHold(t *testing.T) {
	r := newRig(t)
	r.put("a", "b")
	r.apply()
	if err := SetHold(r.app.Dir, Hold{At: start, Reason: "freeze"}); err != nil {
		t.Fatal(err)
	}
	delete(r.files, "default/a.yaml")
	r.put("c")
	writes := r.sched.Writes()
	p := r.apply()
	if r.sched.Writes() != writes || !r.has("a") || len(p.Actions) != 0 || len(p.Waiting) != 2 || !strings.Contains(p.Frozen, "freeze") {
		t.Errorf("%+v", p)
	}
	r.expect(p, "b", Ready, "Applied")
	r.expect(p, "c", Reconciling, "Held")
	if applied, err := LoadApplied(r.app.Dir); err != nil || applied.Commit == p.Commit {
		t.Errorf("recorded as applied: %+v, %v", applied, err)
	}
	if err := ReleaseHold(r.app.Dir); err != nil {
		t.Fatal(err)
	}
	if r.apply(); r.has("a") || !r.has("c") {
		t.Error("not applied after the release")
	}
}

func TestAHoldThatCannotBeReadIsAHold(t *testing.T) {
	r := newRig(t)
	if err := order(r.app.Dir, holdFile, "nonsense"); err != nil {
		t.Fatal(err)
	}
	r.put("a")
	if p := r.apply(); r.has("a") || p.Frozen == "" {
		t.Errorf("%+v", p)
	}
}

func TestAnApprovalIsForOnePlanOnly(t *testing.T) {
	r := newRig(t)
	names := strings.Split("a b c d e f g h i j", " ")
	r.put(names...)
	r.apply()
	for _, n := range names[:5] {
		delete(r.files, "default/"+n+".yaml")
	}
	p := r.apply()
	if len(p.Waiting) != 5 || p.Digest == "" || !strings.Contains(p.Blocked[0], "confirm "+p.Digest) {
		t.Fatalf("%+v", p)
	}
	if err := Confirm(r.app.Dir, p.Digest, start); err != nil {
		t.Fatal(err)
	}
	delete(r.files, "default/f.yaml") // one more than was approved
	if p = r.apply(); !r.has("a") || len(p.Waiting) != 6 {
		t.Fatalf("%+v", p)
	}
	r.in.Now = start.Add(25 * time.Hour)
	if err := Confirm(r.app.Dir, p.Digest, start); err != nil {
		t.Fatal(err)
	}
	if r.apply(); !r.has("a") {
		t.Fatal("an approval of yesterday counts")
	}
	if err := Confirm(r.app.Dir, p.Digest, r.in.Now); err != nil {
		t.Fatal(err)
	}
	if p = r.apply(); r.has("a") || r.has("f") || !r.has("g") || p.Digest != "" {
		t.Errorf("%+v", p)
	}
	if orders, err := LoadOrders(r.app.Dir, r.in.Now); err != nil || orders.Confirm != "" {
		t.Errorf("the approval is still there: %+v, %v", orders, err)
	}
}
