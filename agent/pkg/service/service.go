// Package service makes the agent a service of the machine, or of a user: systemd, launchd, Windows.
package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	kardianos "github.com/kardianos/service"
)

const (
	name          = "crontopus-agent"
	launchdName   = "dev.crontopus.agent"
	displayName   = "Crontopus agent"
	description   = "Crontopus agent: keeps this machine's scheduler in step with Git"
	documentation = "https://crontopus.dev/docs/agent"
)

// Options say what is to run, and for whom.
type Options struct {
	User       bool     // a service of the user who asks, not of the machine
	Executable string   // absolute
	Arguments  []string // of the agent: run …
	StateDir   string   // when it is not the default one
}

var (
	// ErrNoUserServices means that this system's services are the machine's only.
	ErrNoUserServices = errors.New("this system has no services of single users; run this as an administrator without --user")
	// ErrNotRunning means that the service is installed and does not run.
	ErrNotRunning = errors.New("the service does not run")
	// ErrNotInstalled means that there is no such service.
	ErrNotInstalled = errors.New("the service is not installed")
	// ErrPath means a path that no unit file can hold.
	ErrPath = errors.New("a path that a service cannot be given")
)

// Service is the agent's service on this machine.
type Service struct {
	options Options
	inner   kardianos.Service
}

// New prepares it; nothing is changed yet.
func New(o Options) (*Service, error) {
	for _, word := range append([]string{o.Executable, o.StateDir}, o.Arguments...) {
		// The library takes two braces for the beginning of an instruction.
		if strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.Contains(word, "{{") {
			return nil, fmt.Errorf("%w: %q", ErrPath, word)
		}
	}
	if !filepath.IsAbs(o.Executable) {
		return nil, fmt.Errorf("the program's path %q is not absolute", o.Executable)
	}
	if o.User && !userServices() {
		return nil, ErrNoUserServices
	}
	c := &kardianos.Config{Name: name, DisplayName: displayName, Description: description, Executable: o.Executable,
		Arguments: o.Arguments, Option: kardianos.KeyValue{
			"UserService": o.User, "SystemdScript": unit(o),
			"KeepAlive": true, "RunAtLoad": true,
			"OnFailure": "restart", "OnFailureDelayDuration": "5s", "OnFailureResetPeriod": 3600, "DelayedAutoStart": true,
		}}
	if runtime.GOOS == "darwin" {
		c.Name = launchdName
	}
	inner, err := kardianos.New(idle{}, c)
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return &Service{o, inner}, nil
}

func userServices() bool {
	return runtime.GOOS == "darwin" || kardianos.Platform() == "linux-systemd"
}

// Platform is the kind of service manager.
func Platform() string { return kardianos.Platform() }

// Install registers the service and lets it start with the machine (or the session); it does not start it now. One that
// is there is replaced.
func (s *Service) Install() error {
	if status, err := s.inner.Status(); err == nil && status != kardianos.StatusUnknown {
		if err := s.inner.Uninstall(); err != nil {
			return fmt.Errorf("replace the service: %w", err)
		}
	}
	return wrap("install", s.inner.Install())
}

// Uninstall stops it and takes it away; what the scheduler holds stays and goes on.
func (s *Service) Uninstall() error {
	if err := s.Status(); errors.Is(err, ErrNotInstalled) {
		return err
	} else if err == nil {
		if err := s.Stop(); err != nil {
			return err
		}
	}
	return wrap("uninstall", s.inner.Uninstall())
}

// Start starts it now.
func (s *Service) Start() error { return wrap("start", s.inner.Start()) }

// Stop stops it until it is started, or the machine is.
func (s *Service) Stop() error { return wrap("stop", s.inner.Stop()) }

// Status is nil when it runs; ErrNotRunning, ErrNotInstalled.
func (s *Service) Status() error {
	status, err := s.inner.Status()
	switch {
	case errors.Is(err, kardianos.ErrNotInstalled):
		return ErrNotInstalled
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNotRunning, err)
	case status == kardianos.StatusRunning:
		return nil
	}
	return ErrNotRunning
}

func wrap(verb string, err error) error {
	if err != nil {
		return fmt.Errorf("%s the service: %w", verb, err)
	}
	return nil
}

// idle is for looking after the service from outside of it.
type idle struct{}

func (idle) Start(kardianos.Service) error { return nil }
func (idle) Stop(kardianos.Service) error  { return nil }

// Run does the work. Windows wants to be told by a service that it has started and stopped; elsewhere a signal ends ctx
// and that is all.
func Run(ctx context.Context, work func(context.Context) error) error {
	if runtime.GOOS != "windows" || kardianos.Interactive() {
		return work(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &program{ctx: ctx, cancel: cancel, work: work, done: make(chan error, 1)}
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("own path: %w", err)
	}
	s, err := kardianos.New(p, &kardianos.Config{Name: name, Executable: executable})
	if err != nil {
		return fmt.Errorf("service: %w", err)
	}
	return wrap("run", s.Run())
}

type program struct {
	ctx    context.Context
	cancel context.CancelFunc
	work   func(context.Context) error
	done   chan error
}

func (p *program) Start(kardianos.Service) error {
	go func() {
		err := p.work(p.ctx)
		p.done <- err
		if err != nil {
			os.Exit(1) // the service manager starts it again
		}
	}()
	return nil
}

func (p *program) Stop(kardianos.Service) error {
	p.cancel()
	return <-p.done
}
