package schtasks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/scheduler/calendar"
)

const (
	maxTriggers = 48           // of one task
	maxInterval = 31 * 24 * 60 // minutes, of a repetition
	hour        = 60           // minutes
)

// trigger is a calendarTrigger of the machine's wall clock or, with utc, a timeTrigger that repeats for ever.
type trigger struct {
	start    int // minutes after the epoch's midnight
	utc      bool
	interval int // minutes; 0: no repetition
	duration int // seconds; 0: for ever
	rule     calendar.Rule
}

// planner turns readings into triggers. What Task Scheduler does with times that a clock leaves out or gives twice
// is not specified (Microsoft, KB 325413), nor whether a repetition counts on the wall clock or in real
// time. So a trigger is called exact only where all of that makes no difference.
type planner struct{ machine *calendar.Machine }

// plan returns the triggers of a job, and why they are a superset where they are.
func (p planner) plan(readings []calendar.Reading) ([]trigger, string) {
	exact := make([][]trigger, len(readings))
	gated := coincide(readings)
	for i, r := range readings {
		some, why := p.exact(r)
		if why != "" {
			gated = why
		}
		exact[i] = some
	}
	if gated != "" {
		return p.superset(readings), gated
	}
	if all := slices.Concat(exact...); len(all) <= maxTriggers {
		return all, ""
	}
	for i, r := range readings {
		if !exact[i][0].utc {
			exact[i] = hours(r.Rule)
		}
	}
	all := slices.Concat(exact...)
	if len(all) <= maxTriggers {
		return all, ""
	}
	return p.superset(readings), fmt.Sprintf("it needs %d triggers and a task has at most %d", len(all), maxTriggers)
}

// exact returns the triggers of one schedule, or why there are none that fire exactly at its slots.
func (p planner) exact(r calendar.Reading) ([]trigger, string) {
	widths := p.machine.Widths()
	if r.Hourly && len(calendar.Closed(r.Minutes, widths)) == len(r.Minutes) {
		return grid(r.Minutes), ""
	}
	if n := int(r.Every / time.Minute); n > 0 && n <= maxInterval && len(widths) == 0 {
		return []trigger{repeating(n, n)}, ""
	}
	for _, why := range []string{r.Inexact, r.AtJumps, wrongDays(r.Rule)} {
		if why != "" {
			return nil, why
		}
	}
	return daily(r.Rule), ""
}

func wrongDays(r calendar.Rule) string {
	switch {
	case r.Days != nil && r.Weekdays != nil:
		return "one trigger of Task Scheduler has days of the month or days of the week, not both"
	case r.Weekdays != nil && r.Months != nil:
		return "a weekly trigger of Task Scheduler has no months"
	}
	return ""
}

// coincide finds two schedules that may name the same minute: their triggers would start the job twice then.
func coincide(readings []calendar.Reading) string {
	for i, a := range readings {
		for _, b := range readings[:i] {
			if calendar.Meet(a.Rule, b.Rule) {
				return fmt.Sprintf("`%s` and `%s` may name the same minute", b.Text, a.Text)
			}
		}
	}
	return ""
}

// superset fires at every slot of every schedule, and more.
func (p planner) superset(readings []calendar.Reading) []trigger {
	var all []trigger
	var minutes []int
	for _, r := range readings {
		all = append(all, p.around(r)...)
		minutes = append(minutes, r.Minutes...)
	}
	all = distinct(all)
	if len(all) > maxTriggers {
		slices.Sort(minutes)
		all = p.everyHour(slices.Compact(minutes))
	}
	return all
}

// around picks between times of the day, where none of them comes twice at a jump, and minutes of every hour.
func (p planner) around(r calendar.Reading) []trigger {
	widths := p.machine.Widths()
	if n := int(r.Every / time.Minute); n > maxInterval && len(widths) == 0 {
		parts := (n + maxInterval - 1) / maxInterval
		for n%parts != 0 {
			parts++
		}
		return []trigger{repeating(n, n/parts)}
	}
	starts := 24 * len(calendar.Closed(r.Minutes, widths))
	rule := r.Rule
	if rule.EitherDay || r.AtJumps != "" {
		// Made up for on the day of the jump, whichever day the schedule names.
		rule.Days, rule.Weekdays, rule.Months = nil, nil, nil
	}
	if rule.Weekdays != nil {
		rule.Days, rule.Months = nil, nil
	}
	rule.EitherDay = false
	if r.Twice || len(rule.Times) > maxTriggers || len(rule.Times) >= starts {
		return p.everyHour(r.Minutes)
	}
	return daily(rule)
}

func (p planner) everyHour(minutes []int) []trigger {
	triggers := grid(calendar.Closed(minutes, p.machine.Widths()))
	if len(triggers) > maxTriggers {
		return []trigger{repeating(1, 1)}
	}
	return triggers
}

// grid fires at these minutes of every hour of UTC.
func grid(minutes []int) []trigger {
	if start, step, ok := calendar.Steps(minutes, hour); ok {
		return []trigger{{utc: true, start: start, interval: step}}
	}
	out := make([]trigger, len(minutes))
	for i, m := range minutes {
		out[i] = trigger{utc: true, start: m, interval: hour}
	}
	return out
}

// repeating fires every interval minutes, in step with the multiples of n since 1970.
func repeating(n, interval int) trigger {
	midnight := int(calendar.Since.Unix() / 60)
	return trigger{utc: true, start: (n - midnight%n) % n, interval: interval}
}

func daily(r calendar.Rule) []trigger {
	out := make([]trigger, len(r.Times))
	for i, at := range r.Times {
		out[i] = trigger{start: at, rule: r}
	}
	return out
}

// hours writes evenly spaced times of one hour as one trigger that repeats within that hour.
func hours(r calendar.Rule) []trigger {
	var out []trigger
	for h := range 24 {
		out = append(out, withinHour(r, h)...)
	}
	return out
}

func withinHour(r calendar.Rule, h int) []trigger {
	var times []int
	for _, at := range r.Times {
		if at/hour == h {
			times = append(times, at)
		}
	}
	some := r
	some.Times = times
	if len(times) < 2 {
		return daily(some)
	}
	step := times[1] - times[0]
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] != step {
			return daily(some)
		}
	}
	// Half a minute more than to the last start: whether a start at the very end counts is nowhere said.
	return []trigger{{start: times[0], interval: step, duration: 60*(times[len(times)-1]-times[0]) + 30, rule: r}}
}

func distinct(all []trigger) []trigger {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(t trigger) bool {
		key := t.node().String()
		known := seen[key]
		seen[key] = true
		return known
	})
}

// node is the trigger in the words of the task schema.
func (t trigger) node() *node {
	at := calendar.Since.Add(time.Duration(t.start) * time.Minute)
	kind, boundary := "CalendarTrigger", at.Format("2006-01-02T15:04:05")
	if t.utc {
		kind, boundary = "TimeTrigger", boundary+"Z"
	}
	n := el(kind, leaf("Enabled", "true"), leaf("StartBoundary", boundary))
	if t.interval > 0 {
		repetition := el("Repetition", leaf("Interval", minutesText(t.interval)))
		if t.duration > 0 {
			repetition.add(leaf("Duration", durationText(t.duration)))
		}
		n.add(repetition.add(leaf("StopAtDurationEnd", "false")))
	}
	if !t.utc {
		n.add(days(t.rule))
	}
	return n
}

func days(r calendar.Rule) *node {
	switch {
	case r.Weekdays != nil:
		week := el("DaysOfWeek")
		for _, d := range r.Weekdays {
			week.add(el(time.Weekday(d).String()))
		}
		return el("ScheduleByWeek", leaf("WeeksInterval", "1"), week)
	case r.Days != nil || r.Months != nil:
		month, months := el("DaysOfMonth"), el("Months")
		for _, d := range orAll(r.Days, 31) {
			month.add(leaf("Day", strconv.Itoa(d)))
		}
		for _, m := range orAll(r.Months, 12) {
			months.add(el(time.Month(m).String()))
		}
		return el("ScheduleByMonth", month, months)
	}
	return el("ScheduleByDay", leaf("DaysInterval", "1"))
}

func orAll(set []int, last int) []int {
	if set != nil {
		return set
	}
	all := make([]int, last)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

func minutesText(minutes int) string { return durationText(60 * minutes) }

// durationText is an xs:duration as Task Scheduler writes it.
func durationText(seconds int) string {
	if seconds == 0 {
		return "PT0S"
	}
	var b strings.Builder
	b.WriteString("P")
	for _, u := range []struct {
		size int
		unit string
	}{{24 * 3600, "D"}, {3600, "H"}, {60, "M"}, {1, "S"}} {
		if u.unit == "H" && seconds > 0 {
			b.WriteString("T")
		}
		if n := seconds / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.unit)
			seconds -= n * u.size
		}
	}
	return b.String()
}

// readAll reads every schedule once.
func readAll(m *calendar.Machine, schedules []schedule.Schedule, zone *time.Location) ([]calendar.Reading, error) {
	var out []calendar.Reading
	seen := map[string]bool{}
	for _, s := range schedules {
		if seen[s.Normal()] {
			continue
		}
		seen[s.Normal()] = true
		r, err := m.Read(s, zone)
		if err != nil {
			return nil, fmt.Errorf("schedule %q: %w", s.Text, err)
		}
		out = append(out, r)
	}
	return out, nil
}
