package cron

import (
	"regexp"
	"strings"

	"crontopus.dev/agent/pkg/schedule"
)

var (
	settingRE = regexp.MustCompile(`^[ \t]*(?:"([^"]*)"|'([^']*)'|([^\s="'][^\s=]*))[ \t]*=[ \t]*(.*)$`)
	quotedRE  = regexp.MustCompile(`^(?:"([^"]*)"|'([^']*)')[ \t]*$`)
	entryRE   = regexp.MustCompile(`^[ \t]*(@\S+|[0-9*]\S*[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+\S+)[ \t]+(.*)$`)
	userRE    = regexp.MustCompile(`^([^ \t]+)[ \t]+(.*)$`)
	percentRE = regexp.MustCompile(`\\%|%`)
)

// setting reads a `NAME = value` line as cron does.
func setting(text string) (name, value string, ok bool) {
	m := settingRE.FindStringSubmatch(strings.TrimSuffix(text, "\r"))
	if m == nil || strings.HasPrefix(strings.TrimLeft(text, " \t"), "#") {
		return "", "", false
	}
	name, value = m[1]+m[2]+m[3], strings.TrimRight(m[4], " \t")
	if strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'") {
		q := quotedRE.FindStringSubmatch(value)
		if q == nil {
			return "", "", false
		}
		value = q[1] + q[2]
	}
	return name, value, true
}

// job is what a line of a crontab makes cron do.
type job struct {
	schedule string // as a manifest would say it; "" where it cannot
	fixed    string // why it cannot
	user     string
	command  string // for a shell
}

// jobOf reads a line that is no setting. column: the line names the user. plain: a `%` is one, as for busybox.
func jobOf(text string, column, plain bool) (job, bool) {
	m := entryRE.FindStringSubmatch(strings.TrimSuffix(text, "\r"))
	if m == nil {
		return job{}, false
	}
	j := job{schedule: strings.Join(strings.Fields(m[1]), " ")}
	rest := m[2]
	if column {
		u := userRE.FindStringSubmatch(rest)
		if u == nil {
			return job{}, false
		}
		j.user, rest = u[1], u[2]
	}
	j.command = strings.TrimLeft(rest, " \t")
	if !plain {
		j.command = shellText(rest)
	}
	if strings.TrimSpace(j.command) == "" {
		return job{}, false
	}
	if _, err := schedule.Parse(j.schedule); err != nil {
		j.fixed = "its schedule cannot be written in a manifest: " + err.Error()
		j.schedule = ""
	}
	return j, true
}

// shellText is what the shell gets for a command as it stands in a crontab: the first bare `%` ends the command, what
// follows is its standard input with `%` for line breaks, and `\%` is a percent sign.
func shellText(command string) string {
	parts, last := []string{""}, 0
	for _, at := range percentRE.FindAllStringIndex(command, -1) {
		parts[len(parts)-1] += command[last:at[0]]
		if command[at[0]:at[1]] == "%" {
			parts = append(parts, "")
		} else {
			parts[len(parts)-1] += "%"
		}
		last = at[1]
	}
	parts[len(parts)-1] += command[last:]
	line := strings.TrimLeft(parts[0], " \t")
	if strings.Join(parts[1:], "") == "" || strings.TrimSpace(line) == "" {
		return line
	}
	end := "STDIN"
	for _, text := range parts[1:] {
		for strings.HasPrefix(text, end) {
			end += "_"
		}
	}
	// cron feeds the whole line, of which only the last command would read a here-document of its own.
	return "{\n" + line + "\n} <<'" + end + "'\n" + strings.Join(parts[1:], "\n") + "\n" + end + "\n"
}
