package schtasks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/command"
)

const source = "schtasks"

// Foreign lists the tasks of others, but for Windows' own.
func (s *Scheduler) Foreign(ctx context.Context) ([]scheduler.Foreign, error) {
	tasks, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	var out []scheduler.Foreign
	for _, t := range tasks {
		if f, ok := s.foreign(t); ok {
			out = append(out, f)
		}
	}
	return out, nil
}

func (s *Scheduler) foreign(t task) (scheduler.Foreign, bool) {
	marked := markerRE.MatchString(t.root.get("RegistrationInfo", "Description"))
	if within(t.path, `\Microsoft\`) || within(t.path, root) && marked {
		return scheduler.Foreign{}, false
	}
	f := scheduler.Foreign{Source: source, Place: t.path, User: account(t.root), Command: commandOf(t.root), Text: t.raw, Fixed: fixed(t.root)}
	if marked {
		f.Fixed = "it is a copy of a task of Crontopus"
	}
	f.Schedule = scheduleOf(t.root)
	if name := s.o.Zone.String(); f.Schedule != "" && name != "Local" {
		f.Timezone = name
	}
	f.ID = command.Digest(f.Source, f.User, t.path, t.raw)
	return f, true
}

func account(root *node) string {
	if user := root.get("Principals", "Principal", "UserId"); user != "" {
		return user
	}
	return root.get("Principals", "Principal", "GroupId")
}

// commandOf is argv of the first action, quoted for a reader: Windows programs split their arguments themselves.
func commandOf(root *node) string {
	exec := root.at("Actions", "Exec")
	if exec == nil {
		return ""
	}
	program := exec.get("Command")
	if strings.Contains(program, " ") && !strings.HasPrefix(program, `"`) {
		program = `"` + program + `"`
	}
	return strings.TrimSpace(program + " " + exec.get("Arguments"))
}

// fixed says why a task cannot be deleted and made again from its text, or why Crontopus cannot do what it does.
func fixed(root *node) string {
	logon := root.get("Principals", "Principal", "LogonType")
	actions := root.at("Actions")
	triggers := root.at("Triggers")
	switch {
	case logon == "Password" || logon == "InteractiveTokenOrPassword":
		return "it runs with a stored password, which its text does not hold"
	case actions == nil || len(actions.kids) != 1 || actions.kids[0].name != "Exec":
		return "it does something else than start one program"
	case triggers == nil || len(triggers.kids) == 0:
		return "it has no trigger"
	case root.get("Settings", "Enabled") == "false":
		return "it is disabled"
	}
	for _, t := range triggers.kids {
		if t.name != "CalendarTrigger" && t.name != "TimeTrigger" {
			return fmt.Sprintf("it is started by a %s, not by the clock", t.name)
		}
	}
	return ""
}

// scheduleOf is the schedule as a manifest would say it; nothing where it cannot.
func scheduleOf(root *node) string {
	triggers := root.at("Triggers")
	if triggers == nil || len(triggers.kids) != 1 {
		return ""
	}
	t := triggers.kids[0]
	at, err := time.Parse("2006-01-02T15:04:05", strings.SplitN(t.get("StartBoundary"), ".", 2)[0])
	if err != nil || t.get("Enabled") == "false" || t.at("EndBoundary") != nil || durationMinutes(orZero(t.get("RandomDelay"))) != 0 {
		return ""
	}
	repetition := t.at("Repetition")
	switch {
	case repetition != nil:
		return repeated(t, repetition, at)
	case at.Second() != 0:
		return ""
	}
	clock := fmt.Sprintf("%d %d", at.Minute(), at.Hour())
	switch {
	case t.get("ScheduleByDay", "DaysInterval") == "1":
		return clock + " * * *"
	case t.at("ScheduleByWeek") != nil && orOne(t.get("ScheduleByWeek", "WeeksInterval")) == "1":
		return withWeekdays(clock, t.at("ScheduleByWeek", "DaysOfWeek"))
	case t.at("ScheduleByMonth") != nil:
		return withMonths(clock, t.at("ScheduleByMonth"))
	}
	return ""
}

func orZero(text string) string {
	if text == "" {
		return "PT0S"
	}
	return text
}

func orOne(text string) string {
	if text == "" {
		return "1"
	}
	return text
}

// repeated reads repetitions that fall on the same minutes of every hour, for ever or all day long.
func repeated(t, repetition *node, at time.Time) string {
	n := durationMinutes(repetition.get("Interval"))
	allDay := t.name == "CalendarTrigger" && t.get("ScheduleByDay", "DaysInterval") == "1" && repetition.get("Duration") == "P1D"
	if n < 1 || n > hour || hour%n != 0 || at.Second() != 0 || !allDay && (t.name != "TimeTrigger" || repetition.at("Duration") != nil) {
		return ""
	}
	first := at.Minute() % n
	var minutes []string
	for m := first; m < hour; m += n {
		minutes = append(minutes, strconv.Itoa(m))
	}
	if first == 0 && n < hour {
		return fmt.Sprintf("*/%d * * * *", n)
	}
	return strings.Join(minutes, ",") + " * * * *"
}

func withWeekdays(clock string, week *node) string {
	if week == nil {
		return ""
	}
	var days []string
	for _, d := range week.kids {
		i := slices.Index(order["DaysOfWeek"], d.name)
		if i < 0 {
			return ""
		}
		days = append(days, strconv.Itoa(i))
	}
	if len(days) == 0 {
		return ""
	}
	return clock + " * * " + strings.Join(days, ",")
}

func withMonths(clock string, schedule *node) string {
	month, months := schedule.at("DaysOfMonth"), schedule.at("Months")
	if month == nil || len(month.kids) == 0 {
		return ""
	}
	var days, names []string
	for _, d := range month.kids {
		if n, err := strconv.Atoi(d.value); err != nil || n < 1 || n > 31 {
			return "" // Last
		}
		days = append(days, d.value)
	}
	if months != nil && len(months.kids) < 12 {
		for _, m := range months.kids {
			i := slices.Index(order["Months"], m.name)
			if i < 0 {
				return ""
			}
			names = append(names, strconv.Itoa(i+1))
		}
	}
	if len(names) == 0 {
		names = []string{"*"}
	}
	return clock + " " + strings.Join(days, ",") + " " + strings.Join(names, ",") + " *"
}
