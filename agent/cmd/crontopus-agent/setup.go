package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/config"
	"crontopus.dev/agent/pkg/daemon"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/scheduler/native"
	"crontopus.dev/agent/pkg/statedir"
)

// settings are the flags every command has.
type settings struct {
	flags    *flag.FlagSet
	config   string
	stateDir string
	runPath  string
}

func newSettings(name string, out io.Writer) *settings {
	s := &settings{flags: flag.NewFlagSet("crontopus-agent "+name, flag.ContinueOnError)}
	s.flags.SetOutput(out)
	s.flags.StringVar(&s.config, "config", "", "configuration `file`")
	s.flags.StringVar(&s.stateDir, "state-dir", "", "state `directory`")
	s.flags.StringVar(&s.runPath, "run-path", "", "`path` of crontopus-run (default: beside this program)")
	return s
}

func (s *settings) parse(args []string) (*config.Config, error) {
	s.flags.Usage = func() {}
	err := s.flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(s.flags.Output(), "usage: %s [flags]\n", s.flags.Name())
		s.flags.PrintDefaults()
		return nil, err
	}
	if err != nil {
		return nil, &usageError{err.Error() + "; see " + s.flags.Name() + " --help"}
	}
	if s.flags.NArg() > 0 {
		return nil, &usageError{fmt.Sprintf("unexpected %q; see %s --help", s.flags.Arg(0), s.flags.Name())}
	}
	c, err := config.Load(s.config, os.Getenv)
	if err != nil {
		return nil, err
	}
	if s.stateDir != "" {
		c.StateDir = s.stateDir
	}
	if s.runPath != "" {
		c.RunPath = s.runPath
	}
	return c, nil
}

// labelFlag collects --label key=value.
type labelFlag map[string]string

func (l labelFlag) String() string { return "" }

func (l labelFlag) Set(s string) error {
	k, v, ok := strings.Cut(s, "=")
	if !ok || k == "" {
		return fmt.Errorf("%q is not key=value", s)
	}
	l[k] = v
	return nil
}

// endpoint is an enrolled machine, ready to work.
type endpoint struct {
	dir    *statedir.Dir
	store  *enroll.Store
	id     *enroll.Identity
	client *api.Client
}

func openEndpoint(c *config.Config) (*endpoint, error) {
	dir, err := c.State()
	if err != nil {
		return nil, err
	}
	store := enroll.NewStore(dir)
	id, err := store.Load()
	if err != nil {
		return nil, err
	}
	client, err := api.New(id.Server, store.Token)
	if err != nil {
		return nil, err
	}
	return &endpoint{dir, store, id, client}, nil
}

// enrollFirst enrols a machine that isn't and whose configuration says with what.
func enrollFirst(ctx context.Context, c *config.Config) error {
	dir, err := c.State()
	if err != nil {
		return err
	}
	store := enroll.NewStore(dir)
	if _, err := store.Load(); !errors.Is(err, enroll.ErrNotEnrolled) || c.EnrollmentToken == "" || c.Server == "" {
		return err
	}
	return doEnroll(ctx, store, enroll.Request{Server: c.Server, Token: c.EnrollmentToken, Labels: c.Labels}, io.Discard)
}

func doEnroll(ctx context.Context, store *enroll.Store, req enroll.Request, out io.Writer) error {
	client, err := api.New(req.Server, func() string { return "" })
	if err != nil {
		return &usageError{err.Error()}
	}
	id, err := store.Enroll(ctx, client, req, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Enrolled as %q in %s (endpoint %s).\nNext: crontopus-agent run\n", id.Name, id.TenantSlug, id.EndpointID)
	return nil
}

// build puts a daemon together. With looking, nothing of the machine is changed: the repository stays in memory.
func build(c *config.Config, e *endpoint, looking bool) (*daemon.Daemon, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("own path: %w", err)
	}
	runner, err := c.Runner(executable)
	if err != nil {
		return nil, err
	}
	installation, err := e.store.Installation()
	if err != nil {
		return nil, err
	}
	sched, err := native.New(native.Options{Installation: installation, RunPath: runner, StateDir: e.dir.Root()})
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("own user: %w", err)
	}
	poll, beat, err := c.Intervals()
	if err != nil {
		return nil, err
	}
	reportOnly, err := c.ReportOnly()
	if err != nil {
		return nil, err
	}
	log, err := c.Logger(os.Stderr)
	if err != nil {
		return nil, err
	}
	repository := e.dir.Path("repository.git")
	if looking {
		repository = ""
	}
	return daemon.New(daemon.Options{API: e.client, Source: gitsource.New(repository),
		Reconciler: &reconcile.Applier{Dir: e.dir, Scheduler: sched}, Dir: e.dir, Store: e.store, Identity: e.id,
		User: me.Username, ReportOnly: reportOnly, Poll: poll, Heartbeat: beat, Log: log}), nil
}
