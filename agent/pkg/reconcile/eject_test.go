package reconcile

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/scheduler"
)

func TestEjectLeavesTheMachineAsItWas(t *testing.T) {
	r := newRig(t)
	r.sched.SetForeign(nightly)
	r.put("b")
	r.files["default/a.yaml"] = adopting("a", "f-1", "")
	r.apply()
	told, err := r.app.Eject(t.Context(), false, false, start)
	if err != nil || len(r.sched.Entries()) != 2 || len(told.Removed) != 2 || len(told.Restored) != 1 {
		t.Fatalf("only telling: %+v, %v, %v", told, err, r.sched.Entries())
	}
	done, err := r.app.Eject(t.Context(), false, true, start)
	if err != nil || asJSON(t, done) != asJSON(t, told) {
		t.Fatalf("%+v, %v", done, err)
	}
	if len(r.sched.Entries()) != 0 || r.foreign()[0].Text != nightly.Text {
		t.Errorf("entries %v, foreign %v", r.sched.Entries(), r.foreign())
	}
	if files, err := os.ReadDir(r.app.Dir.Path(jobfile.Dir)); err != nil || len(files) != 0 {
		t.Errorf("job files: %v, %v", files, err)
	}
	if p := r.apply(); p.Frozen == "" || len(r.sched.Entries()) != 0 {
		t.Errorf("an agent that is started again: %+v", p)
	}
}

// cronLike is the fake under the name of cron, whose plain form is known.
type cronLike struct{ scheduler.Scheduler }

func (cronLike) Name() string { return "cron" }

func TestEjectKeepsWhatAPlainEntryCanDo(t *testing.T) {
	r := newRig(t)
	r.put("a")
	r.files["default/b.yaml"] = spec("b", "  timeout: 5m\n")
	r.apply()
	r.app.Scheduler = cronLike{r.sched}
	done, err := r.app.Eject(t.Context(), true, true, start)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Plain) != 1 || done.Plain[0].Text != "0 2 * * * /bin/true" || len(done.Left) != 1 || !strings.Contains(done.Left[0].Reason, "timeout") {
		t.Errorf("%+v", done)
	}
	if !r.has("b") || r.has("a") {
		t.Errorf("%+v", r.sched.Entries())
	}
	if _, err := jobfile.Load(r.app.Dir.Root(), id("b")); err != nil {
		t.Error("the job that stays lost its file:", err)
	}
}

func TestAPlainCommandIsTheSameForTheShell(t *testing.T) {
	dir := t.TempDir()
	nasty := "a'b \"c\" $HOME `x` %d \\ ü*"
	for _, job := range []jobfile.Job{
		{Argv: []string{"/bin/echo", nasty, ""}, WorkingDir: dir, Env: map[string]string{"X": nasty}, Concurrency: "allow"},
		{Argv: []string{"printf '%s' \"$X\"; pwd"}, Shell: true, WorkingDir: dir, Env: map[string]string{"X": nasty}, Concurrency: "allow"},
	} {
		job.Version, job.JobID = jobfile.Version, uuid.New()
		data, err := job.Encode()
		if err != nil {
			t.Fatal(err)
		}
		text, err := plain("cron", scheduler.Entry{JobID: job.JobID, Body: "0 2 * * * run x"}, data)
		if err != nil {
			t.Fatal(err)
		}
		line := strings.ReplaceAll(strings.TrimPrefix(text, "0 2 * * * "), `\%`, "%") // as cron does
		got, err := exec.Command("/bin/sh", "-c", line).Output()
		want := nasty + " \n"
		if job.Shell {
			want = nasty + dir + "\n"
		}
		if err != nil || string(got) != want {
			t.Errorf("%s gave %q, want %q, %v", text, got, want, err)
		}
	}
}
