package reconcile

import (
	"fmt"
	"testing"

	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/scheduler/fake"
	"crontopus.dev/agent/pkg/statedir"
)

// BenchmarkThousandJobsUnchanged is a round in which nothing has changed, but for the fetch and the real crontab.
func BenchmarkThousandJobsUnchanged(b *testing.B) {
	dir, err := statedir.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	app := &Applier{Dir: dir, Areas: Areas{Dir: dir, User: "me"}, Scheduler: &fake.Scheduler{}}
	in := Input{Tenant: tenant, Endpoint: endpoint, Labels: map[string]string{"role": "db"}, User: "me", Trusted: true, Now: start,
		Snapshot: &gitsource.Snapshot{Commit: "1", Tenant: []byte("metadata: {id: " + tenant.String() + "}")}}
	for i := range 1000 {
		name := fmt.Sprintf("job-%04d", i)
		in.Snapshot.Files = append(in.Snapshot.Files, gitsource.File{Path: "default/" + name + ".yaml", Data: []byte(spec(name, ""))})
	}
	if p, err := app.Apply(b.Context(), in); err != nil || len(p.Actions) != 1000 {
		b.Fatal(err)
	}
	for b.Loop() {
		if p, err := app.Apply(b.Context(), in); err != nil || p.Changes() {
			b.Fatal(err)
		}
	}
}
