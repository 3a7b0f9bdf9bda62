package daemon

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/area"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/statedir"
)

func TestUsersReportOnlyTheirOwnJobs(t *testing.T) {
	dir, err := statedir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{Options: Options{Dir: dir, Areas: reconcile.Areas{Dir: dir, System: true, User: "root"}, Log: slog.New(slog.DiscardHandler)}}
	job, user := uuid.New(), area.Area{User: "daemon"}
	if d.owns(user, job) {
		t.Error("a job that nobody has")
	}
	applied := reconcile.Applied{Entries: map[uuid.UUID]reconcile.AppliedEntry{job: {User: "daemon"}}}
	if err := dir.WriteJSON("applied.json", applied); err != nil {
		t.Fatal(err)
	}
	if !d.owns(user, job) || d.owns(area.Area{User: "bin"}, job) || d.owns(area.Area{User: "root"}, job) {
		t.Error("not the user's alone")
	}
	applied.Entries, applied.Former = nil, []reconcile.Former{{JobID: job, User: "daemon", Until: time.Now()}}
	if err := dir.WriteJSON("applied.json", applied); err != nil {
		t.Fatal(err)
	}
	if !d.owns(user, job) {
		t.Error("what it ran before the job went is lost")
	}
	d.Areas.System = false
	if !d.owns(area.Area{User: "me"}, uuid.New()) {
		t.Error("in user mode there is nobody else")
	}
}
