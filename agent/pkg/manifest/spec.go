package manifest

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/schedule"
)

const (
	month = 30 * 24 * time.Hour
	hour  = time.Hour
)

func (r *reader) spec(f field, j *Job) {
	fs := r.mapping(f.value, f.path, "schedule", "timezone", "command", "args", "shell", "workingDir", "env", "user",
		"selector", "timeout", "grace", "retry", "concurrency", "jitter", "output", "alerts", "enabled", "paused")
	r.require(f.value, fs, f.path, "schedule")
	r.schedules(fs, j)
	r.text(fs, "timezone", 64, &j.Timezone)
	r.match(fs, "timezone", j.Timezone, knownZone, "an IANA time zone such as Europe/London")
	r.command(fs, j)
	r.selector(fs, j)
	r.duration(fs, "timeout", time.Second, month, &j.Timeout)
	r.duration(fs, "grace", time.Second, month, &j.Grace)
	r.duration(fs, "jitter", 0, hour, &j.Jitter)
	r.oneOf(fs, "concurrency", &j.Concurrency, "allow", "forbid", "replace")
	r.retry(fs, j)
	r.output(fs, j)
	r.alerts(fs)
	r.boolean(fs, "enabled", &j.Enabled)
	r.boolean(fs, "paused", &j.Paused)
	r.together(fs, j)
}

// agentOnly are the keys that mean nothing without a command.
var agentOnly = []string{"shell", "args", "workingDir", "env", "user", "selector", "retry", "jitter"}

// together checks what the keys mean in combination.
func (r *reader) together(fs map[string]field, j *Job) {
	if _, ok := fs["command"]; !ok {
		for _, k := range agentOnly {
			if f, ok := fs[k]; ok {
				r.fail(f.key, f.path, "needs `command`: without one the job is in ping mode")
			}
		}
		if f, ok := fs["concurrency"]; ok && j.Concurrency == "replace" {
			r.fail(f.value, f.path, "`replace` needs `command`")
		}
	}
	if f, ok := fs["args"]; ok && j.Shell {
		r.fail(f.key, f.path, "cannot be used with `shell: true`; write the arguments into `command`")
	}
	if f, ok := fs["jitter"]; ok && j.Jitter > j.Grace {
		r.fail(f.value, f.path, "is longer than grace (%s): a delayed run would count as missed", j.Grace)
	}
}

func (r *reader) schedules(fs map[string]field, j *Job) {
	f, ok := fs["schedule"]
	if !ok {
		return
	}
	items := []field{f}
	if f.value.Kind == yaml.SequenceNode {
		items = r.list(f, maxSchedules)
		if len(f.value.Content) == 0 {
			r.fail(f.value, f.path, "names no schedule")
		}
	}
	seen := map[string]bool{}
	for _, item := range items {
		s, ok := r.scalar(item, tagStr)
		if !ok {
			continue
		}
		parsed, err := schedule.Parse(s)
		switch normal := strings.Join(strings.Fields(s), " "); {
		case err != nil:
			r.fail(item.value, item.path, "%s", err)
		case seen[normal]:
			r.fail(item.value, item.path, "%q is listed twice", normal)
		default:
			seen[normal] = true
			j.Schedules = append(j.Schedules, parsed)
		}
	}
}

func knownZone(name string) bool {
	if name == "Local" || name == "Factory" {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

func (r *reader) command(fs map[string]field, j *Job) {
	r.text(fs, "command", maxCommand, &j.Command)
	r.boolean(fs, "shell", &j.Shell)
	_, hasArgs := fs["args"]
	if f, ok := fs["command"]; ok {
		switch {
		case f.value.Kind == yaml.ScalarNode && coreTag(f.value) == tagStr && f.value.Value == "":
			r.fail(f.value, f.path, "is empty; leave it out for a job that only pings")
		case j.Shell:
		case strings.ContainsAny(j.Command, "\r\n"):
			r.fail(f.value, f.path, "without a shell is one program; several lines need `shell: true`")
		case !hasArgs && strings.ContainsAny(j.Command, " \t\v\f"):
			r.fail(f.value, f.path, "is a program without its arguments, but contains a space; use `args`, or `shell: true`")
		}
	}
	if f, ok := fs["args"]; ok {
		for _, item := range r.list(f, maxArgs) {
			if s, ok := r.bounded(item, maxCommand); ok {
				j.Args = append(j.Args, s)
			}
		}
	}
	r.text(fs, "workingDir", 4096, &j.WorkingDir)
	r.match(fs, "workingDir", j.WorkingDir, workingDirRE.MatchString, "an absolute path")
	j.Env = r.textMap(fs, "env", variables)
	r.text(fs, "user", 64, &j.User)
	r.match(fs, "user", j.User, userRE.MatchString, "a user name")
}

func (r *reader) selector(fs map[string]field, j *Job) {
	f, ok := fs["selector"]
	if !ok {
		return
	}
	sel := r.mapping(f.value, f.path, "matchLabels", "hostname")
	if sel != nil && len(sel) == 0 {
		r.fail(f.value, f.path, "an empty selector selects nothing; every endpoint is `hostname: \"*\"`")
	}
	j.Selector.MatchLabels = r.textMap(sel, "matchLabels", labels)
	if m, ok := sel["matchLabels"]; ok && m.value.Kind == yaml.MappingNode && len(m.value.Content) == 0 {
		r.fail(m.value, m.path, "names no label")
	}
	r.text(sel, "hostname", 253, &j.Selector.Hostname)
	r.match(sel, "hostname", j.Selector.Hostname, hostnameRE.MatchString, "a host name, in which * stands for anything")
}

func (r *reader) retry(fs map[string]field, j *Job) {
	f, ok := fs["retry"]
	if !ok {
		return
	}
	sub := r.mapping(f.value, f.path, "attempts", "backoff", "delay")
	r.require(f.value, sub, f.path, "attempts")
	r.integer(sub, "attempts", 1, 10, &j.Retry.Attempts)
	r.oneOf(sub, "backoff", &j.Retry.Backoff, "fixed", "exponential")
	r.duration(sub, "delay", 0, hour, &j.Retry.Delay)
}

func (r *reader) output(fs map[string]field, j *Job) {
	f, ok := fs["output"]
	if !ok {
		return
	}
	sub := r.mapping(f.value, f.path, "capture", "maxBytes", "redact")
	r.oneOf(sub, "capture", &j.Output.Capture, "headtail", "head", "tail", "none")
	r.size(sub, "maxBytes", &j.Output.MaxBytes)
	if b, ok := sub["redact"]; ok {
		for _, item := range r.list(b, 16) {
			s, ok := r.bounded(item, 256)
			if !ok {
				continue
			}
			if re, err := regexp.Compile(s); err != nil {
				r.fail(item.value, item.path, "is not a regular expression: %s", err)
			} else if re.MatchString("") {
				r.fail(item.value, item.path, "also matches nothing at all, so it would redact everywhere")
			}
			j.Output.Redact = append(j.Output.Redact, s)
		}
	}
	if j.Output.Capture != "none" {
		return
	}
	for _, k := range []string{"maxBytes", "redact"} {
		if f, ok := sub[k]; ok {
			r.fail(f.key, f.path, "has no meaning with `capture: none`")
		}
	}
}

func (r *reader) size(fs map[string]field, key string, into *int) {
	f, ok := fs[key]
	if !ok {
		return
	}
	s, ok := r.scalar(f, tagStr, tagInt)
	if !ok {
		return
	}
	n, err := ParseSize(s)
	if err == nil && n > MaxOutputBytes {
		err = errors.New("is larger than 1Mi")
	}
	if err != nil {
		r.fail(f.value, f.path, "%s", err)
		return
	}
	*into = int(n)
}

// alerts are the server's business: only their shape is checked here.
func (r *reader) alerts(fs map[string]field) {
	f, ok := fs["alerts"]
	if !ok {
		return
	}
	sub := r.mapping(f.value, f.path, "failureThreshold", "recoveryThreshold", "repeatEvery", "severity")
	var n int
	var s string
	var d time.Duration
	r.integer(sub, "failureThreshold", 1, 100, &n)
	r.integer(sub, "recoveryThreshold", 1, 100, &n)
	r.duration(sub, "repeatEvery", time.Minute, month, &d)
	r.oneOf(sub, "severity", &s, "info", "warning", "error", "critical")
}
