package launchd

import (
	"fmt"
	"slices"

	"crontopus.dev/agent/pkg/scheduler/calendar"
)

const (
	hour = 60 // minutes
	// maxIntervals of one job: launchd names no limit, and each is a timer.
	maxIntervals = 1000
)

// plan returns the calendar intervals of a job, and why they are a superset where they are. launchd is taken to start a
// job whenever the wall clock shows one of its minutes, as its manual likens it to cron.
func plan(readings []calendar.Reading) ([]any, string) {
	gated := coincide(readings)
	for _, r := range readings {
		if why := inexact(r); why != "" {
			gated = why
		}
	}
	if gated == "" {
		all := []any{}
		total := 0
		for _, r := range readings {
			total += count(r.Rule)
			if total <= maxIntervals {
				all = append(all, intervals(r.Rule)...)
			}
		}
		if total <= maxIntervals {
			return all, ""
		}
		gated = fmt.Sprintf("it needs %d calendar intervals; more than %d are not given to launchd", total, maxIntervals)
	}
	return superset(readings), gated
}

func inexact(r calendar.Reading) string {
	switch {
	case r.Inexact != "":
		return r.Inexact
	case r.AtJumps != "" && !r.Follows:
		return r.AtJumps
	case r.Rule.Days != nil && r.Rule.Weekdays != nil:
		return "launchd cannot say that a day of the month and a day of the week must both hold, nor start a job once where either does"
	}
	return ""
}

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

// superset starts at every slot of every schedule, and more.
func superset(readings []calendar.Reading) []any {
	var times []int
	for _, r := range readings {
		times = append(times, r.Rule.Times...)
	}
	slices.Sort(times)
	all := calendar.Rule{Times: slices.Compact(times)}
	if len(readings) == 1 {
		rule := readings[0].Rule
		all.Months = rule.Months
		if !rule.EitherDay {
			all.Weekdays = rule.Weekdays
		}
		if rule.Weekdays == nil {
			all.Days = rule.Days
		}
	}
	if met := readings[0].AtJumps != "" || count(all) > maxIntervals; met {
		// Made up for on the day of the jump, whichever day the schedule names.
		all.Days, all.Weekdays, all.Months = nil, nil, nil
	}
	if count(all) > maxIntervals {
		var minutes []int
		for _, t := range all.Times {
			minutes = append(minutes, t%hour)
		}
		slices.Sort(minutes)
		all.Times = everyHour(slices.Compact(minutes))
	}
	return intervals(all)
}

func everyHour(minutes []int) []int {
	var out []int
	for h := range 24 {
		for _, m := range minutes {
			out = append(out, h*hour+m)
		}
	}
	return out
}

// hourly returns the minutes of times that are the same in every hour.
func hourly(times []int) ([]int, bool) {
	n := len(times) / 24
	if n == 0 || len(times)%24 != 0 || !slices.Equal(times, everyHour(times[:n])) {
		return nil, false
	}
	return times[:n], true
}

func count(r calendar.Rule) int {
	n := len(r.Times)
	if minutes, ok := hourly(r.Times); ok {
		n = len(minutes)
	}
	for _, set := range [][]int{r.Days, r.Weekdays, r.Months} {
		n *= max(len(set), 1)
	}
	return n
}

// intervals are dictionaries in which what is missing may be anything.
func intervals(r calendar.Rule) []any {
	var clocks []dict
	if minutes, ok := hourly(r.Times); ok {
		for _, m := range minutes {
			clocks = append(clocks, dict{{"Minute", m}})
		}
	} else {
		for _, t := range r.Times {
			clocks = append(clocks, dict{{"Hour", t / hour}, {"Minute", t % hour}})
		}
	}
	out := []any{}
	for _, month := range orAny(r.Months) {
		for _, day := range orAny(r.Days) {
			for _, weekday := range orAny(r.Weekdays) {
				for _, clock := range clocks {
					out = append(out, slices.Concat(one("Month", month), one("Day", day), one("Weekday", weekday), clock))
				}
			}
		}
	}
	return out
}

const any1 = -1

func orAny(set []int) []int {
	if set == nil {
		return []int{any1}
	}
	return set
}

func one(key string, v int) dict {
	if v == any1 {
		return nil
	}
	return dict{{key, v}}
}
