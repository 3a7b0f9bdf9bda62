package manifest

import (
	"regexp"
	"time"

	"crontopus.dev/agent/pkg/schedule"
)

var (
	severities    = []string{"info", "warning", "error", "critical"}
	incidentKinds = []string{"missed", "failing", "stuck", "too_often", "slow", "endpoint_offline", "sync_stalled", "drifted",
		"clone_suspected", "repository_invalid", "outage", "channel_failing"}
)

// Object is what the manifests under `.crontopus/` have in common.
type Object struct {
	Path        string
	Name        string
	Labels      map[string]string
	Annotations map[string]string
}

// JobMatch says which jobs are meant; no condition means all.
type JobMatch struct {
	Namespaces  []string          // nil = any
	MatchLabels map[string]string // nil = any
}

// Policy is a rule about what jobs may be.
type Policy struct {
	Object
	Enforcement string // enforce or warn
	Match       JobMatch
	Rules       Rules
}

// Rules are what a policy demands; a zero value demands nothing.
type Rules struct {
	AllowedUsers    []string
	AllowedCommands []string
	MinimumInterval time.Duration
	MaximumTimeout  time.Duration
	RequiredLabels  []string
	AllowedWindows  []Window
}

// Window is a stretch of the day; past midnight when To is not after From.
type Window struct {
	Days     []string // mon to sun; nil = every day
	From, To string   // HH:MM
}

// AlertRoute says which incidents go to which channels.
type AlertRoute struct {
	Object
	Match       JobMatch
	Severities  []string // nil = all
	Incidents   []string // nil = all
	Channels    []string
	Continue    bool
	Enabled     bool
	RepeatEvery time.Duration // 0 = what the job says
	Escalate    []Escalation
	QuietHours  *QuietHours
}

// Escalation says whom else to tell when nobody has acknowledged an incident so long after it opened.
type Escalation struct {
	After    time.Duration
	Channels []string
}

// QuietHours are when nobody is told of what is not at least as severe as Below.
type QuietHours struct {
	Timezone string
	Windows  []Window
	Below    string
}

// MaintenanceWindow is a time in which incidents notify nobody: from Start to End, or for Duration from every
// slot of Schedule on.
type MaintenanceWindow struct {
	Object
	Reason     *string
	Match      JobMatch
	Start, End *time.Time // nil for a window that comes again
	Schedule   *schedule.Schedule
	Duration   time.Duration
	Timezone   string // empty = UTC
}

// Kind is KindPolicy.
func (*Policy) Kind() Kind { return KindPolicy }

// Kind is KindAlertRoute.
func (*AlertRoute) Kind() Kind { return KindAlertRoute }

// Kind is KindMaintenanceWindow.
func (*MaintenanceWindow) Kind() Kind { return KindMaintenanceWindow }

// object reads the header and the metadata, and returns the spec.
func (r *reader) object(kind Kind, o *Object) *node {
	*o = Object{Path: r.tree.file, Labels: map[string]string{}, Annotations: map[string]string{}}
	if _, name, ok := SystemPath(r.tree.file); ok {
		r.address("name", name, "file")
	}
	n, spec := r.top(kind)
	if r.mapping(n, []string{"name"}, "name", "labels", "annotations") {
		o.Name, _ = r.name(n.get("name"))
		o.Labels = r.labels(n.get("labels"), labelCount)
		o.Annotations = r.annotations(n.get("annotations"))
	}
	return spec
}

func (r *reader) match(n *node, m *JobMatch) {
	if !r.mapping(n, nil, "namespaces", "matchLabels") {
		return
	}
	m.Namespaces = r.texts(n.get("namespaces"), limits{1, 64}, r.name)
	if labels := n.get("matchLabels"); labels != nil {
		m.MatchLabels = r.labels(labels, limits{1, 64})
	}
}

// choices reads a list of some of the options.
func (r *reader) choices(n *node, most int, options ...string) []string {
	return r.texts(n, limits{1, most}, func(item *node) (string, bool) {
		before, s := r.bad, ""
		r.oneOf(item, &s, options...)
		return s, r.bad == before
	})
}

func readPolicy(t *tree) (*Policy, Errors) {
	r := &reader{tree: t, at: map[string]bool{}}
	p := &Policy{Enforcement: "enforce"}
	spec := r.object(KindPolicy, &p.Object)
	if r.mapping(spec, []string{"rules"}, "enforcement", "match", "rules") {
		r.oneOf(spec.get("enforcement"), &p.Enforcement, "enforce", "warn")
		r.match(spec.get("match"), &p.Match)
		r.policyRules(spec.get("rules"), &p.Rules)
	}
	return p, r.errors()
}

func (r *reader) policyRules(n *node, rules *Rules) {
	before := r.bad
	if !r.mapping(n, nil, "allowedUsers", "allowedCommands", "minimumInterval", "maximumTimeout", "requiredLabels", "allowedWindows") {
		return
	}
	rules.AllowedUsers = r.texts(n.get("allowedUsers"), limits{1, 64}, func(i *node) (string, bool) { return r.matching(i, userName) })
	rules.AllowedCommands = r.texts(n.get("allowedCommands"), limits{1, 64}, func(i *node) (string, bool) { return r.text(i, limits{1, 1024}) })
	r.duration(n.get("minimumInterval"), time.Minute, 366*24*time.Hour, &rules.MinimumInterval)
	r.duration(n.get("maximumTimeout"), time.Second, month, &rules.MaximumTimeout)
	rules.RequiredLabels = r.texts(n.get("requiredLabels"), limits{1, 32}, func(i *node) (string, bool) { return r.matching(i, labelKey) })
	rules.AllowedWindows = r.windows(n.get("allowedWindows"))
	if r.bad == before && n.empty() {
		r.fail(n, Empty, "e.g. `allowedUsers: [backup]`", "a policy needs at least one rule")
	}
}

func (r *reader) windows(n *node) []Window {
	var out []Window
	r.list(n, limits{1, 32}, func(i *node) {
		if w, ok := r.window(i); ok {
			out = append(out, w)
		}
	})
	return out
}

func (r *reader) window(n *node) (Window, bool) {
	var w Window
	before := r.bad
	if r.mapping(n, []string{"from", "to"}, "days", "from", "to") {
		w.Days = r.choices(n.get("days"), 7, "mon", "tue", "wed", "thu", "fri", "sat", "sun")
		w.From, _ = r.matching(n.get("from"), timeOfDay)
		w.To, _ = r.matching(n.get("to"), timeOfDay)
	}
	return w, r.bad == before
}

func readAlertRoute(t *tree) (*AlertRoute, Errors) {
	r := &reader{tree: t, at: map[string]bool{}}
	a := &AlertRoute{Continue: true, Enabled: true}
	spec := r.object(KindAlertRoute, &a.Object)
	if r.mapping(spec, []string{"channels"}, "match", "severities", "incidents", "channels", "continue", "enabled",
		"repeatEvery", "escalate", "quietHours") {
		r.match(spec.get("match"), &a.Match)
		a.Severities = r.choices(spec.get("severities"), 4, severities...)
		a.Incidents = r.choices(spec.get("incidents"), len(incidentKinds), incidentKinds...)
		a.Channels = r.channels(spec.get("channels"))
		r.boolean(spec.get("continue"), &a.Continue)
		r.boolean(spec.get("enabled"), &a.Enabled)
		r.duration(spec.get("repeatEvery"), time.Minute, month, &a.RepeatEvery)
		a.Escalate = r.escalations(spec.get("escalate"))
		a.QuietHours = r.quietHours(spec.get("quietHours"))
	}
	return a, r.errors()
}

func (r *reader) channels(n *node) []string {
	return r.texts(n, limits{1, 16}, func(i *node) (string, bool) { return r.text(i, limits{1, 100}) })
}

func (r *reader) escalations(n *node) []Escalation {
	var out []Escalation
	ok := r.list(n, limits{1, 5}, func(i *node) {
		var e Escalation
		before := r.bad
		if r.mapping(i, []string{"after", "channels"}, "after", "channels") {
			r.duration(i.get("after"), time.Minute, 7*24*time.Hour, &e.After)
			e.Channels = r.channels(i.get("channels"))
		}
		if r.bad == before {
			out = append(out, e)
		}
	})
	for i := 1; ok && i < len(out); i++ {
		if out[i].After <= out[i-1].After {
			r.fail(n, OutOfRange, "", "each step must come later than the one before it")
			break
		}
	}
	return out
}

func (r *reader) quietHours(n *node) *QuietHours {
	q := &QuietHours{Timezone: "UTC", Below: "critical"}
	if n == nil || !r.mapping(n, []string{"windows"}, "timezone", "windows", "below") {
		return nil
	}
	r.timezone(n.get("timezone"), &q.Timezone)
	q.Windows = r.windows(n.get("windows"))
	r.oneOf(n.get("below"), &q.Below, severities...)
	return q
}

func readMaintenanceWindow(t *tree) (*MaintenanceWindow, Errors) {
	r := &reader{tree: t, at: map[string]bool{}}
	w := &MaintenanceWindow{}
	spec := r.object(KindMaintenanceWindow, &w.Object)
	before := r.bad
	if !r.mapping(spec, nil, "reason", "match", "start", "end", "schedule", "duration", "timezone") {
		return w, r.errors()
	}
	if reason, ok := r.text(spec.get("reason"), limits{0, 1024}); ok {
		w.Reason = &reason
	}
	r.match(spec.get("match"), &w.Match)
	r.instant(spec.get("start"), &w.Start)
	r.instant(spec.get("end"), &w.End)
	if n := spec.get("schedule"); n != nil {
		if s, ok := r.expression(n); ok {
			w.Schedule = &s
		}
	}
	r.duration(spec.get("duration"), time.Minute, month, &w.Duration)
	r.timezone(spec.get("timezone"), &w.Timezone)
	if r.bad == before {
		r.oneWay(spec, w)
	}
	return w, r.errors()
}

// oneWay checks that a window happens once or comes again, and not half of each.
func (r *reader) oneWay(n *node, w *MaintenanceWindow) {
	start, end := n.get("start") != nil, n.get("end") != nil
	schedule, duration, zone := n.get("schedule") != nil, n.get("duration") != nil, n.get("timezone") != nil
	switch {
	case (start || end) && (schedule || duration || zone):
		r.fail(n, Conflict, "`start` and `end`, or `schedule` and `duration`", "a window happens once or comes again, not both")
	case !(start && end) && !(schedule && duration):
		r.fail(n, Required, "", "a window needs `start` and `end`, or `schedule` and `duration`")
	case start && !w.End.After(*w.Start):
		r.fail(n, OutOfRange, "", "`end` is not after `start`")
	}
}

var instantRE = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$`)

func (r *reader) instant(n *node, into **time.Time) {
	if n == nil {
		return
	}
	if n.kind != textNode {
		r.wrongType(n, "a point in time")
		return
	}
	const hint = "a date, a time and an offset: `2027-01-16T22:00:00Z`"
	layout := "2006-01-02T15:04:05Z07:00"
	if m := instantRE.FindStringSubmatch(n.text); m == nil {
		r.fail(n, BadInstant, hint, "%s is not a point in time", schedule.Clip(n.text))
		return
	} else if m[1] == "" {
		layout = "2006-01-02T15:04Z07:00"
	}
	at, err := time.Parse(layout, n.text)
	if at = at.UTC(); err != nil || n.text[:4] == "0000" || at.Year() < 1 || at.Year() > 9999 {
		r.fail(n, BadInstant, hint, "%s does not exist", schedule.Clip(n.text))
		return
	}
	*into = &at
}
