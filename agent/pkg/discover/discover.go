// Package discover finds the jobs that somebody else put into a machine's schedulers, and prepares what is told
// about them: bounded, with secrets taken out, and only when it changed.
package discover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/statedir"
)

const (
	// Most is how many are told about; a machine with more has other problems.
	Most       = 500
	maxCommand = 4096
	tail       = 512
	maxWord    = 250
	maxEnv     = 64

	reportedFile = "discovered.json"
	// Also what did not change is told once a day: the other side may have lost it.
	again = 24 * time.Hour
)

// Found is one job of somebody else, fit to leave the machine.
type Found struct {
	ID       string            `json:"id"`
	Source   string            `json:"source"`
	Place    string            `json:"place"`
	User     string            `json:"user,omitempty"`
	Schedule string            `json:"schedule,omitempty"` // "": nothing that a manifest could say
	Timezone string            `json:"timezone,omitempty"`
	Command  string            `json:"command"`
	Env      map[string]string `json:"env,omitempty"`
	Redacted bool              `json:"redacted"`
	Fixed    string            `json:"fixed,omitempty"` // why it cannot be adopted
}

// Collect asks every place. What can be told is told: the error is about those that could not be looked at.
func Collect(ctx context.Context, places []scheduler.Discoverer) ([]scheduler.Foreign, error) {
	var out []scheduler.Foreign
	var bad error
	for _, place := range places {
		found, err := place.Foreign(ctx)
		bad = errors.Join(bad, err)
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b scheduler.Foreign) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(out, func(a, b scheduler.Foreign) bool { return a.ID == b.ID }), bad
}

// validID is what the server takes; a discoverer makes digests.
var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.-]{0,127}$`)

// Prepare makes of what was found what may leave the machine, and says how many are left out. Everything keeps to
// the bounds of the server, which would refuse the whole for one odd entry.
func Prepare(all []scheduler.Foreign) (found []Found, more int) {
	found = []Found{}
	for _, f := range all {
		if len(found) == Most || !validID.MatchString(f.ID) {
			more++
			continue
		}
		found = append(found, prepare(f))
	}
	return found, more
}

func prepare(f scheduler.Foreign) Found {
	out := Found{ID: f.ID, Source: clip(f.Source, maxWord), Place: clip(f.Place, maxWord), User: clip(f.User, maxWord),
		Fixed: clip(f.Fixed, maxWord)}
	command := clip(f.Command, maxCommand+tail)
	out.Command, out.Redacted = Redact(command)
	if len(command) > maxCommand {
		// Not the whole of it, so not to be run either; and a secret that was cut in two may look like none.
		out.Command, out.Redacted = clip(out.Command[:max(0, min(len(out.Command)-tail, maxCommand))], maxCommand)+"…", true
	}
	for _, key := range slices.Sorted(maps.Keys(f.Env)) {
		if len(out.Env) == maxEnv || len(key) > maxWord || !utf8.ValidString(key) {
			out.Redacted = true // not the whole of what acts on it
			continue
		}
		text, secret := Redact(key + "=" + clip(f.Env[key], maxCommand))
		if out.Env == nil {
			out.Env = map[string]string{}
		}
		_, out.Env[key], _ = strings.Cut(clip(text, maxCommand), "=")
		out.Redacted = out.Redacted || secret
	}
	if _, err := schedule.Parse(f.Schedule); err == nil {
		out.Schedule, out.Timezone = f.Schedule, f.Timezone
	}
	return out
}

// clip also makes it text: what a file holds need not be.
func clip(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return -1
		}
		return c
	}, s)
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// reported is what the server knows already.
type reported struct {
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
}

func digest(found []Found) (string, error) {
	data, err := json.Marshal(found)
	if err != nil {
		return "", fmt.Errorf("found jobs: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Report sends what was found when it is not what was sent before.
func Report(ctx context.Context, dir *statedir.Dir, found []Found, send func(context.Context, []Found) error, now time.Time) (sent bool, err error) {
	sum, err := digest(found)
	if err != nil {
		return false, err
	}
	var last reported
	if err := dir.ReadJSON(reportedFile, &last); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if age := now.Sub(last.At); last.Digest == sum && age >= 0 && age < again {
		return false, nil
	}
	if err := send(ctx, found); err != nil {
		return false, err
	}
	return true, dir.WriteJSON(reportedFile, reported{Digest: sum, At: now.UTC()})
}
