// Package schedule reads the schedules of manifests and says whether a machine's own cron can express
// them exactly. Evaluating slots (the gate of crontopus-run) is not its business yet.
package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones are those of this build, not of whatever the machine has
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

type fieldSpec struct {
	name   string
	lo, hi int
	names  map[string]int
}

var fields = [5]fieldSpec{
	{name: "minute", lo: 0, hi: 59},
	{name: "hour", lo: 0, hi: 23},
	{name: "day of month", lo: 1, hi: 31},
	{name: "month", lo: 1, hi: 12, names: map[string]int{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
		"jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}},
	{name: "day of week", lo: 0, hi: 7, names: map[string]int{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}},
}

const (
	maxText  = 256
	maxEvery = 366 * 24 * time.Hour
)

// ErrSyntax is wrapped by every error of Parse.
var ErrSyntax = errors.New("not a schedule")

// Parse reads a 5-field cron expression, @hourly…, or `every 15m`.
func Parse(text string) (Schedule, error) {
	s := Schedule{Text: text}
	trimmed := strings.TrimSpace(text)
	if len(text) > maxText {
		return s, fmt.Errorf("%w: longer than %d characters", ErrSyntax, maxText)
	}
	if n, ok := strings.CutPrefix(trimmed, "every "); ok {
		d, err := parseEvery(strings.TrimSpace(n))
		s.Every = d
		return s, err
	}
	lower := strings.ToLower(trimmed)
	if strings.HasPrefix(trimmed, "@") {
		expr, ok := aliases[trimmed]
		if !ok {
			return s, fmt.Errorf("%w: unknown alias %q; use @hourly, @daily, @weekly, @monthly or @yearly", ErrSyntax, trimmed)
		}
		lower = expr
	}
	parts := strings.Fields(lower)
	if len(parts) != 5 {
		return s, fmt.Errorf("%w: %d fields where a cron expression has 5 (minute hour day month weekday); or write `every 15m`", ErrSyntax, len(parts))
	}
	return s, s.parseFields(parts)
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
		return fmt.Errorf("%w: %q names a date that never comes", ErrSyntax, s.Text)
	}
	return nil
}

// canonical rewrites a field with digits only.
func (f fieldSpec) canonical(part string) (string, error) {
	var out []string
	for _, term := range strings.Split(part, ",") {
		base, step, stepped := strings.Cut(term, "/")
		if stepped {
			n, ok := number(step)
			if !ok || n < 1 || n > f.hi {
				return "", f.bad(term)
			}
			step = "/" + strconv.Itoa(n)
		}
		if base == "*" {
			out = append(out, "*"+step)
			continue
		}
		from, to, ranged := strings.Cut(base, "-")
		lo, ok := f.value(from)
		hi := lo
		if ok && ranged {
			hi, ok = f.value(to)
		}
		if !ok || hi < lo || (stepped && !ranged) {
			return "", f.bad(term)
		}
		out = append(out, rangeText(lo, hi, ranged)+step)
	}
	return strings.Join(out, ","), nil
}

func rangeText(lo, hi int, ranged bool) string {
	if !ranged {
		return strconv.Itoa(lo)
	}
	return strconv.Itoa(lo) + "-" + strconv.Itoa(hi)
}

func (f fieldSpec) bad(term string) error {
	return fmt.Errorf("%w: bad %s %q (%d-%d)", ErrSyntax, f.name, term, f.lo, f.hi)
}

func (f fieldSpec) value(s string) (int, bool) {
	if n, ok := f.names[s]; ok {
		return n, true
	}
	n, ok := number(s)
	return n, ok && n >= f.lo && n <= f.hi
}

func number(s string) (int, bool) {
	if s == "" || len(s) > 4 {
		return 0, false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// possibleDay refuses 30 February and its like, unless a weekday can bring the job about as well.
func possibleDay(cron [5]string) bool {
	dom, month, dow := cron[2], cron[3], cron[4]
	if strings.HasPrefix(dom, "*") || !strings.HasPrefix(dow, "*") {
		return true
	}
	days := expand(dom, 1, 31)
	for m := range expand(month, 1, 12) {
		longest := 31
		switch m {
		case 4, 6, 9, 11:
			longest = 30
		case 2:
			longest = 29
		}
		for d := range days {
			if d <= longest {
				return true
			}
		}
	}
	return false
}

// expand returns the set a canonical field stands for.
func expand(field string, lo, hi int) map[int]bool {
	out := map[int]bool{}
	for _, term := range strings.Split(field, ",") {
		base, stepText, _ := strings.Cut(term, "/")
		step := 1
		if n, ok := number(stepText); ok {
			step = n
		}
		from, to := lo, hi
		if base != "*" {
			a, b, ranged := strings.Cut(base, "-")
			from, _ = strconv.Atoi(a)
			to = from
			if ranged {
				to, _ = strconv.Atoi(b)
			}
		}
		for v := from; v <= to; v += step {
			out[v] = true
		}
	}
	return out
}

func parseEvery(s string) (time.Duration, error) {
	d, err := ParseDuration(s)
	if err != nil || d < time.Minute || d > maxEvery || d%time.Minute != 0 {
		return 0, fmt.Errorf("%w: `every` takes whole minutes from 1m to 366d, such as `every 15m`", ErrSyntax)
	}
	return d, nil
}
