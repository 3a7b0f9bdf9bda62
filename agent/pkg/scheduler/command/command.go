// Package command runs the commands of native schedulers, with an end to their time and their output, and keeps
// copies of what they replace.
package command

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/statedir"
)

const (
	// MaxOutput is more than all tasks of a large machine.
	MaxOutput = 64 << 20
	maxStderr = 4 << 10
	timeout   = 60 * time.Second
	kept      = 20
)

// Run returns what the command printed. The error, with the exit code in it, tells what it said about itself.
func Run(ctx context.Context, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	out, said := &limited{limit: MaxOutput}, &limited{limit: maxStderr, drop: true}
	cmd.Stdout, cmd.Stderr = out, said
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("`%s %s` failed (%w): %s", filepath.Base(path), strings.Join(args, " "), err, oneLine(said.buf.String()))
	}
	return out.buf.Bytes(), err
}

// ExitCode is that of a command that ran to its end; -1 for any other error.
func ExitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

// Find returns the path of a command of the machine.
func Find(name string) (string, error) { return exec.LookPath(name) }

// limited is a buffer with an end: past it, it fails or, with drop, swallows.
type limited struct {
	buf   bytes.Buffer
	limit int
	drop  bool
}

var errTooMuch = errors.New("more output than any scheduler has")

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

func oneLine(s string) string { return strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ") }

// Keep writes what is about to be replaced beside the agent's state; the last few copies of a kind are kept.
func Keep(dir, kind, text string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep a copy of what is replaced: %w", err)
	}
	name := kind + "-" + now.UTC().Format("20060102T150405.000000000Z")
	if err := statedir.WriteFile(filepath.Join(dir, name), []byte(text)); err != nil {
		return fmt.Errorf("keep a copy of what is replaced: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, kind+"-*"))
	if err != nil {
		return fmt.Errorf("keep a copy of what is replaced: %w", err)
	}
	slices.Sort(old)
	for _, path := range old[:max(len(old)-kept, 0)] {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("drop an old copy: %w", err)
		}
	}
	return nil
}

// Digest identifies what stands in a scheduler by where it stands, whose it is and its exact text.
func Digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
