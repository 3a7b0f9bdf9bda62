package main

import (
	"errors"
	"net/http"
	"strings"

	"crontopus.dev/agent/pkg/api"
	"crontopus.dev/agent/pkg/config"
	"crontopus.dev/agent/pkg/daemon"
	"crontopus.dev/agent/pkg/enroll"
	"crontopus.dev/agent/pkg/gitsource"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

// Exit codes, the same as the CLI's.
const (
	exitFailed = 1
	exitUsage  = 2
	exitAuth   = 3
)

type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

// hints say what to do about an error; the first that fits counts.
var hints = []struct {
	is   error
	hint string
	code int
}{
	{enroll.ErrNotEnrolled, "enrol it: crontopus-agent enroll --server URL --token TOKEN (the console gives you both under Endpoints)", exitAuth},
	{enroll.ErrAlreadyEnrolled, "to replace that enrolment, add --force", exitFailed},
	{config.ErrNoConfig, "copy agent/config.example.yaml there and fill it in, or leave --config out and use: crontopus-agent enroll --server URL --token TOKEN", exitUsage},
	{config.ErrNoRunner, "put crontopus-run beside crontopus-agent (go build -o build/crontopus-run ./cmd/crontopus-run), or set run_path", exitFailed},
	{statedir.ErrLocked, "another crontopus-agent works in this state directory; stop it first, or use --state-dir", exitFailed},
	{gitsource.ErrRewound, "if that is meant, accept it with: crontopus-agent apply --accept-rewind", exitFailed},
	{gitsource.ErrUnauthorized, "this endpoint may have been revoked; enrol again: crontopus-agent enroll --force --server URL --token TOKEN", exitAuth},
	{scheduler.ErrUnsupported, "see docs/user for the platforms that are", exitFailed},
	{daemon.ErrNothingFetched, "check the server, then try again", exitFailed},
}

// explain makes one line of an error: what happened and what to do.
func explain(err error) (string, int) {
	msg := strings.Join(strings.Fields(err.Error()), " ")
	var usage *usageError
	if errors.As(err, &usage) {
		return msg, exitUsage
	}
	if api.HasCode(err, "invalid_enrollment_token") {
		return "the server doesn't accept this enrolment token (mistyped, used up or expired); make a new one in the console under Endpoints", exitAuth
	}
	for _, h := range hints {
		if errors.Is(err, h.is) {
			return msg + "; " + h.hint, h.code
		}
	}
	var unreachable *api.UnreachableError
	if errors.As(err, &unreachable) {
		return msg + "; check the address and that the server is running", exitFailed
	}
	return explainAnswer(err, msg)
}

func explainAnswer(err error, msg string) (string, int) {
	var answer *api.Error
	if !errors.As(err, &answer) {
		return msg, exitFailed
	}
	switch {
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return msg + "; this endpoint may have been revoked: enrol again with crontopus-agent enroll --force --server URL --token TOKEN", exitAuth
	case answer.Status == http.StatusNotFound:
		return msg + "; is this the address of a Crontopus server?", exitFailed
	case answer.Hint != "":
		return msg + "; " + answer.Hint, exitFailed
	}
	return msg, exitFailed
}
