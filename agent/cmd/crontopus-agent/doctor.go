package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/config"
	"crontopus.dev/agent/pkg/daemon"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/scheduler"
)

// finding is one thing that doctor looked at.
type finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// timing is how one job's schedule is carried out here.
type timing struct {
	JobID  uuid.UUID `json:"job_id"`
	Job    string    `json:"job,omitempty"`
	How    string    `json:"how"` // exact, gated or refused
	Reason string    `json:"reason,omitempty"`
}

type diagnosis struct {
	Findings []finding `json:"findings"`
	Jobs     []timing  `json:"jobs"`
}

func (d *diagnosis) add(what string, err error, text, hint string) {
	f := finding{What: what, OK: err == nil, Text: text}
	if err != nil {
		f.Text, f.Hint = strings.Join(strings.Fields(err.Error()), " "), hint
	}
	d.Findings = append(d.Findings, f)
}

var errUnwell = errors.New("something is wrong; see above")

func doctorCommand(ctx context.Context, args []string, out io.Writer) error {
	s := newSettings("doctor", out).withOutput()
	c, err := s.parse(args)
	if err != nil {
		return err
	}
	d := &diagnosis{Findings: []finding{}, Jobs: []timing{}}
	d.examine(ctx, c)
	if err := d.show(out, s.format); err != nil {
		return err
	}
	for _, f := range d.Findings {
		if !f.OK {
			return errUnwell
		}
	}
	return nil
}

func (d *diagnosis) examine(ctx context.Context, c *config.Config) {
	e, err := openEndpoint(c)
	if err != nil {
		line, _ := explain(err)
		d.add("enrolment", errors.New(line), "", "")
		return
	}
	d.add("enrolment", nil, fmt.Sprintf("%s in %s, by %s", e.id.Name, e.id.TenantSlug, e.id.Server), "")
	view, err := statusOf(c, e)
	if err != nil {
		d.add("state", err, "", "look at "+e.dir.Root())
		return
	}
	d.state(c, view)
	d.server(ctx, e)
	d.machine(ctx, c, e)
}

func (d *diagnosis) state(c *config.Config, v statusView) {
	d.add("state", nil, v.StateDir+" ("+v.Mode+" mode)", "")
	var err error
	if !v.Running {
		err = errors.New("no agent is running")
	}
	d.add("agent", err, "running", "start it: crontopus-agent run, or install it as a service")
	_, err = c.Policy()
	d.add("policy", err, v.Policy, "until it is put right nothing is changed here")
	if err = nil; v.OnHold != "" {
		err = errors.New("on hold: " + v.OnHold)
	}
	d.add("hold", err, "none", "release it: crontopus-agent hold --release")
	if err = nil; v.Last.Digest != "" {
		err = errors.New(strings.Join(v.Last.Blocked, "; "))
	}
	d.add("removals", err, "none waits", "")
	d.rounds(v)
	if err = nil; v.Last.Refused != "" {
		err = errors.New(v.Last.Refused)
	}
	d.add("endpoint", err, "taken by the server", afterRefusal(v.Last.Refused))
	if err = nil; time.Now().After(v.TokenExpiresAt) {
		err = fmt.Errorf("the token ended at %s", v.TokenExpiresAt.UTC().Format(time.RFC3339))
	}
	d.add("token", err, "valid until "+v.TokenExpiresAt.UTC().Format(time.RFC3339), "enrol again: crontopus-agent enroll --force --server URL --token TOKEN")
	if err = nil; v.SpoolPending > manyPending {
		err = fmt.Errorf("%d runs are not with the server yet", v.SpoolPending)
	}
	d.add("spool", err, fmt.Sprintf("%d runs wait", v.SpoolPending), "see whether the server can be reached")
}

// Limits beyond which something is wrong.
const (
	manyPending = 1000
	lateRound   = 15 * time.Minute
	clockDrift  = 30 * time.Second
)

func (d *diagnosis) rounds(v statusView) {
	err := error(nil)
	for _, text := range []string{v.Last.FetchError, v.Last.ApplyError} {
		if text != "" {
			err = errors.Join(err, errors.New(text))
		}
	}
	if age := time.Since(v.Last.At); err == nil && v.Running && age > lateRound {
		err = fmt.Errorf("the last round was %s ago", age.Round(time.Minute))
	}
	d.add("rounds", err, fmt.Sprintf("last %s, fetched %.12s, applied %.12s", v.Last.At.Format(time.RFC3339), v.Last.FetchedCommit, v.Last.AppliedCommit),
		"jobs go on as they were applied last")
}

// server asks it, and compares clocks.
func (d *diagnosis) server(ctx context.Context, e *endpoint) {
	sent := time.Now()
	self, err := e.client.Self(ctx)
	if err != nil {
		line, _ := explain(err)
		d.add("server", errors.New(line), "", "")
		return
	}
	took := time.Since(sent)
	d.add("server", nil, fmt.Sprintf("answers in %s", took.Round(time.Millisecond)), "")
	offset := self.ServerTime.Sub(sent.Add(took / 2))
	if offset.Abs() > clockDrift {
		err = fmt.Errorf("this clock is %s away from the server's (±%s)", offset.Round(time.Second), (took / 2).Round(time.Millisecond))
	}
	d.add("clock", err, fmt.Sprintf("%s from the server's (±%s)", (-offset).Round(time.Millisecond), (took/2).Round(time.Millisecond)), "set the clock: run an NTP client")
}

// machine plans a round without carrying it out, which tells how every job is scheduled.
func (d *diagnosis) machine(ctx context.Context, c *config.Config, e *endpoint) {
	m, err := openMachine(c, e)
	if err != nil {
		line, _ := explain(err)
		d.add("scheduler", errors.New(line), "", "")
		return
	}
	flavour := m.sched.Name()
	if f, ok := m.sched.(scheduler.Flavoured); ok {
		flavour += ", " + f.Flavour()
	}
	_, err = m.sched.Read(ctx)
	d.add("scheduler", err, flavour, "no entry is touched while it cannot be read")
	left, err := m.leftBehinds(ctx, false)
	for _, l := range left {
		d.add("others", errors.New(l.text), "", l.hint)
	}
	if err != nil {
		d.add("others", err, "", "entries of other installations could not all be looked for")
	}
	d.textfile(c)
	work, err := build(c, e, true)
	if err != nil {
		d.add("settings", err, "", "")
		return
	}
	result, err := work.SyncWith(ctx, daemon.Round{})
	if err = errors.Join(err, result.FetchErr); err != nil {
		line, _ := explain(err)
		err = errors.New(line)
	}
	d.add("repository", err, "can be fetched", "")
	if result.Plan == nil {
		return
	}
	for _, problem := range result.Plan.Problems {
		d.add("manifest", errors.New(problem), "", "")
	}
	d.timings(result.Plan)
}

func (d *diagnosis) textfile(c *config.Config) {
	if c.TextfileDir == "" {
		return
	}
	info, err := os.Stat(c.TextfileDir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", c.TextfileDir)
	}
	d.add("metrics", err, c.TextfileDir, "make the directory, or leave textfile_dir out")
}

func (d *diagnosis) timings(p *reconcile.Plan) {
	for _, condition := range p.Conditions {
		t := timing{JobID: condition.JobID, Job: p.Next.Entries[condition.JobID].Address, How: "exact"}
		switch {
		case condition.Type == reconcile.Suspended:
			continue
		case condition.Reason == "NotExpressible" || condition.Reason == "CannotRender" || condition.Reason == "UnknownTimezone":
			t.How, t.Reason = "refused", condition.Message
		case condition.Type == reconcile.Stalled:
			t.How, t.Reason = "stalled", condition.Reason+": "+condition.Message
		case p.Gates[condition.JobID] != "":
			t.How, t.Reason = "gated", p.Gates[condition.JobID]
		}
		d.Jobs = append(d.Jobs, t)
	}
}

func (d *diagnosis) show(out io.Writer, format string) error {
	if format == "json" {
		return showJSON(out, d)
	}
	var b strings.Builder
	for _, f := range d.Findings {
		mark := "ok  "
		if !f.OK {
			mark = "BAD "
		}
		fmt.Fprintf(&b, "%s%-10s %s\n", mark, f.What, f.Text)
		if f.Hint != "" {
			fmt.Fprintf(&b, "%15s%s\n", "", f.Hint)
		}
	}
	for _, t := range d.Jobs {
		fmt.Fprintf(&b, "job %s: %s", or(t.Job, t.JobID.String()), t.How)
		if t.Reason != "" {
			b.WriteString(" (" + oneLine(t.Reason, 200) + ")")
		}
		b.WriteString("\n")
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}
