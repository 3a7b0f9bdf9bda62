package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
)

// directDir is the state directory of runs that are reported without an agent: its spool is nobody else's.
const directDir = "direct"

const maxToken = 4 << 10

// direct reports a run to the API by itself, over a spool of its own.
type direct struct {
	*spool.Writer
	shipper *spool.Shipper
	wait    time.Duration
	warn    func(error)
	cancel  context.CancelFunc
	beside  chan struct{}
	ended   bool
}

// newDirect fails only for what the caller got wrong.
func newDirect(r *runner, server, tokenFile string, wait time.Duration) (*direct, error) {
	token, err := statedir.ReadFile(tokenFile, maxToken)
	if err != nil {
		r.warn(fmt.Errorf("token: %w", err)) // the command runs all the same, and what it did is told when there is one
	}
	client, err := api.New(server, func() string { return strings.TrimSpace(string(token)) })
	if err != nil {
		return nil, err
	}
	d := &direct{wait: wait, warn: r.warn}
	root := filepath.Join(r.root, directDir)
	if _, err := statedir.Open(root); err != nil {
		r.warn(err)
	}
	d.Writer = spool.NewWriter(root, r.runID)
	if d.shipper, err = spool.NewShipper(root, client.CheckIns, slog.New(slog.DiscardHandler), time.Now); err != nil {
		r.warn(err) // the run goes on; what cannot be spooled is not told
	}
	return d, nil
}

// Append spools a record. The start is sent beside the command.
func (d *direct) Append(rec spool.Record) error {
	d.ended = d.ended || rec.Kind == spool.KindFinish
	err := d.Writer.Append(rec)
	if rec.Kind == spool.KindStart && d.shipper != nil {
		var ctx context.Context
		ctx, d.cancel = context.WithCancel(context.Background())
		d.beside = make(chan struct{})
		go func() {
			defer close(d.beside)
			if _, err := d.shipper.Ship(ctx); err != nil {
				d.warn(err)
			}
		}()
	}
	return err
}

// Close sends what is spooled, for as long as it may take.
func (d *direct) Close() error {
	err := d.Writer.Close()
	if !d.ended || d.shipper == nil {
		return err
	}
	d.ended = false
	ctx, stop := signal.NotifyContext(context.Background(), forwarded...)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	if d.beside != nil {
		d.settle(ctx)
	}
	return errors.Join(err, d.ship(ctx))
}

// settle ends what goes on beside the command: the next pass sends it again, which counts once.
func (d *direct) settle(ctx context.Context) {
	select {
	case <-d.beside:
	case <-time.After(startWait):
	case <-ctx.Done():
	}
	d.cancel()
	<-d.beside
}

func (d *direct) ship(ctx context.Context) error {
	for wait := time.Second; ; wait *= 2 {
		_, err := d.shipper.Ship(ctx)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
