package reconcile

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/scheduler"
)

// state is everything that a plan may change.
type state struct {
	Entries map[string]string
	Foreign []string
	Files   map[string]string
}

func (r *rig) state() state {
	r.t.Helper()
	s := state{Entries: map[string]string{}, Foreign: []string{}, Files: map[string]string{}}
	for _, e := range r.sched.Entries() {
		s.Entries[e.User+" "+e.JobID.String()] = e.Body
	}
	for _, f := range r.foreign() {
		s.Foreign = append(s.Foreign, f.Text)
	}
	slices.Sort(s.Foreign)
	files, _, err := r.app.Areas.read(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for key, data := range files {
		s.Files[key.User+" "+key.ID.String()] = brief(data.Data)
	}
	return s
}

func brief(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// after is the state that the plan says it leads to.
func (s state) after(p *Plan) state {
	out := state{Entries: maps.Clone(s.Entries), Foreign: slices.Clone(s.Foreign), Files: maps.Clone(s.Files)}
	for _, a := range p.Actions {
		key := a.User + " " + a.JobID.String()
		switch a.Verb {
		case Adopt:
			i := slices.Index(out.Foreign, a.Before)
			out.Foreign = slices.Delete(out.Foreign, i, i+1)
		case Restore:
			out.Foreign = append(out.Foreign, a.After)
		case Remove:
			delete(out.Entries, key)
		default:
			out.Entries[key] = a.After
		}
	}
	for _, f := range p.Files {
		key := f.User + " " + f.JobID.String()
		out.Files[key] = brief(f.Data)
		if f.Removed {
			delete(out.Files, key)
		}
	}
	slices.Sort(out.Foreign)
	return out
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestThePlanIsExactlyWhatIsApplied goes through random histories: what plan prints, what apply prints and what
// then is there are the same.
func TestThePlanIsExactlyWhatIsApplied(t *testing.T) {
	rounds := 40
	if os.Getenv("CRONTOPUS_SOAK") != "" {
		rounds = 2000
	}
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := newRig(t)
		for round := range rounds {
			r.disturb(rng)
			r.in.Snapshot = r.snapshot()
			if rng.IntN(12) == 0 {
				r.in.Snapshot.Tenant = nil
			}
			r.in.Trusted = rng.IntN(8) > 0
			before := r.state()
			planned, err := r.app.Plan(t.Context(), r.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.state(); asJSON(t, got) != asJSON(t, before) {
				t.Fatalf("seed %d round %d: planning changed something", seed, round)
			}
			applied := r.apply()
			if want, got := asJSON(t, planned), asJSON(t, applied); want != got {
				t.Fatalf("seed %d round %d: planned %s\napplied %s", seed, round, want, got)
			}
			if want, got := asJSON(t, before.after(planned)), asJSON(t, r.state()); want != got {
				t.Fatalf("seed %d round %d: the plan %s\nsays %s\nthere is %s\nbefore %s", seed, round, asJSON(t, planned), want, got, asJSON(t, before))
			}
			if (planned.Frozen != "" || !r.in.Trusted) && bytes.Contains([]byte(asJSON(t, planned.Actions)), []byte("no longer in the repository")) {
				t.Fatalf("seed %d round %d: pruned in doubt", seed, round)
			}
		}
	}
}

// disturb changes the repository, the scheduler, the orders and the clock.
func (r *rig) disturb(rng *rand.Rand) {
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	r.in.Now = r.in.Now.Add(time.Duration(rng.IntN(40)) * time.Minute)
	for range 1 + rng.IntN(3) {
		name := names[rng.IntN(len(names))]
		path := "default/" + name + ".yaml"
		foreign := scheduler.Foreign{ID: "f-" + name, Source: "crontab", Text: "@daily " + name}
		switch rng.IntN(15) {
		case 0, 1, 2:
			r.files[path] = spec(name, fmt.Sprintf("  timeout: %dm\n", 1+rng.IntN(3)))
		case 3:
			r.files[path] = spec(name, "  paused: true\n")
		case 4:
			delete(r.files, path)
		case 5:
			r.files[path] = "{"
		case 6:
			r.edit(name, "by hand")
		case 7:
			r.edit(name, "")
		case 8:
			r.sched.SetForeign(append(slices.DeleteFunc(r.foreign(), func(f scheduler.Foreign) bool { return f.ID == foreign.ID }), foreign)...)
		case 9, 10:
			r.files[path] = adopting(name, foreign.ID, "")
		case 11, 12:
			r.undoOrRedo(foreign.ID, rng.IntN(2) == 0)
		case 13:
			r.holdOrRelease(rng.IntN(2) == 0)
		case 14:
			r.sched.Edit(func(es []scheduler.Entry) []scheduler.Entry {
				return append(es, scheduler.Entry{JobID: uuid.New(), Body: "stray"})
			})
		}
	}
	r.in.ReportOnly = rng.IntN(10) == 0
}

func (r *rig) undoOrRedo(id string, again bool) {
	adopted, err := LoadAdopted(r.app.Dir)
	if _, there := adopted.Entries[id]; !there {
		return
	}
	if err == nil {
		_, err = Undo(r.app.Dir, id, again, r.in.Now)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) holdOrRelease(hold bool) {
	err := ReleaseHold(r.app.Dir)
	if hold {
		err = SetHold(r.app.Dir, Hold{At: r.in.Now})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}
