package launchd

import (
	"errors"
	"fmt"
	"strings"

	"crontopus.dev/agent/pkg/scheduler"
	"crontopus.dev/agent/pkg/scheduler/command"
	"crontopus.dev/agent/pkg/statedir"
)

const onlyShown = "jobs of launchd are only shown: move it by hand"

// foreign reads one file; what is no job by the clock is none of ours to report.
func (s *Scheduler) foreign(path string) (scheduler.Foreign, bool) {
	f := scheduler.Foreign{Source: "launchd", Place: path, Fixed: onlyShown}
	data, err := statedir.ReadFile(path, maxPlist)
	if err != nil {
		f.Fixed = "it cannot be read: " + err.Error()
		f.ID = command.Digest(f.Source, path)
		return f, true
	}
	f.Text = string(data)
	f.ID = command.Digest(f.Source, path, f.Text)
	d, err := parse(data)
	switch {
	case errors.Is(err, errBinary):
		f.Text, f.Fixed = "", "its property list is binary (`plutil -convert xml1` makes it readable)"
		return f, true
	case err != nil:
		f.Fixed = err.Error()
		return f, true
	case d.get("StartCalendarInterval") == nil && d.get("StartInterval") == nil:
		return f, false
	}
	f.User, _ = d.get("UserName").(string)
	f.Command = commandOf(d)
	f.Schedule = scheduleOf(d)
	if f.Schedule != "" {
		f.Timezone = s.o.Zone.String()
	}
	return f, true
}

func commandOf(d dict) string {
	var argv []string
	if program, ok := d.get("Program").(string); ok {
		argv = append(argv, program)
	}
	if list, ok := d.get("ProgramArguments").([]any); ok {
		for i, a := range list {
			if text, ok := a.(string); ok && (i > 0 || len(argv) == 0) {
				argv = append(argv, text)
			}
		}
	}
	for i, a := range argv {
		if strings.ContainsAny(a, " \t\n\"'\\$`&|;<>()*?[]#~") || a == "" {
			argv[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(argv, " ")
}

// scheduleOf is the schedule as a manifest would say it: one interval, or one length that divides the hour or day.
func scheduleOf(d dict) string {
	calendar := d.get("StartCalendarInterval")
	if list, ok := calendar.([]any); ok && len(list) == 1 {
		calendar = list[0]
	}
	if one, ok := calendar.(dict); ok && d.get("StartInterval") == nil {
		fields := make([]string, 5)
		for i, key := range []string{"Minute", "Hour", "Day", "Month", "Weekday"} {
			fields[i] = "*"
			if n, ok := one.get(key).(int); ok {
				fields[i] = fmt.Sprint(n)
			}
		}
		return strings.Join(fields, " ")
	}
	if n, ok := d.get("StartInterval").(int); ok && calendar == nil && n >= 60 && n%60 == 0 {
		return fmt.Sprintf("every %dm", n/60)
	}
	return ""
}
