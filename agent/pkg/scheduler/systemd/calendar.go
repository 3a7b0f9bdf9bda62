package systemd

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"crontopus.dev/agent/pkg/schedule"
)

var shorthands = map[string]string{
	"minutely": "* * * * *", "hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * 1", "monthly": "0 0 1 * *",
	"yearly": "0 0 1 1 *", "annually": "0 0 1 1 *", "quarterly": "0 0 1 1,4,7,10 *", "semiannually": "0 0 1 1,7 *",
}

var (
	weekdaysRE = regexp.MustCompile(`^(?i:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*(?:[,.]+|$))+$`)
	dateRE     = regexp.MustCompile(`^(?:\*-)?([^-]+)-([^-]+)$`)
	timeRE     = regexp.MustCompile(`^([^:]+):([^:]+)(?::(\d+))?$`)
	partRE     = regexp.MustCompile(`^(\*|\d+(?:\.\.\d+)?)(?:/(\d+))?$`)
)

// cronOf writes a calendar expression as cron would, with its zone; "" where it cannot. systemd wants both the date and
// the weekday to hold, cron does so only when one of them begins with `*`.
func cronOf(text string) (expression, zone string) {
	words := strings.Fields(text)
	if n := len(words); n > 1 {
		if _, err := schedule.LoadZone(words[n-1]); err == nil {
			zone, words = words[n-1], words[:n-1]
		}
	}
	if len(words) == 1 && shorthands[strings.ToLower(words[0])] != "" {
		return shorthands[strings.ToLower(words[0])], zone
	}
	minute, hour, day, month, weekday := "0", "0", "*", "*", "*"
	ok := len(words) > 0
	if ok && weekdaysRE.MatchString(words[0]) {
		weekday = weekdays(words[0])
		words = words[1:]
	}
	for _, w := range words {
		switch {
		case strings.Contains(w, ":"):
			m := timeRE.FindStringSubmatch(w)
			if ok = ok && m != nil && strings.Trim(m[3], "0") == ""; ok {
				hour, minute = field(m[1], 23), field(m[2], 59)
			}
		case dateRE.MatchString(w):
			m := dateRE.FindStringSubmatch(w)
			month, day = field(m[1], 12), field(m[2], 31)
		default:
			ok = false
		}
	}
	expression = strings.Join([]string{minute, hour, day, month, weekday}, " ")
	if _, err := schedule.Parse(expression); err != nil || !ok || day != "*" && weekday != "*" {
		return "", ""
	}
	return expression, zone
}

// weekdays writes Mon..Fri,Sun as 1-5,0.
func weekdays(text string) string {
	var out []string
	for _, term := range strings.Split(strings.ToLower(strings.TrimSuffix(text, ",")), ",") {
		from, to, ranged := strings.Cut(term, "..")
		if !ranged {
			out = append(out, short(from))
			continue
		}
		if short(to) == "sun" { // the last day of systemd's week, the first of cron's
			out = append(out, short(from)+"-7")
			continue
		}
		out = append(out, short(from)+"-"+short(to))
	}
	return strings.Join(out, ",")
}

func short(day string) string { return day[:min(len(day), 3)] }

// field writes numbers, `*`, a..b and a/n of systemd as cron does; what it does not know cron will not either.
func field(text string, last int) string {
	var out []string
	for _, term := range strings.Split(text, ",") {
		m := partRE.FindStringSubmatch(term)
		if m == nil {
			return "?"
		}
		base := strings.ReplaceAll(m[1], "..", "-")
		if m[2] == "" {
			out = append(out, plainNumbers(base))
			continue
		}
		if base != "*" && !strings.Contains(base, "-") {
			base = fmt.Sprintf("%s-%d", base, last)
		}
		if base == fmt.Sprintf("0-%d", last) || base == fmt.Sprintf("00-%d", last) {
			base = "*"
		}
		out = append(out, plainNumbers(base)+"/"+m[2])
	}
	return strings.Join(out, ",")
}

// plainNumbers drops leading zeros.
func plainNumbers(base string) string {
	parts := strings.Split(base, "-")
	for i, p := range parts {
		if n, err := strconv.Atoi(p); err == nil {
			parts[i] = strconv.Itoa(n)
		}
	}
	return strings.Join(parts, "-")
}
