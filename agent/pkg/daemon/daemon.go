// Package daemon is the agent at work: it keeps the machine's scheduler in step with Git, reports how that
// goes, and ships what crontopus-run has spooled. It runs no job.
package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/discover"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/policy"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/spool"
	"crontopus.dev/agent/pkg/statedir"
	"crontopus.dev/agent/pkg/watch"
)

// API is the part of the server the daemon needs; *api.Client has it.
type API interface {
	Self(ctx context.Context) (*api.Self, error)
	Heartbeat(ctx context.Context, h api.Heartbeat) (*api.HeartbeatAnswer, error)
	RotateToken(ctx context.Context, r api.Rotation, key ed25519.PrivateKey, at time.Time) (*api.Token, error)
	CheckIns(ctx context.Context, batch []spool.Record) ([]spool.Result, error)
	Stream(ctx context.Context, opened func(), handle func(api.Event)) error
}

// Source is where manifests come from; *gitsource.Source has it.
type Source interface {
	Fetch(ctx context.Context, remote gitsource.Remote, applied string) (string, error)
	Read(commit string) (*gitsource.Snapshot, error)
}

// Reconciler is *reconcile.Applier.
type Reconciler interface {
	Plan(ctx context.Context, in reconcile.Input) (*reconcile.Plan, error)
	Apply(ctx context.Context, in reconcile.Input) (*reconcile.Plan, error)
}

// Options of a daemon; the zero durations mean the defaults.
type Options struct {
	API        API
	Source     Source
	Reconciler Reconciler
	Dir        *statedir.Dir
	Store      *enroll.Store
	Identity   *enroll.Identity
	Areas      reconcile.Areas
	ReportOnly bool
	// Policy reads the endpoint's policy anew in every round; nil: there is none.
	Policy func() (*policy.Endpoint, error)
	// Discover looks for the jobs of others; nil: it is off.
	Discover  func(ctx context.Context) ([]scheduler.Foreign, error)
	Report    func(ctx context.Context, found []discover.Found) error
	Textfile  string // where metrics are left for node_exporter; "" = nowhere
	Poll      time.Duration
	Heartbeat time.Duration
	// Watch has spools and orders looked at when something changes in them; else that is done every second.
	Watch bool
	Log   *slog.Logger
}

// Defaults.
const (
	DefaultPoll      = time.Minute
	DefaultHeartbeat = 30 * time.Second
)

// looking is how often the agent looks for what others leave for it. A run whose crontopus-run was killed gives no
// notice: its end is told Most later.
var looking = watch.Pace{Least: time.Second, Most: 15 * time.Second, Blind: time.Second}

// Daemon is one agent. Sync may be called without Run.
type Daemon struct {
	Options
	wakeFetch chan struct{}
	wakeBeat  chan struct{}
	pace      watch.Pace

	mu     sync.Mutex // guards what follows
	id     enroll.Identity
	status Status
	hinted string        // the last commit somebody told us of
	offset time.Duration // server time minus ours
	clock  *api.Clock    // the same, as it is reported
	server outage

	textfile outage
	applying sync.Mutex          // held while entries are written; guards what follows
	worked   *gitsource.Snapshot // that of the round before

	owners owners // of the spool's loop alone
	places areaList
	// Of the heartbeat loop alone.
	advanceAt time.Time
	showKey   bool // the token is refused
	hasTraded bool // and was traded for another a moment ago
}

// New prepares a daemon.
func New(o Options) *Daemon {
	if o.Poll <= 0 {
		o.Poll = DefaultPoll
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	d := &Daemon{Options: o, wakeFetch: make(chan struct{}, 1), wakeBeat: make(chan struct{}, 1), pace: looking, id: *o.Identity}
	d.server = outage{log: o.Log, what: "server"}
	d.places.areas = o.Areas
	d.textfile = outage{log: o.Log, what: "metrics file"}
	return d
}

// Run works until ctx ends. Trouble of any kind is logged and tried again; only a broken state directory
// makes it return early.
func (d *Daemon) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	given := changed(d.Dir.Path(reconcile.OrdersDir)) // before the first round reads them
	orders := func(ctx context.Context) { d.ordersLoop(ctx, given) }
	for _, loop := range []func(context.Context){d.streamLoop, d.heartbeatLoop, d.spoolLoop, orders, d.discoverLoop} {
		wg.Add(1)
		go func() { defer wg.Done(); loop(ctx) }()
	}
	d.syncLoop(ctx)
	wg.Wait()
	return nil
}

func (d *Daemon) syncLoop(ctx context.Context) {
	var fetchTrouble, applyTrouble outage
	fetchTrouble = outage{log: d.Log, what: "repository"}
	applyTrouble = outage{log: d.Log, what: "scheduler"}
	retry := backoff{}
	var told *reconcile.Plan // a round that finds nothing changed gives the same one
	for {
		result, err := d.Sync(ctx, true)
		if ctx.Err() != nil {
			return
		}
		fetchTrouble.note(result.FetchErr)
		applyTrouble.note(err)
		if result.Changed {
			debug.FreeOSMemory() // what reading a new commit took is not needed again for long
		}
		wait := jittered(d.Poll)
		if result.FetchErr != nil || err != nil {
			wait = min(retry.next(), wait)
		} else {
			retry = backoff{}
		}
		if result.Plan != told || err != nil || result.FetchErr != nil {
			told = result.Plan
			poke(d.wakeBeat)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-d.wakeFetch:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Result of one round.
type Result struct {
	Plan     *reconcile.Plan
	FetchErr error // the plan was made from the last good commit
	Changed  bool  // it is another commit than in the round before
}

// ErrNothingFetched means that there is no commit to work from, fetched now or before.
var ErrNothingFetched = errors.New("nothing was ever fetched")

// Sync does one round: fetch, compare, and, with apply, carry out.
func (d *Daemon) Sync(ctx context.Context, apply bool) (Result, error) {
	return d.SyncWith(ctx, Round{Apply: apply})
}

// Round says how to do one round.
type Round struct {
	Apply       bool
	Confirm     string // digest of removals that are approved
	AllowRewind bool
}

// SyncWith is Sync with approvals.
func (d *Daemon) SyncWith(ctx context.Context, round Round) (Result, error) {
	id := d.identity()
	rules, policyErr := d.policy()
	began := time.Now()
	snap, fetchErr, err := d.snapshot(ctx, id, rules, round.AllowRewind)
	fetched := time.Now()
	if err != nil {
		return Result{FetchErr: fetchErr}, err
	}
	in := reconcile.Input{Tenant: id.TenantID, Endpoint: id.EndpointID, Labels: id.Labels, Hostname: id.Hostname,
		User: d.Areas.User, System: d.Areas.System, Snapshot: snap, Trusted: fetchErr == nil, Policy: rules, PolicyErr: policyErr,
		Orders: reconcile.Orders{Confirm: round.Confirm}, ReportOnly: d.ReportOnly, Now: time.Now()}
	carry := d.Reconciler.Plan
	if round.Apply {
		carry = d.Reconciler.Apply
	}
	d.applying.Lock()
	changed := d.worked != snap
	d.worked = snap
	plan, err := carry(ctx, in)
	d.applying.Unlock()
	if round.Apply {
		d.logPlan(plan, err)
		took := took{fetched.Sub(began).Seconds(), time.Since(fetched).Seconds()}
		d.remember(plan, took, policyErr, fetchErr, err)
	}
	return Result{Plan: plan, FetchErr: fetchErr, Changed: changed}, err
}

// snapshot fetches, or falls back to the last good commit. fetchErr says why it fell back.
func (d *Daemon) snapshot(ctx context.Context, id enroll.Identity, rules *policy.Endpoint, allowRewind bool) (snap *gitsource.Snapshot, fetchErr, err error) {
	tenant, base, err := reconcile.LastCommit(d.Dir)
	if err != nil {
		return nil, nil, err
	}
	if allowRewind || tenant != id.TenantID {
		base = ""
	}
	trust, err := d.trust(rules)
	if err != nil {
		return nil, nil, err
	}
	remote := gitsource.Remote{URL: id.Repository.URL, Branch: id.Repository.Branch, Token: d.Store.Token(), Trust: trust}
	head, fetchErr := d.Source.Fetch(ctx, remote, base)
	fetchErr = d.followSigners(ctx, fetchErr)
	if head != "" {
		d.setFetched(head)
	}
	commit := head
	if fetchErr == nil {
		snap, fetchErr = d.Source.Read(head)
		if fetchErr == nil {
			return snap, nil, nil
		}
	}
	commit = base
	if commit == "" {
		return nil, fetchErr, fmt.Errorf("%w: %w", ErrNothingFetched, fetchErr)
	}
	snap, err = d.Source.Read(commit)
	if err != nil {
		return nil, fetchErr, fmt.Errorf("last good commit: %w", errors.Join(err, fetchErr))
	}
	return snap, fetchErr, nil
}

func (d *Daemon) policy() (*policy.Endpoint, error) {
	if d.Policy == nil {
		return nil, nil
	}
	return d.Policy()
}

func (d *Daemon) logPlan(plan *reconcile.Plan, err error) {
	if plan == nil {
		return
	}
	for _, a := range plan.Actions {
		if err == nil {
			d.Log.Info("entry "+string(a.Verb), "job", a.Address, "job_id", a.JobID, "commit", plan.Commit, "reason", a.Reason)
		}
	}
}

func (d *Daemon) identity() enroll.Identity {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.id
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}
