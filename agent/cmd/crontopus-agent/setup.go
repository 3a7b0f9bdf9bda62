package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"runtime"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/config"
	"crontopus.dev/agent/pkg/daemon"
	"crontopus.dev/agent/pkg/discover"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/native"
	"crontopus.dev/agent/pkg/scheduler/systemd"
	"crontopus.dev/agent/pkg/statedir"
)

// settings are the flags every command has.
type settings struct {
	flags    *flag.FlagSet
	config   string
	stateDir string
	runPath  string
	format   string // of the output, where a command has more than one: text or json
}

func newSettings(name string, out io.Writer) *settings {
	s := &settings{flags: flag.NewFlagSet("crontopus-agent "+name, flag.ContinueOnError)}
	s.flags.SetOutput(out)
	s.flags.StringVar(&s.config, "config", "", "configuration `file`")
	s.flags.StringVar(&s.stateDir, "state-dir", "", "state `directory`")
	s.flags.StringVar(&s.runPath, "run-path", "", "`path` of crontopus-run (default: beside this program)")
	return s
}

// withOutput adds --output and its short form --json.
func (s *settings) withOutput() *settings {
	s.format = "text"
	s.flags.Func("output", "`format`: text or json (default text)", func(format string) error {
		if format != "text" && format != "json" {
			return errors.New("neither text nor json")
		}
		s.format = format
		return nil
	})
	s.flags.BoolFunc("json", "the same as --output json", func(on string) error {
		if on == "true" {
			s.format = "json"
		}
		return nil
	})
	return s
}

// open is for commands about the endpoint that this machine is.
func (s *settings) open(args []string) (*config.Config, *endpoint, error) {
	c, err := s.parse(args)
	if err != nil {
		return nil, nil, err
	}
	e, err := openEndpoint(c)
	return c, e, err
}

func (s *settings) parse(args []string) (*config.Config, error) {
	c, words, err := s.parseWords(args)
	if err == nil && len(words) > 0 {
		return nil, &usageError{fmt.Sprintf("unexpected %q; see %s --help", words[0], s.flags.Name())}
	}
	return c, err
}

// parseWords also takes words that are no flags, before flags or after.
func (s *settings) parseWords(args []string) (*config.Config, []string, error) {
	words, err := s.parseFiles(args)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.load()
	return c, words, err
}

// parseFiles is for commands that need no configuration; it returns what is no flag.
func (s *settings) parseFiles(args []string) ([]string, error) {
	var words []string
	for {
		if err := s.parseFlags(args); err != nil {
			return nil, err
		}
		if s.flags.NArg() == 0 {
			return words, nil
		}
		words = append(words, s.flags.Arg(0))
		args = s.flags.Args()[1:]
	}
}

func (s *settings) parseFlags(args []string) error {
	s.flags.Usage = func() {}
	err := s.flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(s.flags.Output(), "usage: %s [flags]\n", s.flags.Name())
		s.flags.PrintDefaults()
		return err
	}
	if err != nil {
		return &usageError{err.Error() + "; see " + s.flags.Name() + " --help"}
	}
	return nil
}

func (s *settings) load() (*config.Config, error) {
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

func openStore(c *config.Config) (*statedir.Dir, *enroll.Store, error) {
	dir, err := c.State()
	if err != nil {
		return nil, nil, err
	}
	return dir, enroll.NewStore(dir), nil
}

func openEndpoint(c *config.Config) (*endpoint, error) {
	dir, store, err := openStore(c)
	if err != nil {
		return nil, err
	}
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
	_, store, err := openStore(c)
	if err != nil {
		return err
	}
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

// machine is what of this machine the agent works on.
type machine struct {
	sched scheduler.Scheduler
	home  string
	areas reconcile.Areas
}

func openMachine(c *config.Config, e *endpoint) (*machine, error) {
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
	system, err := c.System()
	if err != nil {
		return nil, err
	}
	kind, err := c.NativeScheduler()
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("own user: %w", err)
	}
	sched, err := native.New(native.Options{Installation: installation, RunPath: runner, StateDir: e.dir.Root(), System: system, Kind: kind})
	if err != nil {
		return nil, err
	}
	return &machine{sched: sched, home: me.HomeDir, areas: reconcile.Areas{Dir: e.dir, System: system, User: me.Username}}, nil
}

func (m *machine) applier(e *endpoint) *reconcile.Applier {
	return &reconcile.Applier{Dir: e.dir, Areas: m.areas, Scheduler: m.sched}
}

// places are where jobs of others may be: the scheduler's own, and those that are only looked at.
func (m *machine) places() []scheduler.Discoverer {
	var out []scheduler.Discoverer
	if d, ok := m.sched.(scheduler.Discoverer); ok {
		out = append(out, d)
	}
	switch {
	case runtime.GOOS != "linux":
	case m.areas.System:
		out = append(out, systemd.System("/"))
	case m.home != "":
		out = append(out, systemd.User("/", m.home, m.areas.User))
	}
	return out
}

func (m *machine) foreign(ctx context.Context) ([]scheduler.Foreign, error) {
	return discover.Collect(ctx, m.places())
}

// build puts a daemon together. With looking, nothing of the machine is changed: the repository stays in memory.
func build(c *config.Config, e *endpoint, looking bool) (*daemon.Daemon, error) {
	m, err := openMachine(c, e)
	if err != nil {
		return nil, err
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
	o := daemon.Options{API: e.client, Source: gitsource.New(repository), Reconciler: m.applier(e), Dir: e.dir, Store: e.store, Identity: e.id,
		Areas: m.areas, ReportOnly: reportOnly, Policy: c.Policy, Textfile: c.TextfileDir, Poll: poll, Heartbeat: beat, Watch: true, Log: log}
	finds, err := c.Discovers()
	if err != nil {
		return nil, err
	}
	if finds {
		o.Discover, o.Report = m.foreign, func(ctx context.Context, found []discover.Found) error {
			return e.client.Discovered(ctx, found)
		}
	}
	return daemon.New(o), nil
}
