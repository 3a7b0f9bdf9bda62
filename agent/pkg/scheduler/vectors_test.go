package scheduler_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/cron"
	"crontopus.dev/agent/pkg/scheduler/launchd"
	"crontopus.dev/agent/pkg/scheduler/schtasks"
	"crontopus.dev/agent/pkg/vectortest"
)

const vectorCount = 209

// vector is one case; contract/README.md has the machine on which it is rendered.
type vector struct {
	Name     string   `json:"name"`
	Why      string   `json:"why"`
	Make     string   `json:"make"`
	User     string   `json:"user"`
	System   bool     `json:"system"`
	Schedule []string `json:"schedule"`
	Timezone string   `json:"timezone"`
	Machine  string   `json:"machine"`
	Exact    []string `json:"exact"`
	Gated    []string `json:"gated"`
	Refused  string   `json:"refused"`
	Body     []string `json:"body"`
	platform string
}

func loadVectors(t testing.TB) []vector {
	t.Helper()
	var all []vector
	for _, document := range vectortest.Documents[struct {
		Format   string   `json:"format"`
		Platform string   `json:"platform"`
		Cases    []vector `json:"cases"`
	}](t, "render") {
		for _, c := range document.Cases {
			c.platform = document.Platform
			all = append(all, c)
		}
	}
	return all
}

func TestRenderVectors(t *testing.T) {
	vectortest.Run(t, loadVectors(t), vectorCount, func(c vector) string { return c.platform + "/" + c.Name }, vector.run)
}

func (c vector) run(t *testing.T) {
	entry, err := c.render(t)
	if c.Refused != "" {
		if err == nil || entry.Body != "" || c.Refused == "zone" && !errors.Is(err, schedule.ErrNotExpressible) {
			t.Errorf("got %+v, %v, want it refused because of its %s", entry, err, c.Refused)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	want, gated := c.Exact, false
	if c.Gated != nil {
		want, gated = c.Gated, true
	}
	got := triggersOf(c.platform, entry.Body)
	if gated != (entry.Gated != "") || !slices.Equal(got, want) {
		t.Errorf("gated %q:\n%s\nwant gated %v:\n%s", entry.Gated, strings.Join(got, "\n"), gated, strings.Join(want, "\n"))
	}
	if c.Body != nil && entry.Body != strings.Join(c.Body, "\n") {
		t.Errorf("body:\n%s\nwant\n%s", entry.Body, strings.Join(c.Body, "\n"))
	}
	if c.Body == nil && c.Exact == nil && c.Gated == nil {
		t.Error("neither exact, gated nor refused")
	}
}

func (c vector) render(t *testing.T) (scheduler.Entry, error) {
	t.Helper()
	job := scheduler.Job{ID: uuid.MustParse("22222222-2222-4222-8222-222222222222"), User: c.User, Zone: zone(t, c.Timezone)}
	for _, text := range c.Schedule {
		s, err := schedule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		job.Schedules = append(job.Schedules, s)
	}
	s, err := c.scheduler(t)
	if err != nil {
		t.Fatal(err)
	}
	return s.Render(job)
}

func (c vector) scheduler(t *testing.T) (scheduler.Scheduler, error) {
	t.Helper()
	installation := uuid.MustParse("11111111-1111-4111-8111-111111111111")
	now := func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }
	area := func(user string) (string, error) { return "/var/lib/crontopus/users/" + user, nil }
	machine := zone(t, c.Machine)
	switch c.platform {
	case "cron":
		return cron.New(cron.Options{Installation: installation, RunPath: "/usr/bin/crontopus-run", StateDir: "/var/lib/crontopus",
			Command: "crontab", Flavour: cron.Flavour(c.Make), Zone: machine, Now: now, System: c.System, Area: area})
	case "launchd":
		domain := "gui/501"
		if c.System {
			domain = "system"
		}
		return launchd.New(launchd.Options{Installation: installation, RunPath: "/usr/local/bin/crontopus-run", StateDir: "/Users/me/.local/state/crontopus",
			Folder: "/Users/me/Library/LaunchAgents", Domain: domain, Command: "launchctl", Zone: machine, Now: now, Area: area})
	case "schtasks":
		return schtasks.New(schtasks.Options{Installation: installation, RunPath: `C:\Program Files\Crontopus\crontopus-run.exe`,
			StateDir: `C:\ProgramData\Crontopus`, Command: "schtasks", Zone: machine, Now: now, System: c.System, SID: sid})
	}
	return nil, fmt.Errorf("no platform %q", c.platform)
}

func sid(user string) (string, error) {
	known := map[string]string{"": "S-1-5-21-1-2-3-1001", "me": "S-1-5-21-1-2-3-1001", "backup": "S-1-5-21-1-2-3-1002", "SYSTEM": "S-1-5-18"}
	if found, ok := known[user]; ok {
		return found, nil
	}
	return "", fmt.Errorf("no account %s", user)
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := schedule.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// triggersOf is the part of a body that says when: one text each, without line breaks.
func triggersOf(platform, body string) []string {
	var out []string
	switch platform {
	case "cron":
		for _, l := range strings.Split(body, "\n") {
			out = append(out, strings.Join(strings.Fields(l)[:5], " "))
		}
	case "schtasks":
		for _, l := range strings.SplitAfter(flat(between(body, "<Triggers>", "</Triggers>")), "Trigger>") {
			if kind := strings.TrimSuffix(strings.TrimPrefix(l, "<"), ">"); kind == "TimeTrigger" || kind == "CalendarTrigger" {
				out = append(out, l)
			} else if l != "" {
				out[len(out)-1] += l
			}
		}
	case "launchd":
		_, list, _ := strings.Cut(body, "<key>StartCalendarInterval</key>")
		for _, l := range strings.SplitAfter(flat(between(list, "<array>", "</array>")), "</dict>") {
			if l != "" {
				out = append(out, l)
			}
		}
	}
	return out
}

func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	inner, _, _ := strings.Cut(rest, to)
	return inner
}

func flat(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(l))
	}
	return b.String()
}
