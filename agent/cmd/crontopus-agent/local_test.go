//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"crontopus.dev/agent/pkg/crontabtest"
	"crontopus.dev/agent/pkg/reconcile"
)

// jobs makes n jobs, named a0, a1….
func jobs(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("a%d", i)
		files["default/"+name+".yaml"] = strings.Replace(job, "name: hello", "name: "+name, 1)
	}
	return files
}

func TestOrdersOnTheMachine(t *testing.T) {
	r := newRig(t)
	crontabtest.Set(t, foreign)
	r.srv.Push(jobs(6))
	r.enroll("role=db")
	run := r.expect
	run(0, "apply")
	full := crontabtest.Get(t)

	run(0, "hold", "--reason", "audit")
	r.srv.Push(map[string]string{"default/b.yaml": strings.Replace(job, "name: hello", "name: b", 1)})
	if out := run(0, "apply"); !strings.Contains(out, "on hold since") || !strings.Contains(out, "(audit)") || crontabtest.Get(t) != full {
		t.Errorf("on hold: %s\n%s", out, crontabtest.Get(t))
	}
	if out := run(1, "doctor"); !strings.Contains(out, "BAD hold") || !strings.Contains(out, "ok  clock") || !strings.Contains(out, "default/a0: exact") {
		t.Errorf("doctor: %s", out)
	}
	if out := run(0, "status"); !strings.Contains(out, "on hold    audit") {
		t.Errorf("status: %s", out)
	}
	run(0, "hold", "--release")
	run(0, "apply")

	r.srv.Push(map[string]string{"default/a0.yaml": "", "default/a1.yaml": "", "default/a2.yaml": "", "default/a3.yaml": ""})
	var plan reconcile.Plan
	if err := json.Unmarshal([]byte(run(0, "plan", "--json")), &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Digest == "" || len(plan.Waiting) != 4 {
		t.Fatalf("%+v", plan)
	}
	run(2, "confirm", "nonsense")
	run(0, "confirm", plan.Digest)
	if out := run(0, "apply"); strings.Count(out, "remove default/a") != 4 {
		t.Errorf("apply after confirm: %s", out)
	}
	run(1, "adopt", "--undo", "nothing")
	run(0, "discover")
	run(0, "eject", "--dry-run")
	if out := run(0, "eject"); strings.Count(out, "removed default/") != 3 {
		t.Errorf("eject: %s", out)
	}
	if got := crontabtest.Get(t); got != foreign {
		t.Errorf("the crontab is %q, and was %q", got, foreign)
	}
	if files, err := os.ReadDir(r.state + "/jobs"); err != nil || len(files) != 0 {
		t.Errorf("job files: %v, %v", files, err)
	}
}
