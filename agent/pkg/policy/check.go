// Package policy says what jobs may be on this machine: by the tenant's policies, which lie in Git and are held to
// contract/vectors/policy, and by the endpoint's own, which Git cannot override.
package policy

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/manifest"
	"crontopus.dev/agent/pkg/schedule"
)

// Violation is one rule of one policy that a job breaks.
type Violation struct {
	Policy      string
	Enforcement string // enforce or warn
	Code        string
	Message     string
	Steps       []any // the place in the manifest, as for manifest.Locate
	AtKey       bool
}

// Refuses tells whether the job may not run.
func (v Violation) Refuses() bool { return v.Enforcement == "enforce" }

// Text is several violations for a reader.
func Text(all []Violation) string {
	lines := make([]string, len(all))
	for i, v := range all {
		lines[i] = fmt.Sprintf("policy `%s`: %s", v.Policy, v.Message)
	}
	return strings.Join(lines, "; ")
}

// Check is every rule of a tenant's policies that the job breaks.
func Check(job *manifest.Job, policies []*manifest.Policy) []Violation {
	var out []Violation
	for _, p := range policies {
		if !applies(p.Match, job) {
			continue
		}
		for _, v := range rules(p.Rules, job, job.User) {
			v.Policy, v.Enforcement = p.Name, p.Enforcement
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b Violation) int { return cmp.Compare(a.Policy, b.Policy) })
	return out
}

// applies tells whether a policy is about this job: every condition given holds.
func applies(match manifest.JobMatch, job *manifest.Job) bool {
	if match.Namespaces != nil && !slices.Contains(match.Namespaces, job.Namespace) {
		return false
	}
	for key, value := range match.MatchLabels {
		if got, ok := job.Labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// rules checks a job that runs as user; "" where that is not said.
func rules(r manifest.Rules, job *manifest.Job, user string) []Violation {
	var out []Violation
	add := func(code, message string, atKey bool, steps ...any) {
		out = append(out, Violation{Code: code, Message: message, Steps: steps, AtKey: atKey})
	}
	if r.AllowedUsers != nil && job.AgentMode() && !slices.Contains(r.AllowedUsers, user) {
		message := "jobs may not run as " + schedule.Clip(user)
		if user == "" {
			message = "`user` must be given: without it the job runs as the agent's own user"
		}
		add("policy_user", message+"; allowed: "+some(r.AllowedUsers), false, "spec", "user")
	}
	if r.AllowedCommands != nil && job.AgentMode() && !anyCommand(r.AllowedCommands, job) {
		add("policy_command", "the command "+schedule.Clip(job.Command)+" is not allowed; allowed: "+some(r.AllowedCommands), false, "spec", "command")
	}
	if r.MinimumInterval > 0 {
		if gap := schedule.SmallestGap(job.Schedules); gap < r.MinimumInterval {
			add("policy_interval", fmt.Sprintf("runs come %s apart; at least %s is required", short(gap), short(r.MinimumInterval)), false, "spec", "schedule")
		}
	}
	if r.MaximumTimeout > 0 && (job.Timeout == 0 || job.Timeout > r.MaximumTimeout) {
		add("policy_timeout", "`timeout` must be given and be at most "+short(r.MaximumTimeout), false, "spec", "timeout")
	}
	for _, key := range r.RequiredLabels {
		if _, ok := job.Labels[key]; !ok {
			add("policy_label", "the label "+schedule.Clip(key)+" is required", true, "metadata", "labels")
		}
	}
	return append(out, windows(r.AllowedWindows, job)...)
}

func windows(allowed []manifest.Window, job *manifest.Job) []Violation {
	if allowed == nil {
		return nil
	}
	index, when, found := schedule.FirstOutside(job.Schedules, weekOf(allowed))
	if !found {
		return nil
	}
	v := Violation{Code: "policy_window", Steps: []any{"spec", "schedule"}}
	if len(job.Schedules) > 1 {
		v.Steps = append(v.Steps, index)
	}
	v.Message = "`every …` keeps to no time of day, so it cannot keep within a window"
	if when != nil {
		v.Message = fmt.Sprintf("a run would come on %ss at %02d:%02d, outside the allowed times", when.Weekday, when.Hour, when.Minute)
	}
	return []Violation{v}
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// weekOf marks the minutes of the week, from Sunday 00:00, that are inside a window.
func weekOf(windows []manifest.Window) *[schedule.Week]bool {
	const day = schedule.Week / 7
	var week [schedule.Week]bool
	for _, w := range windows {
		first, last := minute(w.From), minute(w.To)
		if last <= first {
			last += day
		}
		for i, name := range weekdays {
			if w.Days != nil && !slices.Contains(w.Days, name) {
				continue
			}
			for m := first; m < last; m++ {
				week[(i*day+m)%schedule.Week] = true
			}
		}
	}
	return &week
}

// minute of the day of HH:MM, which was checked when it was read.
func minute(clock string) int {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return 0
	}
	return t.Hour()*60 + t.Minute()
}

var (
	// What `*` may not stand for, or `/opt/jobs/*` would allow `/opt/jobs/../../bin/sh`; and in a shell's line what
	// begins another command or file, or it would allow `/opt/jobs/x; anything`.
	notInPaths = regexp.MustCompile(`\.\.`)
	notInLines = regexp.MustCompile("\\.\\.|[;&|<>()$`\r\n]")
)

func anyCommand(patterns []string, job *manifest.Job) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return commandAllowed(pattern, job.Command, job.Shell) })
}

func commandAllowed(pattern, command string, shell bool) bool {
	if pattern == "*" {
		return true
	}
	special := notInPaths
	if shell {
		special = notInLines
	}
	if !slices.Equal(special.FindAllString(pattern, -1), special.FindAllString(command, -1)) {
		return false
	}
	wanted, given := special.Split(pattern, -1), special.Split(command, -1)
	for i := range wanted {
		if !manifest.Glob(wanted[i], given[i]) {
			return false
		}
	}
	return true
}

func some(items []string) string {
	const shown = 5
	out := make([]string, 0, shown)
	for _, item := range items[:min(len(items), shown)] {
		out = append(out, schedule.Clip(item))
	}
	if more := len(items) - shown; more > 0 {
		return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(out, ", ")
}

// short writes 90m0s as 1h30m.
func short(d time.Duration) string {
	s := d.String()
	if d%time.Minute == 0 {
		s = strings.TrimSuffix(s, "0s")
	}
	if d%time.Hour == 0 {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
