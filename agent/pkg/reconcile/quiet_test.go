package reconcile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/scheduler"
)

// An idle round takes the last plan, and whatever may change between two rounds makes it plan anew.
func TestAQuietRoundNoticesEveryChange(t *testing.T) {
	for name, change := range map[string]func(r *rig){
		"the entry is removed by hand": func(r *rig) {
			snap, err := r.sched.Read(r.t.Context())
			if err != nil {
				r.t.Fatal(err)
			}
			if err := r.sched.Write(r.t.Context(), snap, scheduler.Change{}); err != nil {
				r.t.Fatal(err)
			}
		},
		"a job file is changed": func(r *rig) {
			path := jobfile.Path(r.app.Dir.Root(), id("a"))
			data, err := os.ReadFile(path)
			if err != nil {
				r.t.Fatal(err)
			}
			if err := os.WriteFile(path, bytes.Replace(data, []byte("/bin/true"), []byte("/bin/sham"), 1), 0o600); err != nil {
				r.t.Fatal(err)
			}
			// Of the same size; its time may be the same tick's.
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)); err != nil {
				r.t.Fatal(err)
			}
		},
		"a job file is removed": func(r *rig) {
			if err := os.Remove(jobfile.Path(r.app.Dir.Root(), id("a"))); err != nil {
				r.t.Fatal(err)
			}
		},
		"the record is removed": func(r *rig) {
			if err := r.app.Dir.Remove(appliedFile); err != nil {
				r.t.Fatal(err)
			}
		},
		"another commit":  func(r *rig) { r.in.Snapshot = r.snapshot() },
		"other labels":    func(r *rig) { r.in.Labels = map[string]string{"role": "db", "x": "y"} },
		"no fetch":        func(r *rig) { r.in.Trusted = false },
		"a policy breaks": func(r *rig) { r.in.PolicyErr = os.ErrPermission },
		"a hold": func(r *rig) {
			if err := SetHold(r.app.Dir, Hold{At: start}); err != nil {
				r.t.Fatal(err)
			}
		},
		"a user is removed": func(r *rig) {
			if err := os.Chtimes(r.app.Users, time.Time{}, time.Now().Add(time.Second)); err != nil {
				r.t.Fatal(err)
			}
		},
		"time passes":           func(r *rig) { r.in.Now = r.in.Now.Add(quietLife + time.Second) },
		"the clock jumps back":  func(r *rig) { r.in.Now = r.in.Now.Add(-time.Second) },
		"drift is only told of": func(r *rig) { r.in.ReportOnly = true },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.app.Users = filepath.Join(t.TempDir(), "passwd")
			if err := os.WriteFile(r.app.Users, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			r.put("a")
			snap := r.snapshot()
			again := func() *Plan { return r.applyAt(snap) }
			again()
			quiet := again()
			snap = r.snapshot() // the same files in another commit: what is on record changes, and nothing else
			if again() == quiet {
				t.Fatal("a new commit was not noticed")
			}
			quiet = again()
			if again() != quiet {
				t.Fatal("a round in which nothing changed planned anew")
			}
			change(r)
			if r.in.Snapshot != nil {
				snap = r.in.Snapshot
			}
			if again() == quiet {
				t.Error("it was not noticed")
			}
			if r.in.PolicyErr == nil && !r.has("a") {
				t.Error("the entry was not put back")
			}
		})
	}
}

func (r *rig) applyAt(snap *gitsource.Snapshot) *Plan {
	r.t.Helper()
	r.in.Snapshot = snap
	return r.apply()
}
