package reconcile

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/fake"
	"crontopus.dev/agent/pkg/statedir"
)

var (
	tenant   = uuid.MustParse("aaaaaaaa-0000-4000-8000-000000000000")
	endpoint = uuid.MustParse("bbbbbbbb-0000-4000-8000-000000000000")
	start    = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
)

// rig reconciles a map of files against a fake scheduler.
type rig struct {
	t     *testing.T
	sched *fake.Scheduler
	app   *Applier
	in    Input
	files map[string]string
	n     int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir, err := statedir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &fake.Scheduler{}
	return &rig{t: t, sched: s, app: &Applier{Dir: dir, Areas: Areas{Dir: dir, User: "me"}, Scheduler: s}, files: map[string]string{}, in: Input{Tenant: tenant,
		Endpoint: endpoint, Labels: map[string]string{"role": "db"}, Hostname: "db-1", User: "me", Trusted: true, Now: start}}
}

func spec(name, extra string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Job\nmetadata: {name: %s}\nspec:\n  schedule: 0 2 * * *\n  command: /bin/true\n  selector: {matchLabels: {role: db}}\n%s", name, extra)
}

func id(name string) uuid.UUID { return manifest.DerivedID(tenant, "default", name) }

func (r *rig) put(names ...string) {
	for _, n := range names {
		r.files["default/"+n+".yaml"] = spec(n, "")
	}
}

func (r *rig) snapshot() *gitsource.Snapshot {
	r.n++
	s := &gitsource.Snapshot{Commit: fmt.Sprintf("%040d", r.n), Tenant: []byte("metadata: {id: " + tenant.String() + "}")}
	for path, text := range r.files {
		s.Files = append(s.Files, gitsource.File{Path: path, Data: []byte(text)})
	}
	return s
}

func (r *rig) apply() *Plan {
	r.t.Helper()
	if r.in.Snapshot == nil {
		r.in.Snapshot = r.snapshot()
	}
	p, err := r.app.Apply(r.t.Context(), r.in)
	if err != nil {
		r.t.Fatal(err)
	}
	r.in.Snapshot = nil
	return p
}

func (r *rig) has(name string) bool {
	for _, e := range r.sched.Entries() {
		if e.JobID == id(name) {
			return true
		}
	}
	return false
}

func (r *rig) expect(p *Plan, name, typ, reason string) {
	r.t.Helper()
	for _, c := range p.Conditions {
		if c.JobID == id(name) {
			if c.Type != typ || c.Reason != reason || c.InstanceID != manifest.InstanceID(id(name), endpoint.String()) {
				r.t.Errorf("%s: %+v, want %s %s", name, c, typ, reason)
			}
			return
		}
	}
	r.t.Errorf("%s has no condition, want %s %s", name, typ, reason)
}

func TestAddUpdateRemove(t *testing.T) {
	r := newRig(t)
	r.put("a", "b")
	p := r.apply()
	r.expect(p, "a", Ready, "Applied")
	if !r.has("a") || !r.has("b") || len(p.Actions) != 2 {
		t.Fatalf("%+v", p.Actions)
	}
	if j, err := jobfile.Load(r.app.Dir.Root(), id("a")); err != nil || j.Argv[0] != "/bin/true" {
		t.Errorf("job file: %+v, %v", j, err)
	}
	writes := r.sched.Writes()
	if p := r.apply(); p.Changes() || r.sched.Writes() != writes {
		t.Errorf("a second round changed %+v", p.Actions)
	}
	r.files["default/a.yaml"] = spec("a", "  timeout: 5m\n") // not in the entry, but in the job file
	r.files["default/b.yaml"] = strings.Replace(spec("b", ""), "0 2", "0 3", 1)
	p = r.apply()
	if len(p.Actions) != 1 || p.Actions[0].Verb != Update || p.Actions[0].JobID != id("b") {
		t.Errorf("update: %+v", p.Actions)
	}
	if j, err := jobfile.Load(r.app.Dir.Root(), id("a")); err != nil || j.TimeoutSeconds != 300 || j.Commit != p.Commit {
		t.Errorf("job file: %+v, %v", j, err)
	}
	if j, err := jobfile.Load(r.app.Dir.Root(), id("b")); err != nil || j.Commit == p.Commit {
		t.Errorf("job file of an unchanged command was rewritten: %+v, %v", j, err)
	}
	delete(r.files, "default/a.yaml")
	r.apply()
	if r.has("a") || !r.has("b") {
		t.Error("not removed")
	}
	if _, err := os.Stat(jobfile.Path(r.app.Dir.Root(), id("a"))); err == nil {
		t.Error("the job file stays")
	}
}

func TestWhoGetsAnEntry(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		want        bool
		typ, reason string
	}{
		{"selected", spec("a", ""), true, Ready, "Applied"},
		{"other label", strings.Replace(spec("a", ""), "role: db", "role: web", 1), false, "", ""},
		{"hostname", strings.Replace(spec("a", ""), "matchLabels: {role: db}", "hostname: db-*", 1), true, Ready, "Applied"},
		{"no selector", strings.Replace(spec("a", ""), "  selector: {matchLabels: {role: db}}\n", "", 1), false, "", ""},
		{"ping mode", "apiVersion: v1\nkind: Job\nmetadata: {name: a}\nspec: {schedule: 0 2 * * *}\n", false, "", ""},
		{"paused", spec("a", "  paused: true\n"), false, Suspended, "Paused"},
		{"disabled", spec("a", "  enabled: false\n"), false, Suspended, "Disabled"},
		{"own user", spec("a", "  user: me\n"), true, Ready, "Applied"},
		{"other user", spec("a", "  user: root\n"), false, Stalled, "UserNotAllowed"},
		{"other zone", spec("a", "  timezone: America/New_York\n"), true, Ready, "Applied"},
		{"replace", spec("a", "  concurrency: replace\n"), true, Ready, "Applied"},
		{"invalid", spec("a", "  nope: 1\n"), false, Stalled, "InvalidManifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.files["default/a.yaml"] = c.text
			p := r.apply()
			if r.has("a") != c.want {
				t.Errorf("entry: %v", r.has("a"))
			}
			if c.typ != "" {
				r.expect(p, "a", c.typ, c.reason)
			} else if len(p.Conditions) != 0 {
				t.Errorf("%+v", p.Conditions)
			}
		})
	}
}

func TestAStalledJobKeepsItsEntryAndBlocksRemovals(t *testing.T) {
	r := newRig(t)
	r.put("a", "b", "c")
	r.apply()
	before := r.sched.Entries()
	r.files["default/a.yaml"] = "{"
	r.files["default/c.yaml"] = spec("c", "  paused: true\n")
	delete(r.files, "default/b.yaml")
	p := r.apply()
	if !r.has("a") || !r.has("b") || r.has("c") {
		t.Errorf("entries: %+v, before %+v", r.sched.Entries(), before)
	}
	r.expect(p, "a", Stalled, "InvalidManifest")
	r.expect(p, "b", Stalled, "RemovalWaits")
	r.expect(p, "c", Suspended, "Paused")
	if len(p.Problems) != 1 || !strings.HasPrefix(p.Problems[0], "default/a.yaml:") {
		t.Errorf("problems: %v", p.Problems)
	}
	// What the stalled job runs is what it ran before.
	if _, err := jobfile.Load(r.app.Dir.Root(), id("a")); err != nil {
		t.Error(err)
	}
	r.put("a")
	r.apply()
	if r.has("b") {
		t.Error("the removal still waits")
	}
}

func TestNothingIsRemovedInDoubt(t *testing.T) {
	for name, doubt := range map[string]func(*rig){
		"not fetched": func(r *rig) { r.in.Trusted = false },
		"not marked":  func(r *rig) { r.in.Snapshot = r.snapshot(); r.in.Snapshot.Tenant = nil },
		"another tenant's": func(r *rig) {
			r.in.Snapshot = r.snapshot()
			r.in.Snapshot.Tenant = []byte("metadata: {id: " + endpoint.String() + "}")
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put("a")
			r.apply()
			delete(r.files, "default/a.yaml")
			doubt(r)
			p := r.apply()
			if !r.has("a") || len(p.Blocked) != 1 {
				t.Errorf("entries %+v, blocked %v", r.sched.Entries(), p.Blocked)
			}
			r.expect(p, "a", Stalled, "RemovalWaits")
			r.in.Trusted = true
			if r.apply(); r.has("a") {
				t.Error("not removed when there was no doubt any more")
			}
		})
	}
}

func TestFuse(t *testing.T) {
	names := strings.Split("a b c d e f g h i j k l m n o p q r s t", " ")
	for _, c := range []struct {
		owned, removed int
		waits          bool
	}{{4, 3, false}, {4, 4, true}, {3, 3, false}, {20, 6, false}, {20, 7, true}, {20, 20, true}} {
		r := newRig(t)
		r.put(names[:c.owned]...)
		r.apply()
		for _, n := range names[:c.removed] {
			delete(r.files, "default/"+n+".yaml")
		}
		digest := r.apply().Digest
		if r.has("a") != c.waits {
			t.Errorf("%d of %d: waits %v", c.removed, c.owned, r.has("a"))
		}
		r.in.Orders.Confirm = digest
		if r.apply(); r.has("a") {
			t.Errorf("%d of %d: not removed although approved", c.removed, c.owned)
		}
	}
}

func (r *rig) edit(name, body string) {
	r.sched.Edit(func(es []scheduler.Entry) []scheduler.Entry {
		var out []scheduler.Entry
		for _, e := range es {
			if e.JobID != id(name) {
				out = append(out, e)
			} else if body != "" {
				out = append(out, scheduler.Entry{JobID: e.JobID, Body: body})
			}
		}
		return out
	})
}

func TestHandEditsAreHealedAndThenLeftAlone(t *testing.T) {
	for _, edited := range []string{"by hand", ""} {
		r := newRig(t)
		r.put("a")
		r.apply()
		want := r.sched.Entries()[0].Body
		for range maxHeals {
			r.edit("a", edited)
			p := r.apply()
			r.expect(p, "a", Drifted, "Healed")
			if got := r.sched.Entries()[0].Body; got != want || p.Actions[0].Verb != Heal {
				t.Fatalf("not healed: %q", got)
			}
			r.expect(r.apply(), "a", Ready, "Applied")
		}
		r.edit("a", edited)
		p := r.apply()
		r.expect(p, "a", Drifted, "Contention")
		if p.Changes() {
			t.Errorf("fought on: %+v", p.Actions)
		}
		r.expect(r.apply(), "a", Drifted, "Contention")
		r.in.Now = start.Add(2 * time.Hour)
		r.expect(r.apply(), "a", Drifted, "Healed")
	}
}

func TestReportOnly(t *testing.T) {
	r := newRig(t)
	r.in.ReportOnly = true
	r.put("a")
	r.apply()
	r.edit("a", "by hand")
	p := r.apply()
	r.expect(p, "a", Drifted, "HandEdited")
	if p.Changes() || !strings.Contains(p.Conditions[0].Message, "+by hand") {
		t.Errorf("%+v", p)
	}
}

func TestLostStateAndStrayEntries(t *testing.T) {
	r := newRig(t)
	r.put("a", "b")
	r.apply()
	if err := r.app.Dir.Remove(appliedFile); err != nil {
		t.Fatal(err)
	}
	r.sched.Edit(func(es []scheduler.Entry) []scheduler.Entry {
		return append(es, scheduler.Entry{JobID: uuid.Nil, Body: "mangled"}, scheduler.Entry{JobID: id("gone"), Body: "stray"})
	})
	delete(r.files, "default/b.yaml")
	r.apply()
	if !r.has("a") || r.has("b") || r.has("gone") || len(r.sched.Entries()) != 1 {
		t.Errorf("%+v", r.sched.Entries())
	}
}

func TestDuplicateIDs(t *testing.T) {
	r := newRig(t)
	r.put("a", "b")
	r.apply()
	r.files["default/b.yaml"] = strings.Replace(spec("b", ""), "name: b", "name: b, id: "+id("a").String(), 1)
	p := r.apply()
	if !r.has("a") || !r.has("b") || len(p.Problems) != 1 {
		t.Errorf("%+v %+v", r.sched.Entries(), p.Problems)
	}
	r.expect(p, "a", Stalled, "DuplicateID")
}

func TestSchedulerTrouble(t *testing.T) {
	r := newRig(t)
	r.put("a")
	r.sched.WriteErr = scheduler.ErrUnavailable
	r.in.Snapshot = r.snapshot()
	if _, err := r.app.Apply(t.Context(), r.in); err == nil {
		t.Error("no error")
	}
	applied, err := LoadApplied(r.app.Dir)
	if err != nil || len(applied.Entries) != 0 || applied.Commit != "" {
		t.Errorf("recorded as applied: %+v, %v", applied, err)
	}
	r.sched.WriteErr = nil
	if r.apply(); !r.has("a") {
		t.Error("not applied afterwards")
	}
}

func init() { slog.SetDefault(slog.New(slog.DiscardHandler)) }
