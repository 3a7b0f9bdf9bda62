package schtasks

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Task Scheduler writes a task anew when it takes it: elements move, defaults go or come, names become SIDs. Bodies
// are compared in one form that all of these have in common.

// order is how the schema wants the children of an element; what it leaves free is put in this order too.
var order = map[string][]string{
	"Task":             {"RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"},
	"RegistrationInfo": {"SecurityDescriptor", "Description", "URI"},
	"Principal":        {"UserId", "GroupId", "LogonType", "RunLevel"},
	"TimeTrigger":      {"Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit", "RandomDelay"},
	"CalendarTrigger": {"Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit", "RandomDelay",
		"ScheduleByDay", "ScheduleByWeek", "ScheduleByMonth", "ScheduleByMonthDayOfWeek"},
	"Repetition":      {"Interval", "Duration", "StopAtDurationEnd"},
	"ScheduleByWeek":  {"WeeksInterval", "DaysOfWeek"},
	"ScheduleByMonth": {"DaysOfMonth", "Months"},
	"DaysOfWeek":      {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	"Months": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
		"November", "December"},
	"Settings": {"MultipleInstancesPolicy", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "AllowHardTerminate",
		"StartWhenAvailable", "RunOnlyIfNetworkAvailable", "IdleSettings", "AllowStartOnDemand", "Enabled", "Hidden",
		"RunOnlyIfIdle", "WakeToRun", "ExecutionTimeLimit", "Priority", "DeleteExpiredTaskAfter", "NetworkSettings",
		"RestartOnFailure", "MaintenanceSettings"},
	"IdleSettings": {"StopOnIdleEnd", "RestartOnIdle"},
	"Exec":         {"Command", "Arguments", "WorkingDirectory"},
}

// only these children count: what else there is says who made the task and when, or is an engine's own affair.
var only = []string{"Task", "RegistrationInfo", "Settings", "IdleSettings"}

// defaults stand for what is left out.
var defaults = map[string][][2]string{
	"Settings": {{"MultipleInstancesPolicy", "IgnoreNew"}, {"DisallowStartIfOnBatteries", "true"}, {"StopIfGoingOnBatteries", "true"},
		{"AllowHardTerminate", "true"}, {"StartWhenAvailable", "false"}, {"RunOnlyIfNetworkAvailable", "false"},
		{"AllowStartOnDemand", "true"}, {"Enabled", "true"}, {"Hidden", "false"}, {"RunOnlyIfIdle", "false"},
		{"WakeToRun", "false"}, {"ExecutionTimeLimit", "P3D"}, {"Priority", "7"}},
	"IdleSettings":    {{"StopOnIdleEnd", "true"}, {"RestartOnIdle", "false"}},
	"Principal":       {{"RunLevel", "LeastPrivilege"}},
	"TimeTrigger":     {{"Enabled", "true"}},
	"CalendarTrigger": {{"Enabled", "true"}},
	"Repetition":      {{"StopAtDurationEnd", "false"}},
	"ScheduleByDay":   {{"DaysInterval", "1"}},
	"ScheduleByWeek":  {{"WeeksInterval", "1"}},
}

var durations = []string{"Interval", "Duration", "ExecutionTimeLimit", "RandomDelay"}

// canonical is a task in the form in which bodies are compared. sid resolves account names; it may be nil.
func canonical(root *node, path string, sid func(string) (string, error)) *node {
	n := clean(root)
	info := child(n, "RegistrationInfo")
	if info.at("URI") == nil {
		info.add(leaf("URI", path))
	}
	child(child(n, "Settings"), "IdleSettings")
	if actions := n.at("Actions"); actions != nil && len(actions.attrs) == 0 {
		actions.with("Context", "Author")
	}
	if user := n.at("Principals", "Principal", "UserId"); user != nil && sid != nil && !isSID(user.value) {
		if known, err := sid(user.value); err == nil {
			user.value = known
		}
	}
	n.attrs = [][2]string{{"version", "1.2"}, {"xmlns", namespace}}
	settle(n)
	if triggers := n.at("Triggers"); triggers != nil {
		slices.SortFunc(triggers.kids, func(a, b *node) int { return strings.Compare(a.String(), b.String()) })
	}
	return n
}

// child returns the element of that name, made where it is missing.
func child(n *node, name string) *node {
	if found := n.at(name); found != nil {
		return found
	}
	made := el(name)
	n.add(made)
	return made
}

// clean copies what counts.
func clean(n *node) *node {
	out := &node{name: n.name, attrs: slices.Clone(n.attrs), value: n.value}
	known, bounded := order[n.name], slices.Contains(only, n.name)
	for _, k := range n.kids {
		if !bounded || slices.Contains(known, k.name) {
			out.kids = append(out.kids, clean(k))
		}
	}
	return out
}

// settle fills in defaults, orders children and writes values in one way.
func settle(n *node) {
	for _, d := range defaults[n.name] {
		if n.at(d[0]) == nil {
			n.add(leaf(d[0], d[1]))
		}
	}
	n.kids = slices.DeleteFunc(n.kids, func(k *node) bool { return k.name == "RandomDelay" && durationMinutes(k.value) == 0 })
	if known := order[n.name]; known != nil {
		slices.SortStableFunc(n.kids, func(a, b *node) int { return rank(known, a.name) - rank(known, b.name) })
	}
	if len(n.kids) > 0 {
		n.value = ""
	}
	switch {
	case slices.Contains(durations, n.name):
		if seconds := durationSeconds(n.value); seconds >= 0 {
			n.value = durationText(seconds)
		}
	case n.value == "1" && boolean(n.name):
		n.value = "true"
	case n.value == "0" && boolean(n.name):
		n.value = "false"
	}
	for _, k := range n.kids {
		settle(k)
	}
}

func rank(known []string, name string) int {
	if i := slices.Index(known, name); i >= 0 {
		return i
	}
	return len(known)
}

// boolean tells whether an element's default is a truth value.
func boolean(name string) bool {
	for _, list := range defaults {
		for _, d := range list {
			if d[0] == name {
				return d[1] == "true" || d[1] == "false"
			}
		}
	}
	return false
}

var durationRE = regexp.MustCompile(`^P(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?$`)

// durationSeconds reads an xs:duration without years, months and fractions; -1 for any other.
func durationSeconds(text string) int {
	m := durationRE.FindStringSubmatch(text)
	if m == nil || text == "P" {
		return -1
	}
	total := 0
	for i, size := range []int{24 * 3600, 3600, 60, 1} {
		if m[i+1] != "" {
			n, err := strconv.Atoi(m[i+1])
			if err != nil {
				return -1
			}
			total += n * size
		}
	}
	return total
}

// durationMinutes is a duration of whole minutes; -1 for any other.
func durationMinutes(text string) int {
	if s := durationSeconds(text); s%60 == 0 {
		return s / 60
	}
	return -1
}

func isSID(s string) bool { return strings.HasPrefix(s, "S-1-") }
