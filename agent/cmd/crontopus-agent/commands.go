package main

import (
	"context"
	"io"
	"runtime/debug"

	"crontopus.dev/agent/pkg/config"
	"crontopus.dev/agent/pkg/daemon"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/service"
)

// lockFile keeps two agents out of one state directory.
const lockFile = "agent.lock"

func enrollCommand(ctx context.Context, args []string, out io.Writer) error {
	s := newSettings("enroll", out)
	server := s.flags.String("server", "", "address of the Crontopus server")
	token := s.flags.String("token", "", "enrolment token")
	force := s.flags.Bool("force", false, "replace an enrolment that is there")
	labels := labelFlag{}
	s.flags.Var(labels, "label", "label `key=value`; may be given several times")
	c, err := s.parse(args)
	if err != nil {
		return err
	}
	req := enroll.Request{Server: or(*server, c.Server), Token: or(*token, c.EnrollmentToken), Labels: c.Labels, Force: *force}
	if len(labels) > 0 {
		req.Labels = labels
	}
	if req.Server == "" || req.Token == "" {
		return &usageError{"enroll needs --server URL and --token TOKEN; the console gives you both under Endpoints"}
	}
	dir, store, err := openStore(c)
	if err != nil {
		return err
	}
	unlock, err := dir.Lock(lockFile)
	if err != nil {
		return err
	}
	defer unlock()
	return doEnroll(ctx, store, req, out)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func runCommand(ctx context.Context, args []string, out io.Writer) error {
	c, err := newSettings("run", out).parse(args)
	if err != nil {
		return err
	}
	if err := enrollFirst(ctx, c); err != nil {
		return err
	}
	e, d, unlock, err := prepare(c, false)
	if err != nil {
		return err
	}
	defer unlock()
	longLived()
	d.Log.Info("agent started", "endpoint", e.id.Name, "endpoint_id", e.id.EndpointID, "server", e.id.Server, "state_dir", e.dir.Root())
	err = service.Run(ctx, d.Run)
	d.Log.Info("agent stopped; the scheduler goes on without it")
	return err
}

// prepare opens and locks the endpoint.
func prepare(c *config.Config, looking bool) (*endpoint, *daemon.Daemon, func(), error) {
	e, err := openEndpoint(c)
	if err != nil {
		return nil, nil, nil, err
	}
	unlock := func() {}
	if !looking {
		if unlock, err = e.dir.Lock(lockFile); err != nil {
			return nil, nil, nil, err
		}
	}
	d, err := build(c, e, looking)
	if err != nil {
		unlock()
		return nil, nil, nil, err
	}
	return e, d, unlock, nil
}

func planCommand(ctx context.Context, args []string, out io.Writer) error {
	return once(ctx, "plan", args, out)
}

func applyCommand(ctx context.Context, args []string, out io.Writer) error {
	return once(ctx, "apply", args, out)
}

func once(ctx context.Context, name string, args []string, out io.Writer) error {
	s := newSettings(name, out).withOutput()
	confirm := s.flags.String("confirm", "", "approve the removals with this `digest`, which plan shows")
	rewind := s.flags.Bool("accept-rewind", false, "accept a branch whose history was rewritten")
	c, err := s.parse(args)
	if err != nil {
		return err
	}
	apply := name == "apply"
	shortLived()
	e, d, unlock, err := prepare(c, !apply)
	if err != nil {
		return err
	}
	defer unlock()
	if err := refresh(ctx, e, d); err != nil {
		return err
	}
	result, err := d.SyncWith(ctx, daemon.Round{Apply: apply, Confirm: *confirm, AllowRewind: *rewind})
	if err != nil {
		return err
	}
	if err := showPlan(out, s.format, result.Plan, apply); err != nil {
		return err
	}
	return result.FetchErr
}

// longLived: a program that hardly does anything had better be small.
func longLived() {
	debug.SetGCPercent(50)
}

// shortLived: a program that ends at once gains nothing from collecting its garbage, until there is very much of it.
func shortLived() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(128 << 20)
}

// refresh asks for the current labels; a server that is away leaves the last known ones.
func refresh(ctx context.Context, e *endpoint, d *daemon.Daemon) error {
	self, err := e.client.Self(ctx)
	if err != nil {
		d.Log.Warn("labels may be out of date", "error", err)
		return nil
	}
	d.TakeLabels(self.Labels)
	return nil
}
