package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/config"
	"crontopus.dev/agent/pkg/daemon"
	"crontopus.dev/agent/pkg/policy"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/statedir"
)

// statusView is what `status` shows.
type statusView struct {
	Endpoint       string        `json:"endpoint"`
	EndpointID     uuid.UUID     `json:"endpoint_id"`
	Tenant         string        `json:"tenant"`
	Server         string        `json:"server"`
	StateDir       string        `json:"state_dir"`
	Mode           string        `json:"mode"`
	Running        bool          `json:"running"`
	SpoolPending   int           `json:"spool_pending"`
	TokenExpiresAt time.Time     `json:"token_expires_at"`
	Policy         string        `json:"policy"`
	OnHold         string        `json:"on_hold,omitempty"`
	Adopted        int           `json:"adopted"`
	Last           daemon.Status `json:"last_round"`
}

func statusCommand(_ context.Context, args []string, out io.Writer) error {
	s := newSettings("status", out).withOutput()
	c, e, err := s.open(args)
	if err != nil {
		return err
	}
	view, err := statusOf(c, e)
	if err != nil {
		return err
	}
	return showStatus(out, s.format, view)
}

func statusOf(c *config.Config, e *endpoint) (statusView, error) {
	v := statusView{Endpoint: e.id.Name, EndpointID: e.id.EndpointID, Tenant: e.id.TenantSlug, Server: e.id.Server,
		StateDir: e.dir.Root(), Mode: "user", TokenExpiresAt: e.store.ExpiresAt()}
	system, err := c.System()
	if err != nil {
		return v, err
	}
	if system {
		v.Mode = "system"
	}
	if v.Last, err = daemon.LoadStatus(e.dir); err != nil {
		return v, err
	}
	if v.SpoolPending, err = daemon.Pending(reconcile.Areas{Dir: e.dir, System: system}); err != nil {
		return v, err
	}
	orders, err := reconcile.LoadOrders(e.dir, time.Now())
	if err != nil {
		return v, err
	}
	if orders.Hold != nil {
		v.OnHold = or(orders.Hold.Reason, "yes") + ", since " + orders.Hold.At.UTC().Format(time.RFC3339)
	}
	adopted, err := reconcile.LoadAdopted(e.dir)
	if err != nil {
		return v, err
	}
	for _, record := range adopted.Entries {
		if !record.Undone {
			v.Adopted++
		}
	}
	v.Policy = policyText(c.Policy())
	v.Running, err = running(e)
	return v, err
}

func policyText(e *policy.Endpoint, err error) string {
	switch {
	case err != nil:
		return "cannot be used, so nothing is changed: " + err.Error()
	case e == nil:
		return "none"
	}
	return e.Digest()
}

// running tells whether an agent works in this state directory.
func running(e *endpoint) (bool, error) {
	unlock, err := e.dir.Lock(lockFile)
	if errors.Is(err, statedir.ErrLocked) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	unlock()
	return false, nil
}

func showStatus(out io.Writer, format string, v statusView) error {
	if format == "json" {
		return showJSON(out, v)
	}
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s "+format+"\n", append([]any{name}, args...)...)
	}
	agent := "not running; start it with: crontopus-agent run"
	if v.Running {
		agent = "running"
	}
	line("endpoint", "%s (%s)", v.Endpoint, v.EndpointID)
	line("tenant", "%s", v.Tenant)
	line("server", "%s", v.Server)
	line("state", "%s (%s mode)", v.StateDir, v.Mode)
	line("agent", "%s", agent)
	line("token", "valid until %s", v.TokenExpiresAt.UTC().Format(time.RFC3339))
	line("policy", "%s", v.Policy)
	line("unsent", "%d runs", v.SpoolPending)
	if v.OnHold != "" {
		line("on hold", "%s; release it with: crontopus-agent hold --release", v.OnHold)
	}
	if v.Adopted > 0 {
		line("adopted", "%d entries", v.Adopted)
	}
	if v.Last.At.IsZero() {
		line("last round", "never")
	} else {
		line("last round", "%s, fetched %.12s, applied %.12s", v.Last.At.Format(time.RFC3339), v.Last.FetchedCommit, v.Last.AppliedCommit)
	}
	if !v.Last.ServerSeenAt.IsZero() {
		line("clock", "%+.1fs from the server's, seen %s", -v.Last.ClockOffsetSeconds, v.Last.ServerSeenAt.Format(time.RFC3339))
	}
	if v.Last.Discovered > 0 {
		line("others", "%d jobs that are not Crontopus's; see: crontopus-agent discover", v.Last.Discovered)
	}
	if v.Last.Refused != "" {
		line("REFUSED", "%s", v.Last.Refused)
		line("", "%s", afterRefusal(v.Last.Refused))
	}
	for _, text := range append([]string{v.Last.FetchError, v.Last.ApplyError, v.Last.PolicyError}, append(v.Last.Problems, v.Last.Blocked...)...) {
		if text != "" {
			line("problem", "%s", text)
		}
	}
	showConditions(&b, v.Last.Conditions)
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}
