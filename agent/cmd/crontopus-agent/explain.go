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
	"crontopus.dev/agent/pkg/reconcile"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/service"
	"crontopus.dev/agent/pkg/statedir"
	"crontopus.dev/agent/pkg/verify"
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
	{enroll.ErrSignerChanged, "ask who runs the server whether that is meant; then: crontopus-agent signers --accept SHA256:…", exitFailed},
	{gitsource.ErrUnsigned, "the last good commit stays in force; see docs/user/agent-install.md on signatures", exitFailed},
	{verify.ErrNotGenuine, "do not run it: download it again, and tell who gave it to you", exitFailed},
	{verify.ErrNoKey, "the release key is printed by the installer of your server", exitUsage},
	{service.ErrNotInstalled, "install it: crontopus-agent service install", exitFailed},
	{service.ErrNotRunning, "start it: crontopus-agent service start", exitFailed},
	{gitsource.ErrUnauthorized, "this endpoint may have been revoked; " + enrolAgain, exitAuth},
	{reconcile.ErrNotAdopted, "adoptions are listed in adopted.json in the state directory", exitFailed},
	{config.ErrNotRoot, "start it as root, or use `mode: user`", exitUsage},
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

const enrolAgain = "enrol again: crontopus-agent enroll --force --server URL --token TOKEN"

// refusals say what to do about an endpoint that the server does not take, by the code of its answer.
var refusals = map[string]string{
	api.CodeLocked: "two machines present themselves as this endpoint: find out whether this one was cloned, then unlock it in the console under " +
		"Endpoints (or: crontopus endpoints unlock NAME). The copy that comes first after that goes on, the other is to be enrolled anew. " +
		"Until then jobs go on as they were applied last, and their runs are kept here",
	api.CodeSuperseded: "another copy of this machine goes on as the endpoint; to make this one an endpoint of its own, " + enrolAgain,
	api.CodeRevoked:    "somebody revoked this endpoint: eject takes its entries out of the scheduler; to go on, " + enrolAgain,
}

// afterRefusal is what to do about Status.Refused, which begins with the code.
func afterRefusal(refused string) string {
	code, _, _ := strings.Cut(refused, ":")
	return refusals[code]
}

func explainAnswer(err error, msg string) (string, int) {
	var answer *api.Error
	if !errors.As(err, &answer) {
		return msg, exitFailed
	}
	switch {
	case refusals[answer.Code] != "":
		return msg + "; " + refusals[answer.Code], exitAuth
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return msg + "; this endpoint may have been revoked: " + enrolAgain, exitAuth
	case answer.Status == http.StatusNotFound:
		return msg + "; is this the address of a Crontopus server?", exitFailed
	case answer.Hint != "":
		return msg + "; " + answer.Hint, exitFailed
	}
	return msg, exitFailed
}
