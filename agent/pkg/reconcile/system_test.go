package reconcile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/policy"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/fake"
	"crontopus.dev/agent/pkg/statedir"
)

// system makes a rig whose jobs run as several users.
func system(t *testing.T) *rig {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root keeps jobs of several users")
	}
	root := filepath.Join(t.TempDir(), "state")
	dir, err := statedir.OpenSystem(root)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.in.User, r.in.System = "root", true
	r.sched = &fake.Scheduler{}
	r.app = &Applier{Dir: dir, Areas: Areas{Dir: dir, System: true, User: "root"}, Scheduler: r.sched}
	return r
}

func (r *rig) userOf(name string) string {
	for _, e := range r.sched.Entries() {
		if e.JobID == id(name) {
			return e.User
		}
	}
	return "nobody's"
}

func jobFileOf(r *rig, user, name string) string {
	a, err := area.Of(r.app.Dir, user)
	if err != nil {
		r.t.Fatal(err)
	}
	return filepath.Join(a.Root, "jobs", id(name).String()+".json")
}

func TestJobsOfSeveralUsers(t *testing.T) {
	r := system(t)
	r.put("a")
	r.files["default/b.yaml"] = spec("b", "  user: daemon\n")
	r.files["default/c.yaml"] = spec("c", "  user: nobody-knows-me\n")
	r.files["default/d.yaml"] = spec("d", "  user: root\n")
	p := r.apply()
	if r.userOf("a") != "" || r.userOf("b") != "daemon" || r.userOf("d") != "" || r.has("c") {
		t.Fatalf("%+v", r.sched.Entries())
	}
	r.expect(p, "c", Stalled, "UserNotUsable")
	info, err := os.Stat(jobFileOf(r, "daemon", "b"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if p := r.apply(); p.Changes() || len(p.Files) != 0 {
		t.Errorf("a second round: %+v %+v", p.Actions, p.Files)
	}
	r.files["default/b.yaml"] = spec("b", "  user: bin\n")
	p = r.apply()
	r.expect(p, "b", Ready, "Applied")
	if r.userOf("b") != "bin" || len(r.sched.Entries()) != 3 || r.sched.Writes() != 2 {
		t.Errorf("after the move to another user: %+v", r.sched.Entries())
	}
	if _, err := os.Stat(jobFileOf(r, "daemon", "b")); err == nil {
		t.Error("the former user keeps the job file")
	}
	owns := func(user string, want bool) {
		t.Helper()
		applied, err := LoadApplied(r.app.Dir)
		if err != nil || applied.Owns(user, id("b")) != want {
			t.Errorf("%s owns b: %v, %v", user, !want, err)
		}
	}
	owns("bin", true)
	owns("daemon", true) // what it ran before the move is still to be reported
	owns("nobody", false)
	delete(r.files, "default/b.yaml")
	r.apply()
	owns("bin", true)
	r.in.Now = r.in.Now.AddDate(0, 0, 40)
	r.put("e")
	r.apply()
	owns("bin", false)
	if _, err := os.Stat(jobFileOf(r, "bin", "b")); err == nil || r.has("b") {
		t.Error("not removed")
	}
}

func TestAUserWhoSpoilsTheirAreaHarmsOnlyThemselves(t *testing.T) {
	r := system(t)
	r.put("a")
	r.files["default/b.yaml"] = spec("b", "  user: daemon\n")
	r.apply()
	root := filepath.Dir(filepath.Dir(jobFileOf(r, "daemon", "b")))
	if err := os.Chmod(root, 0o777); err != nil {
		t.Fatal(err)
	}
	r.files["default/a.yaml"] = strings.Replace(spec("a", ""), "0 2", "0 3", 1)
	p := r.apply()
	r.expect(p, "a", Ready, "Applied")
	r.expect(p, "b", Stalled, "UserNotUsable")
	if r.userOf("b") != "daemon" || !strings.HasPrefix(r.sched.Entries()[0].Body+r.sched.Entries()[1].Body, "0") {
		t.Errorf("%+v", r.sched.Entries())
	}
}

func writePolicy(t *testing.T, text string) *policy.Endpoint {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := policy.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTheEndpointsPolicy(t *testing.T) {
	r := newRig(t)
	r.in.Policy = writePolicy(t, "allowedCommands: [/bin/*]\n")
	r.put("a", "b")
	r.expect(r.apply(), "a", Ready, "Applied")
	r.files["default/a.yaml"] = strings.Replace(spec("a", ""), "/bin/true", "/tmp/evil", 1)
	p := r.apply()
	r.expect(p, "a", Stalled, "EndpointPolicy")
	if !r.has("a") {
		t.Fatal("what the policy let pass went with what it refuses")
	}
	// The admin forbids what runs already.
	r.in.Policy = writePolicy(t, "allowedCommands: [/opt/*]\n")
	p = r.apply()
	r.expect(p, "b", Stalled, "EndpointPolicy")
	if r.has("a") || r.has("b") {
		t.Errorf("still there: %+v\n%+v", r.sched.Entries(), p.Conditions)
	}
	r.in.Policy = nil
	if r.apply(); !r.has("b") {
		t.Error("not back without the policy")
	}
}

func TestAPolicyThatCannotBeReadStopsEverything(t *testing.T) {
	r := newRig(t)
	r.put("a", "b")
	r.apply()
	writes := r.sched.Writes()
	r.in.PolicyErr = errors.New("mangled")
	delete(r.files, "default/a.yaml")
	r.put("c")
	r.edit("b", "by hand")
	p := r.apply()
	if r.sched.Writes() != writes || r.has("c") || !r.has("a") {
		t.Errorf("changed: %+v", r.sched.Entries())
	}
	for _, name := range []string{"a", "b", "c"} {
		r.expect(p, name, Stalled, "PolicyUnreadable")
	}
}

func TestLimitOfJobs(t *testing.T) {
	r := newRig(t)
	r.put("c", "d")
	r.apply()
	r.in.Policy = writePolicy(t, "maxJobs: 3\n")
	r.put("a", "b")
	r.apply()
	if len(r.sched.Entries()) != 3 || !r.has("c") || !r.has("d") {
		t.Errorf("%+v", r.sched.Entries())
	}
}

func TestTheTenantsPolicies(t *testing.T) {
	r := newRig(t)
	r.put("a")
	r.apply()
	r.in.Snapshot = r.snapshot()
	policyOf := func(enforcement string) []byte {
		return []byte("apiVersion: v1\nkind: Policy\nmetadata: {name: p}\nspec: {enforcement: " + enforcement + ", rules: {maximumTimeout: 1h}}\n")
	}
	r.in.Snapshot.Policies = append(r.in.Snapshot.Policies, r.in.Snapshot.Files[0])
	r.in.Snapshot.Policies[0].Path, r.in.Snapshot.Policies[0].Data = ".crontopus/policies/p.yaml", policyOf("enforce")
	next := *r.in.Snapshot // another commit: a snapshot is not written to
	next.Policies = slices.Clone(next.Policies)
	next.Policies[0].Data = policyOf("warn")
	r.expect(r.apply(), "a", Stalled, "PolicyViolation")
	if !r.has("a") {
		t.Error("what is applied went")
	}
	r.in.Snapshot = &next
	r.expect(r.apply(), "a", Ready, "AppliedWithWarning")
}

func TestAMoveIsAnUpdate(t *testing.T) {
	r := newRig(t)
	r.put("a")
	r.apply()
	body := r.sched.Entries()[0].Body
	delete(r.files, "default/a.yaml")
	r.files["production/z.yaml"] = strings.Replace(spec("z", ""), "name: z", "name: z, id: "+id("a").String(), 1)
	p := r.apply()
	if p.Changes() || r.sched.Entries()[0].Body != body || len(p.Files) != 1 || p.Files[0].Address != "production/z" {
		t.Errorf("%+v %+v", p.Actions, p.Files)
	}
}

var _ scheduler.Discoverer = (*fake.Scheduler)(nil)
