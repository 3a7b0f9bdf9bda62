package manifest

import (
	"time"
)

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func secondsOrNil(d time.Duration) any {
	if d == 0 {
		return nil
	}
	return seconds(d)
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func listOrNil(items []string) any {
	if items == nil {
		return nil
	}
	return items
}

func mapOrNil(m map[string]string) any {
	if m == nil {
		return nil
	}
	return m
}

func instantOrNil(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func document(kind Kind, metadata, spec map[string]any) map[string]any {
	return map[string]any{"apiVersion": apiVersion, "kind": string(kind), "metadata": metadata, "spec": spec}
}

// Canonical is the job with its defaults.
func (j *Job) Canonical() map[string]any {
	metadata := map[string]any{"name": j.Name, "namespace": textOrNil(j.Namespace), "id": nil,
		"labels": j.Labels, "annotations": j.Annotations}
	if j.ID.Valid {
		metadata["id"] = j.ID.UUID.String()
	}
	schedules := make([]string, len(j.Schedules))
	for i, s := range j.Schedules {
		schedules[i] = s.Normal()
	}
	return document(KindJob, metadata, map[string]any{
		"schedule": schedules, "timezone": j.Timezone, "command": textOrNil(j.Command), "shell": j.Shell,
		"args": append([]string{}, j.Args...), "workingDir": textOrNil(j.WorkingDir), "env": j.Env, "user": textOrNil(j.User),
		"selector": j.Selector.canonical(), "timeout": secondsOrNil(j.Timeout), "grace": seconds(j.Grace),
		"retry": j.Retry.canonical(), "concurrency": j.Concurrency, "jitter": seconds(j.Jitter),
		"output": map[string]any{"capture": j.Output.Capture, "maxBytes": j.Output.MaxBytes, "redact": append([]string{}, j.Output.Redact...)},
		"alerts": map[string]any{"failureThreshold": j.Alerts.FailureThreshold, "recoveryThreshold": j.Alerts.RecoveryThreshold,
			"repeatEvery": secondsOrNil(j.Alerts.RepeatEvery), "severity": j.Alerts.Severity},
		"enabled": j.Enabled, "paused": j.Paused,
	})
}

func (s Selector) canonical() any {
	if s.MatchLabels == nil && s.Hostname == "" {
		return nil
	}
	return map[string]any{"matchLabels": mapOrNil(s.MatchLabels), "hostname": textOrNil(s.Hostname)}
}

func (r Retry) canonical() any {
	if r.Attempts == 0 {
		return nil
	}
	return map[string]any{"attempts": r.Attempts, "backoff": r.Backoff, "delay": seconds(r.Delay)}
}

func (o Object) metadata() map[string]any {
	return map[string]any{"name": o.Name, "labels": o.Labels, "annotations": o.Annotations}
}

func (m JobMatch) canonical() map[string]any {
	return map[string]any{"namespaces": listOrNil(m.Namespaces), "matchLabels": mapOrNil(m.MatchLabels)}
}

func windowsOrNil(windows []Window) any {
	if windows == nil {
		return nil
	}
	list := []map[string]any{}
	for _, w := range windows {
		list = append(list, map[string]any{"days": listOrNil(w.Days), "from": w.From, "to": w.To})
	}
	return list
}

// Canonical is the policy with its defaults.
func (p *Policy) Canonical() map[string]any {
	rules := map[string]any{
		"allowedUsers": listOrNil(p.Rules.AllowedUsers), "allowedCommands": listOrNil(p.Rules.AllowedCommands),
		"minimumInterval": secondsOrNil(p.Rules.MinimumInterval), "maximumTimeout": secondsOrNil(p.Rules.MaximumTimeout),
		"requiredLabels": listOrNil(p.Rules.RequiredLabels), "allowedWindows": windowsOrNil(p.Rules.AllowedWindows),
	}
	return document(KindPolicy, p.metadata(), map[string]any{"enforcement": p.Enforcement, "match": p.Match.canonical(), "rules": rules})
}

// Canonical is the route with its defaults.
func (a *AlertRoute) Canonical() map[string]any {
	return document(KindAlertRoute, a.metadata(), map[string]any{
		"match": a.Match.canonical(), "severities": listOrNil(a.Severities), "incidents": listOrNil(a.Incidents),
		"channels": a.Channels, "continue": a.Continue, "enabled": a.Enabled, "repeatEvery": secondsOrNil(a.RepeatEvery),
		"escalate": escalationsOrNil(a.Escalate), "quietHours": a.QuietHours.canonical(),
	})
}

func escalationsOrNil(steps []Escalation) any {
	if steps == nil {
		return nil
	}
	list := []map[string]any{}
	for _, e := range steps {
		list = append(list, map[string]any{"after": seconds(e.After), "channels": e.Channels})
	}
	return list
}

func (q *QuietHours) canonical() any {
	if q == nil {
		return nil
	}
	return map[string]any{"timezone": q.Timezone, "windows": windowsOrNil(q.Windows), "below": q.Below}
}

// Canonical is the window; there are no defaults to fill in, not even its zone's.
func (w *MaintenanceWindow) Canonical() map[string]any {
	spec := map[string]any{
		"reason": nil, "match": w.Match.canonical(), "start": instantOrNil(w.Start), "end": instantOrNil(w.End),
		"schedule": nil, "duration": secondsOrNil(w.Duration), "timezone": textOrNil(w.Timezone),
	}
	if w.Reason != nil {
		spec["reason"] = *w.Reason
	}
	if w.Schedule != nil {
		spec["schedule"] = w.Schedule.Normal()
	}
	return document(KindMaintenanceWindow, w.metadata(), spec)
}
