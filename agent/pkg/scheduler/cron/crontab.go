package cron

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/scheduler"
)

const (
	maxCrontab     = 8 << 20
	commandTimeout = 30 * time.Second
)

// crontab is a user's crontab behind the crontab command.
type crontab struct {
	command string
	user    string // "" for the user we are
}

func (c crontab) name() string { return strings.TrimSuffix("crontab-"+c.user, "-") }

// noCrontab is how Debian's cron, cronie, macOS and busybox say that the user has none. Anything else that
// `crontab -l` fails with is a failure, not an empty crontab.
var noCrontab = regexp.MustCompile(`(?i)^(crontab: )?(no crontab for \S+|can't open '\S+': No such file or directory)\s*$`)

func (c crontab) read(ctx context.Context) (string, bool, error) {
	stdout, stderr, err := c.exec(ctx, "", c.args("-l")...)
	if err == nil {
		return stdout, true, nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && stdout == "" && noCrontab.MatchString(strings.TrimSpace(stderr)) {
		return "", false, nil
	}
	return "", false, fmt.Errorf("%w: `crontab -l` failed (%w): %s", scheduler.ErrUnavailable, err, oneLine(stderr))
}

func (c crontab) write(ctx context.Context, text string) error {
	if len(text) > maxCrontab {
		return fmt.Errorf("the crontab would be larger than %d bytes", maxCrontab)
	}
	_, stderr, err := c.exec(ctx, text, c.args("-")...)
	if err != nil {
		return fmt.Errorf("`crontab -` failed (%w): %s", err, oneLine(stderr))
	}
	return nil
}

func (c crontab) args(last string) []string {
	if c.user == "" {
		return []string{last}
	}
	return []string{"-u", c.user, last}
}

func (c crontab) exec(ctx context.Context, stdin string, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.command, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "LANGUAGE=C") // "no crontab for" must be readable
	cmd.Stdin = strings.NewReader(stdin)
	cmd.WaitDelay = time.Second
	out := &limited{limit: maxCrontab}
	errOut := &limited{limit: 4 << 10, drop: true}
	cmd.Stdout, cmd.Stderr = out, errOut
	if err := cmd.Run(); err != nil {
		return out.String(), errOut.String(), fmt.Errorf("%s: %w", c.command, err)
	}
	return out.String(), errOut.String(), nil
}

// limited is a buffer with an end: past it, it fails or, with drop, swallows.
type limited struct {
	buf   bytes.Buffer
	limit int
	drop  bool
}

func (l *limited) String() string { return l.buf.String() }

var errTooMuch = errors.New("more output than any crontab has")

func (l *limited) Write(p []byte) (int, error) {
	room := l.limit - l.buf.Len()
	if len(p) <= room {
		return l.buf.Write(p)
	}
	if !l.drop {
		return 0, errTooMuch
	}
	l.buf.Write(p[:max(room, 0)])
	return len(p), nil
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}
