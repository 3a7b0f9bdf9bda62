package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"crontopus.dev/agent/pkg/api"
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
		if a.User != "" {
			b.WriteString(" of " + a.User)
		}
		if a.Reason != "" {
			fmt.Fprintf(&b, " (%s)", a.Reason)
		}
		b.WriteString("\n")
		showDiff(&b, "-", a.Before)
		showDiff(&b, "+", a.After)
	}
	if len(p.Actions)+len(p.Files) == 0 {
		b.WriteString("Nothing to change.\n")
	}
	for _, f := range p.Files {
		verb := "write"
		if f.Removed {
			verb = "remove"
		}
		fmt.Fprintf(&b, "%s%s the job file of %s\n", tense, verb, or(f.Address, f.JobID.String()))
	}
	if p.Frozen != "" {
		b.WriteString(p.Frozen + "\n")
	}
	for _, a := range p.Waiting {
		fmt.Fprintf(&b, "waits: %s %s\n", a.Verb, or(a.Address, a.JobID.String()))
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
