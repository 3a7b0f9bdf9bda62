// Package schedule reads the schedules of manifests, says at which instants they expect runs, and whether a
// machine's own cron can express them exactly. contract/vectors/schedule holds it to what the server says.
package schedule

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Schedule is one validated schedule: a cron expression or `every N`.
type Schedule struct {
	Text  string        // as written
	Every time.Duration // > 0 for `every N`
	cron  [5]string     // canonical fields otherwise: digits , - / and * only
}

var aliases = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

const (
	// MaxExpressions is how many expressions one job may have.
	MaxExpressions = 16

	maxText  = 256
	maxEvery = 366 * 24 * time.Hour
	blanks   = " \t\n\r\f\v"
)

// Parse reads a 5-field cron expression, @hourly…, or `every 15m`. The error is an *Error.
func Parse(text string) (Schedule, error) {
	s := Schedule{Text: text}
	trimmed := strings.Trim(text, blanks)
	if trimmed == "" {
		return s, fail(Empty, "e.g. `0 2 * * *` or `every 15m`", "an empty schedule expression")
	}
	if utf8.RuneCountInString(text) > maxText {
		return s, fail(TooLong, "", "a schedule expression has at most %d characters", maxText)
	}
	word, rest, _ := strings.Cut(trimmed, " ")
	if word == "every" {
		d, err := parseEvery(strings.Trim(rest, blanks))
		s.Every = d
		return s, err
	}
	if strings.EqualFold(word, "every") {
		return s, fail(BadCron, "write `every` in lower case", "%s is not a schedule", Clip(trimmed))
	}
	if strings.HasPrefix(trimmed, "@") {
		expr, err := expandAlias(trimmed)
		if err != nil {
			return s, err
		}
		trimmed = expr
	}
	parts := words(strings.ToLower(trimmed))
	if len(parts) != len(fields) {
		return s, fail(BadCron, "five fields: minute hour day-of-month month day-of-week, e.g. `0 2 * * *`, or `every 15m`",
			"%s has %d fields, not 5", Clip(text), len(parts))
	}
	return s, s.parseFields(parts)
}

// Normal is the expression with one blank between words: what makes two of them the same.
func (s Schedule) Normal() string { return strings.Join(words(s.Text), " ") }

// words splits at what separates fields for cron, not at every blank that Unicode knows.
func words(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(blanks, c) })
}

func expandAlias(text string) (string, error) {
	if expr, ok := aliases[text]; ok {
		return expr, nil
	}
	lower := strings.ToLower(text)
	if lower == "@reboot" {
		return "", fail(RebootNotSupported, "give the job a time, or leave it to the machine's own start-up and report it in ping mode",
			"`@reboot` has no time at which a run could be expected, so a missed one could never be noticed")
	}
	hint := "the aliases are @hourly @daily @midnight @weekly @monthly @yearly @annually"
	if _, ok := aliases[lower]; ok {
		hint = "did you mean `" + lower + "`?"
	} else if strings.HasPrefix(lower, "@every") {
		hint = "did you mean `every 15m`?"
	}
	return "", fail(UnknownAlias, hint, "unknown schedule alias %s", Clip(text))
}

func (s *Schedule) parseFields(parts []string) error {
	for i, part := range parts {
		canonical, err := fields[i].canonical(part)
		if err != nil {
			return err
		}
		s.cron[i] = canonical
	}
	if !possibleDay(s.cron) {
		return fail(NeverFires, "check the day-of-month and month fields", "%s never fires: no month it names has that day", Clip(s.Text))
	}
	return nil
}

func parseEvery(s string) (time.Duration, error) {
	d, err := ParseDuration(s)
	if err != nil {
		return 0, fail(BadInterval, "e.g. `every 15m`", "`every` needs a duration, not %s", Clip(s))
	}
	if d < time.Minute || d > maxEvery || d%time.Minute != 0 {
		return 0, fail(BadInterval, "no scheduler fires more often than once a minute",
			"`every %s` is not whole minutes between 1m and 366d", s)
	}
	return d, nil
}
