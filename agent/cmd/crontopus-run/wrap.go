package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/jobfile"
	"crontopus.dev/agent/pkg/ping"
	"crontopus.dev/agent/pkg/spool"
)

// pinger reports a run by pings. Its start is told beside the command, which never waits for it.
type pinger struct {
	target ping.Target
	sender *ping.Sender
	queue  *ping.Queue // nil: there is no place for one
	wait   time.Duration
	warn   func(error)

	cancel context.CancelFunc // of what goes on beside the command
	beside chan struct{}      // closed when that is over
	end    *spool.Record
}

// startWait is how much longer the news of the start may take when the run is over.
const startWait = 2 * time.Second

// Append tells of the start at once, and keeps the end for Close.
func (p *pinger) Append(rec spool.Record) error {
	if rec.Kind == spool.KindFinish {
		p.end = &rec
		return nil
	}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	p.beside = make(chan struct{})
	go func() {
		defer close(p.beside)
		if p.queue != nil { // what an earlier run could not tell comes first
			if err := p.queue.Flush(ctx, p.sender, rec.At); err != nil {
				p.warn(err)
			}
		}
		if err := p.sender.Deliver(ctx, ping.Ping{URL: p.target.Address(ping.Start, rec.RunID), At: rec.At}); err != nil {
			p.warn(err)
		}
	}()
	return nil
}

// Close tells of the end, for as long as it may take; what cannot be told waits for the next call.
func (p *pinger) Close() error {
	if p.end == nil {
		return nil
	}
	message := p.message(*p.end)
	p.end = nil
	var held *ping.Held
	if p.queue != nil {
		var err error
		if held, err = p.queue.Put(message); err != nil {
			p.warn(err) // it is sent from memory
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), forwarded...)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	p.finishStart(ctx)
	err := p.sender.Deliver(ctx, message)
	if held == nil {
		return err
	}
	if err == nil || errors.Is(err, ping.ErrRefused) {
		return errors.Join(err, held.Drop())
	}
	return errors.Join(err, held.Release())
}

// finishStart lets the news of the start arrive first, or never: told after the end it would say that a run goes on.
func (p *pinger) finishStart(ctx context.Context) {
	if p.beside == nil {
		return
	}
	timer := time.NewTimer(startWait)
	defer timer.Stop()
	select {
	case <-p.beside:
	case <-timer.C:
	case <-ctx.Done():
	}
	p.cancel()
	<-p.beside
}

func (p *pinger) message(rec spool.Record) ping.Ping {
	event := ping.Fail
	if rec.ExitCode != nil && rec.Outcome != spool.OutcomeTimeout {
		event = ping.Code(*rec.ExitCode)
	}
	var body []byte
	if rec.Message != "" {
		body = append(body, rec.Message+"\n"...)
	}
	if rec.Output != nil {
		body = append(body, rec.Output.Data...)
	}
	return ping.Ping{URL: p.target.Address(event, rec.RunID), At: rec.At, Body: body}
}

// interactive tells whether f is a terminal, or nothing to read from.
func interactive(f *os.File) bool {
	info, err := f.Stat()
	return err != nil || info.Mode()&os.ModeCharDevice != 0
}

// wrap runs a command that is on the command line. Only a wrong command line keeps it from running.
func wrap(r *runner, o *options, argv []string, stderr io.Writer) int {
	r.job = &jobfile.Job{Argv: argv, TimeoutSeconds: int64((o.timeout + time.Second - 1) / time.Second),
		Output: jobfile.Output{MaxBytes: o.maxOutput, Redact: o.redact}}
	if o.maxOutput <= 0 {
		r.job.Output.Capture = "none"
	}
	if !interactive(os.Stdin) {
		r.stdin = os.Stdin
	}
	if err := r.reportAs(o, argv); err != nil {
		fmt.Fprintln(stderr, "crontopus-run:", err)
		return exitUsage
	}
	return r.run()
}

// reportAs fails for what the caller got wrong.
func (r *runner) reportAs(o *options, argv []string) (err error) {
	if len(argv) == 0 || o.timeout < 0 || o.wait < 0 || o.ping != "" && o.api != "" {
		return errors.New("give either --ping or --api, then --, then a command; see --help")
	}
	if _, err := newRedactor(o.redact); err != nil {
		return err
	}
	if o.rid != "" {
		if r.runID, err = uuid.Parse(o.rid); err != nil {
			return fmt.Errorf("--rid: %w", err)
		}
	}
	if r.root, err = stateRoot(o.stateDir); err != nil {
		r.warn(err)
	}
	if o.api != "" {
		if r.job.JobID, err = uuid.Parse(o.jobID); err != nil {
			return fmt.Errorf("--job-id: %w", err)
		}
		r.report, err = newDirect(r, o.api, o.tokenFile, o.wait)
		return err
	}
	p := &pinger{sender: ping.NewSender(), wait: o.wait, warn: r.warn}
	if p.target, err = ping.Parse(o.ping); err != nil {
		return err
	}
	if r.root != "" {
		if p.queue, err = ping.OpenQueue(r.root); err != nil {
			r.warn(err)
		}
	}
	r.report = p
	return nil
}
