package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"crontopus.dev/agent/pkg/spool"
)

// stream is one of the command's outputs, and where it is passed on to; nil: nowhere.
type stream struct {
	read *os.File
	echo io.Writer
}

// start starts the job. Both its outputs come out of one stream, in order, unless they are passed on.
func (a *attempts) start() (*group, []stream, error) {
	argv := a.job.Argv
	if a.job.Shell {
		argv = shellArgv(argv)
	}
	env := a.environment()
	path, err := lookPath(argv[0], a.job.WorkingDir, env)
	if err != nil {
		return nil, nil, err
	}
	cmd := &exec.Cmd{Path: path, Args: argv, Dir: a.job.WorkingDir, Env: env}
	if a.stdin != nil {
		cmd.Stdin = a.stdin
	}
	streams, writers, err := a.pipes(cmd)
	defer func() {
		for _, w := range writers {
			_ = w.Close() // the command has its own
		}
	}()
	var g *group
	if err == nil {
		g, err = startGroup(cmd)
	}
	if err != nil {
		for _, s := range streams {
			err = errors.Join(err, s.read.Close())
		}
		return nil, nil, err
	}
	return g, streams, nil
}

func (a *attempts) environment() []string {
	env := os.Environ()
	for k, v := range a.job.Env {
		env = append(env, k+"="+v)
	}
	env = append(env, "CRONTOPUS_RUN_ID="+a.runID.String(), "CRONTOPUS_ATTEMPT="+strconv.Itoa(a.try))
	if a.job.Name != "" {
		env = append(env, "CRONTOPUS_JOB="+a.job.Namespace+"/"+a.job.Name)
	}
	if a.slot != nil {
		env = append(env, "CRONTOPUS_SLOT="+a.slot.UTC().Format(time.RFC3339))
	}
	return env
}

func (a *attempts) pipes(cmd *exec.Cmd) (streams []stream, writers []*os.File, err error) {
	targets := []io.Writer{nil}
	if a.print {
		targets = []io.Writer{os.Stdout, os.Stderr}
	}
	for _, echo := range targets {
		read, write, err := os.Pipe()
		if err != nil {
			return streams, writers, fmt.Errorf("pipe: %w", err)
		}
		streams, writers = append(streams, stream{read, echo}), append(writers, write)
	}
	cmd.Stdout, cmd.Stderr = writers[0], writers[len(writers)-1]
	return streams, writers, nil
}

// collect reads the command's outputs to their end.
func (a *attempts) collect(streams []stream) {
	var wg sync.WaitGroup
	for _, s := range streams {
		wg.Go(func() {
			defer s.read.Close()
			a.warnIf(a.kept.copyFrom(s.read, s.echo))
		})
	}
	wg.Wait()
}

// startFailure gives the exit code a shell would give.
func startFailure(err error) result {
	code := exitNotRunnable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = exitNotFound
	}
	return result{code: code, outcome: spool.OutcomeFailure, message: "could not start: " + err.Error()}
}

// lookPath finds the command as execvp would with the job's own PATH and directory.
func lookPath(name, dir string, env []string) (string, error) {
	if filepath.Base(name) != name {
		if dir != "" && !filepath.IsAbs(name) {
			return name, nil // the kernel resolves it after the change of directory
		}
		return exec.LookPath(name)
	}
	path := ""
	for _, kv := range env {
		if v, ok := cutPath(kv); ok {
			path = v
		}
	}
	for _, d := range filepath.SplitList(path) {
		if !filepath.IsAbs(d) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(d, name)); err == nil {
			return found, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}
