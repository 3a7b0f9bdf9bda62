package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/daemon"
	"crontopus.dev/agent/pkg/reconcile"
)

func showJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

func showPlan(out io.Writer, format string, p *reconcile.Plan, applied bool) error {
	if format == "json" {
		return showJSON(out, p)
	}
	var b strings.Builder
	tense := "would "
	if applied {
		tense = ""
	}
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "%s%s %s", tense, a.Verb, or(a.Address, a.JobID.String()))
		if a.Reason != "" {
			fmt.Fprintf(&b, " (%s)", a.Reason)
		}
		b.WriteString("\n")
		showDiff(&b, "-", a.Before)
		showDiff(&b, "+", a.After)
	}
	if len(p.Actions) == 0 {
		b.WriteString("Nothing to change.\n")
	}
	for _, problem := range p.Problems {
		b.WriteString("problem: " + problem + "\n")
	}
	for _, why := range p.Blocked {
		b.WriteString("removals wait: " + why + "\n")
	}
	showConditions(&b, p.Conditions)
	fmt.Fprintf(&b, "commit %.12s\n", p.Commit)
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

func showDiff(b *strings.Builder, sign, body string) {
	if body == "" {
		return
	}
	for _, line := range strings.Split(body, "\n") {
		b.WriteString("  " + sign + " " + line + "\n")
	}
}

// showConditions lists what isn't simply ready.
func showConditions(b *strings.Builder, conditions []api.Condition) {
	ready := 0
	for _, c := range conditions {
		if c.Type == reconcile.Ready {
			ready++
			continue
		}
		fmt.Fprintf(b, "%s %s: %s %s\n", strings.ToLower(c.Type), c.JobID, c.Reason, c.Message)
	}
	fmt.Fprintf(b, "%d of %d jobs ready\n", ready, len(conditions))
}

// statusView is what `status` shows.
type statusView struct {
	Endpoint       string        `json:"endpoint"`
	EndpointID     uuid.UUID     `json:"endpoint_id"`
	Tenant         string        `json:"tenant"`
	Server         string        `json:"server"`
	StateDir       string        `json:"state_dir"`
	Running        bool          `json:"running"`
	SpoolPending   int           `json:"spool_pending"`
	TokenExpiresAt time.Time     `json:"token_expires_at"`
	Last           daemon.Status `json:"last_round"`
}

func showStatus(out io.Writer, format string, v statusView) error {
	if format == "json" {
		return showJSON(out, v)
	}
	var b strings.Builder
	running := "not running; start it with: crontopus-agent run"
	if v.Running {
		running = "running"
	}
	fmt.Fprintf(&b, "endpoint   %s (%s)\ntenant     %s\nserver     %s\nstate      %s\nagent      %s\nunsent     %d runs\n",
		v.Endpoint, v.EndpointID, v.Tenant, v.Server, v.StateDir, running, v.SpoolPending)
	if v.Last.At.IsZero() {
		b.WriteString("last round never\n")
	} else {
		fmt.Fprintf(&b, "last round %s, fetched %.12s, applied %.12s\n", v.Last.At.Format(time.RFC3339), v.Last.FetchedCommit, v.Last.AppliedCommit)
	}
	for _, line := range append([]string{v.Last.FetchError, v.Last.ApplyError}, append(v.Last.Problems, v.Last.Blocked...)...) {
		if line != "" {
			b.WriteString("problem    " + line + "\n")
		}
	}
	showConditions(&b, v.Last.Conditions)
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}
