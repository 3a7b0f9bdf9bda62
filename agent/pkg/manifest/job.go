package manifest

import (
	"strings"
	"time"

	"crontopus.dev/agent/pkg/schedule"
)

const (
	month = 30 * 24 * time.Hour
	hour  = time.Hour
)

func defaults(file string) *Job {
	return &Job{
		Path: file, Timezone: "UTC", Concurrency: "allow", Enabled: true, Grace: 5 * time.Minute,
		Labels: map[string]string{}, Annotations: map[string]string{}, Env: map[string]string{},
		Output: Output{Capture: "headtail", MaxBytes: DefaultOutputBytes},
		Alerts: Alerts{FailureThreshold: 1, RecoveryThreshold: 1, Severity: "error"},
	}
}

func readJob(t *tree) (*Job, Errors) {
	r := &reader{tree: t, at: map[string]bool{}}
	j := defaults(t.file)
	if namespace, name, ok := JobPath(t.file); ok {
		r.address("namespace", namespace, "folder")
		r.address("name", name, "file")
		j.Namespace = namespace
	}
	if spec := t.root.get("spec"); spec != nil && spec.kind == mappingNode {
		r.together(spec)
	}
	metadata, spec := r.top(KindJob)
	r.jobMetadata(metadata, j)
	r.spec(spec, j)
	if r.bad == 0 && j.Jitter > j.Grace {
		r.rule(spec.get("jitter"), false, JitterExceedsGrace, "a run delayed by jitter would be reported as missed; raise `grace`",
			"jitter (%s) is longer than grace (%s)", j.Jitter, j.Grace)
	}
	return j, r.errors()
}

func (r *reader) jobMetadata(n *node, j *Job) {
	if !r.mapping(n, []string{"name"}, "name", "namespace", "id", "labels", "annotations") {
		return
	}
	if name := n.get("name"); name != nil {
		j.Name = r.jobName(name)
	}
	if namespace := n.get("namespace"); namespace != nil {
		j.Namespace, _ = r.name(namespace)
	}
	j.ID = r.id(n.get("id"))
	j.Labels = r.labels(n.get("labels"), labelCount)
	j.Annotations = r.annotations(n.get("annotations"))
}

func (r *reader) spec(n *node, j *Job) {
	if !r.mapping(n, []string{"schedule"}, "schedule", "timezone", "command", "shell", "args", "workingDir", "env", "user",
		"selector", "timeout", "grace", "retry", "concurrency", "jitter", "output", "alerts", "enabled", "paused") {
		return
	}
	r.schedules(n.get("schedule"), j)
	r.timezone(n.get("timezone"), &j.Timezone)
	r.command(n, j)
	r.selector(n.get("selector"), &j.Selector)
	r.duration(n.get("timeout"), time.Second, month, &j.Timeout)
	r.duration(n.get("grace"), time.Second, month, &j.Grace)
	r.retry(n.get("retry"), &j.Retry)
	r.oneOf(n.get("concurrency"), &j.Concurrency, "allow", "forbid", "replace")
	r.duration(n.get("jitter"), 0, hour, &j.Jitter)
	r.output(n.get("output"), &j.Output)
	r.alerts(n.get("alerts"), &j.Alerts)
	r.boolean(n.get("enabled"), &j.Enabled)
	r.boolean(n.get("paused"), &j.Paused)
}

func (r *reader) schedules(n *node, j *Job) {
	if n == nil {
		return
	}
	add := func(n *node) (string, bool) {
		s, ok := r.expression(n)
		if ok {
			j.Schedules = append(j.Schedules, s)
		}
		return s.Normal(), ok
	}
	if n.kind == textNode {
		add(n)
		return
	}
	r.texts(n, limits{1, schedule.MaxExpressions}, add)
}

func (r *reader) command(n *node, j *Job) {
	j.Command, _ = r.text(n.get("command"), limits{1, 8192})
	r.boolean(n.get("shell"), &j.Shell)
	r.list(n.get("args"), limits{0, 256}, func(item *node) {
		if s, ok := r.text(item, limits{0, 8192}); ok {
			j.Args = append(j.Args, s)
		}
	})
	j.WorkingDir, _ = r.matching(n.get("workingDir"), absolutePath)
	j.Env = r.textMap(n.get("env"), limits{0, 256}, envKey, reservedVariable,
		func(v *node) (string, bool) { return r.text(v, limits{0, 32_768}) })
	j.User, _ = r.matching(n.get("user"), userName)
}

func (r *reader) selector(n *node, s *Selector) {
	if !r.mapping(n, nil, "matchLabels", "hostname") {
		return
	}
	if labels := n.get("matchLabels"); labels != nil {
		s.MatchLabels = r.labels(labels, limits{1, 64})
	}
	s.Hostname, _ = r.matching(n.get("hostname"), hostName)
}

func (r *reader) retry(n *node, retry *Retry) {
	if !r.mapping(n, []string{"attempts"}, "attempts", "backoff", "delay") {
		return
	}
	*retry = Retry{Attempts: 1, Backoff: "exponential", Delay: 30 * time.Second}
	r.integer(n.get("attempts"), 1, 10, &retry.Attempts)
	r.oneOf(n.get("backoff"), &retry.Backoff, "fixed", "exponential")
	r.duration(n.get("delay"), 0, hour, &retry.Delay)
}

func (r *reader) output(n *node, o *Output) {
	if !r.mapping(n, nil, "capture", "maxBytes", "redact") {
		return
	}
	r.oneOf(n.get("capture"), &o.Capture, "headtail", "head", "tail", "none")
	r.size(n.get("maxBytes"), &o.MaxBytes)
	r.list(n.get("redact"), limits{0, 16}, func(item *node) {
		if !r.is(item, textNode) {
			return
		}
		if problem := patternProblem(item.text); problem != "" {
			r.fail(item, BadRegex, "RE2 syntax; see docs", "%s cannot be used: %s", schedule.Clip(item.text), problem)
			return
		}
		o.Redact = append(o.Redact, item.text)
	})
}

func (r *reader) alerts(n *node, a *Alerts) {
	if !r.mapping(n, nil, "failureThreshold", "recoveryThreshold", "repeatEvery", "severity") {
		return
	}
	r.integer(n.get("failureThreshold"), 1, 100, &a.FailureThreshold)
	r.integer(n.get("recoveryThreshold"), 1, 100, &a.RecoveryThreshold)
	r.duration(n.get("repeatEvery"), time.Minute, month, &a.RepeatEvery)
	r.oneOf(n.get("severity"), &a.Severity, severities...)
}

// agentOnly are the keys that only mean something when the agent runs a command.
var agentOnly = []string{"shell", "args", "workingDir", "env", "user", "selector", "retry", "jitter"}

// together checks which keys go together, on the raw spec, so that it shows beside other errors.
func (r *reader) together(spec *node) {
	if command := spec.get("command"); command != nil {
		r.withCommand(spec, command)
	} else {
		r.withoutCommand(spec)
	}
	if output := spec.get("output"); output != nil && output.kind == mappingNode && output.get("capture").isText("none") {
		for _, key := range []string{"maxBytes", "redact"} {
			if n := output.get(key); n != nil {
				r.rule(n, true, Conflict, "remove `"+key+"`", "`%s` has no meaning with `capture: none`", key)
			}
		}
	}
	selector := spec.get("selector")
	if selector != nil && selector.kind == mappingNode && selector.empty() {
		r.rule(selector, false, BadSelector, "give `matchLabels` or `hostname`; every endpoint is `hostname: \"*\"`",
			"an empty selector selects nothing")
	}
}

func (r *reader) withoutCommand(spec *node) {
	const hint = "a job without `command` is in ping mode: something else runs it and reports"
	for _, key := range agentOnly {
		if n := spec.get(key); n != nil {
			r.rule(n, true, NeedsCommand, hint, "`%s` needs `command`", key)
		}
	}
	if n := spec.get("concurrency"); n.isText("replace") {
		r.rule(n, false, NeedsCommand, hint, "`concurrency: replace` needs `command`")
	}
}

func (r *reader) withCommand(spec, command *node) {
	args := spec.get("args")
	switch {
	case spec.get("shell").isTrue():
		if args != nil {
			r.rule(args, true, Conflict, "write the arguments into `command`, or remove `shell`", "`args` cannot be used with `shell: true`")
		}
	case command.kind != textNode:
	case strings.ContainsAny(command.text, "\r\n"):
		r.rule(command, false, BadCommand, "several lines need `shell: true`", "`command` without a shell is one program")
	case args == nil && strings.ContainsAny(command.text, " \t\f\v"):
		r.rule(command, false, CommandHasSpaces,
			"put arguments into `args` or set `shell: true`; if the path itself has a space, add `args: []`",
			"`command` is a program without its arguments, but contains a space")
	}
}
