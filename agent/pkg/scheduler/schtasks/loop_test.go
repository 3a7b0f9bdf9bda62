package schtasks

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/scheduler/caltest"
	"crontopus.dev/agent/pkg/statedir"
)

var (
	tenant   = uuid.MustParse("aaaaaaaa-0000-4000-8000-000000000000")
	endpoint = uuid.MustParse("bbbbbbbb-0000-4000-8000-000000000000")
)

// loop reconciles manifests against the fake Task Scheduler.
type loop struct {
	*bed
	applier *reconcile.Applier
	files   map[string]string
	commits int
}

func newLoop(t *testing.T) *loop {
	t.Helper()
	dir, err := statedir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t)
	return &loop{bed: b, applier: &reconcile.Applier{Dir: dir, Areas: reconcile.Areas{Dir: dir, User: "me"}, Scheduler: b.s}, files: map[string]string{}}
}

func jobOf(name string) uuid.UUID { return manifest.DerivedID(tenant, "default", name) }

func (l *loop) put(name, when string) {
	l.files["default/"+name+".yaml"] = fmt.Sprintf("apiVersion: v1\nkind: Job\nmetadata: {name: %s}\nspec:\n  schedule: %q\n  command: /bin/true\n"+
		"  selector: {matchLabels: {role: db}}\n", name, when)
}

func (l *loop) apply() (*reconcile.Plan, error) {
	l.commits++
	s := &gitsource.Snapshot{Commit: fmt.Sprintf("%040d", l.commits), Tenant: []byte("metadata: {id: " + tenant.String() + "}")}
	for path, text := range l.files {
		s.Files = append(s.Files, gitsource.File{Path: path, Data: []byte(text)})
	}
	return l.applier.Apply(l.t.Context(), reconcile.Input{Tenant: tenant, Endpoint: endpoint, Labels: map[string]string{"role": "db"},
		Hostname: "db-1", User: "me", Trusted: true, Now: caltest.Now, Snapshot: s})
}

func (l *loop) mustApply() *reconcile.Plan {
	l.t.Helper()
	plan, err := l.apply()
	if err != nil {
		l.t.Fatal(err)
	}
	return plan
}

// settled: what stands there is what the manifests ask for, and nothing else of ours does.
func (l *loop) settled() {
	l.t.Helper()
	if plan := l.mustApply(); plan.Changes() {
		l.t.Errorf("not settled: %+v", plan.Actions)
	}
	ours := 0
	for path := range l.store().Tasks {
		if within(path, root) {
			ours++
		}
	}
	if ours != len(l.files) {
		l.t.Errorf("%d tasks for %d jobs", ours, len(l.files))
	}
}

func TestReconcileLoop(t *testing.T) {
	l := newLoop(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		l.put(name, "0 2 * * *")
	}
	l.mustApply()
	l.settled()

	l.put("a", "0 3 * * 1-5")
	delete(l.files, "default/d.yaml")
	if plan := l.mustApply(); len(plan.Actions) != 2 {
		t.Errorf("%+v", plan.Actions)
	}
	l.settled()

	l.edit(func(f *fakeStore) { // by hand
		path := l.s.path(jobOf("b"))
		f.Tasks[path] = strings.Replace(f.Tasks[path], "T02:00", "T04:00", 1)
	})
	if plan := l.mustApply(); len(plan.Actions) != 1 || plan.Actions[0].Verb != reconcile.Heal {
		t.Errorf("%+v", plan.Actions)
	}
	l.settled()

	l.put("e", "0 5 * * *")
	l.faults("create", "fail")
	if _, err := l.apply(); err == nil {
		t.Error("a refused task is no error")
	}
	l.faults()
	l.mustApply()
	l.settled()

	l.faults("query", "nothing")
	if _, err := l.apply(); err == nil {
		t.Error("a scheduler that shows nothing was taken for an empty one")
	}
	l.settled()
	if l.store().Tasks[`\Microsoft\Windows\Defrag\ScheduledDefrag`] != windowsOwn {
		t.Error("a task of Windows was touched")
	}
}

// TestReconcileLoopUnderFaults: whatever goes wrong on the way, it settles once it stops going wrong.
func TestReconcileLoopUnderFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	l := newLoop(t)
	rounds := 6
	if caltest.Count() > 1000 {
		rounds = 300
	}
	for range rounds {
		for range 1 + rng.IntN(3) {
			name := string(rune('a' + rng.IntN(6)))
			if rng.IntN(4) == 0 {
				delete(l.files, "default/"+name+".yaml")
			} else {
				l.put(name, []string{"0 2 * * *", "*/10 9-17 * * 1-5", "every 7m", "0 0 1 * *"}[rng.IntN(4)])
			}
		}
		var faults []string
		for range rng.IntN(4) {
			verb := []string{"create", "delete", "query"}[rng.IntN(3)]
			kinds := map[string][]string{"create": {"fail", "lie", "mangle", "maul", "grumble"}, "delete": {"fail", "lie", "grumble"}, "query": {"", "fail", "nothing", "half", "silence"}}
			faults = append(faults, verb, kinds[verb][rng.IntN(len(kinds[verb]))])
		}
		l.faults(faults...)
		if _, err := l.apply(); err != nil && !strings.Contains(err.Error(), "task") {
			t.Fatal(err)
		}
		l.faults()
		for range 3 {
			l.mustApply()
		}
		l.settled()
	}
}
