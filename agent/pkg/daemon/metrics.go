package daemon

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/statedir"
	"crontopus.dev/agent/pkg/version"
)

const textfileName = "crontopus.prom"

// keepMetrics leaves the agent's figures where node_exporter's textfile collector finds them.
func (d *Daemon) keepMetrics(pending int) {
	if d.Textfile == "" {
		return
	}
	d.mu.Lock()
	text := metrics(d.status, pending, d.Store.ExpiresAt(), d.offset)
	d.mu.Unlock()
	err := writeTextfile(filepath.Join(d.Textfile, textfileName), text)
	d.textfile.note(err)
}

// writeTextfile replaces the file; others may read it, as node_exporter runs as a user of its own.
func writeTextfile(path, text string) error {
	const readable fs.FileMode = 0o644
	if err := statedir.WriteFile(path, []byte(text)); err != nil {
		return err
	}
	if err := os.Chmod(path, readable); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

func metrics(s Status, pending int, tokenEnds time.Time, offset time.Duration) string {
	var b strings.Builder
	put := func(name, help, labels string, value float64) {
		name = "crontopus_agent_" + name
		if help != "" {
			fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		}
		fmt.Fprintf(&b, "%s%s %g\n", name, labels, value)
	}
	truth := map[bool]float64{true: 1}
	count := map[string]float64{}
	for _, c := range s.Conditions {
		count[c.Type]++
	}
	put("info", "Version of the agent.", fmt.Sprintf("{version=%q}", version.Version), 1)
	help := "Jobs of this endpoint by their condition."
	for _, typ := range []string{reconcile.Ready, reconcile.Reconciling, reconcile.Stalled, reconcile.Drifted, reconcile.Suspended} {
		put("jobs", help, fmt.Sprintf("{condition=%q}", typ), count[typ])
		help = ""
	}
	put("gated_jobs", "Jobs that crontopus-run decides about by slot.", "", float64(len(s.Gates)))
	put("waiting_changes", "Changes that are held back.", "", float64(s.Waiting))
	put("on_hold", "Whether nothing is changed: on hold, or a policy that cannot be read.", "", truth[s.Frozen != ""])
	put("discovered_jobs", "Jobs of others on this machine.", "", float64(s.Discovered))
	put("spool_pending", "Runs whose records are not with the server yet.", "", float64(pending))
	put("fetch_ok", "Whether the repository could be fetched last.", "", truth[s.FetchError == ""])
	put("apply_ok", "Whether the scheduler could be brought in step last.", "", truth[s.ApplyError == ""])
	put("fetch_seconds", "How long the last fetch took.", "", s.Took.Fetch)
	put("reconcile_seconds", "How long the last comparison with the scheduler took, and its changes.", "", s.Took.Reconcile)
	if !s.At.IsZero() {
		put("last_round_timestamp_seconds", "When the scheduler was compared with the repository last.", "", float64(s.At.Unix()))
	}
	put("token_expiry_timestamp_seconds", "When the endpoint's token ends.", "", float64(tokenEnds.Unix()))
	put("clock_offset_seconds", "The server's time minus this machine's.", "", offset.Seconds())
	return b.String()
}
