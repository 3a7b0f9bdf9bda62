package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

type fieldSpec struct {
	name   string
	lo, hi int
	names  map[string]int
}

var fields = [5]fieldSpec{
	{name: "minute", lo: 0, hi: 59},
	{name: "hour", lo: 0, hi: 23},
	{name: "day-of-month", lo: 1, hi: 31},
	{name: "month", lo: 1, hi: 12, names: map[string]int{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
		"jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}},
	{name: "day-of-week", lo: 0, hi: 7, names: map[string]int{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}},
}

// canonical rewrites a field with digits only.
func (f fieldSpec) canonical(part string) (string, error) {
	var out []string
	for _, term := range strings.Split(part, ",") {
		base, step, stepped := strings.Cut(term, "/")
		if stepped {
			n, ok := number(step)
			if !ok || n < 1 || n > f.hi {
				return "", f.bad(part, fmt.Sprintf("the step after `/` is a number from 1 to %d", f.hi))
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
			return "", f.bad(part, f.hint(term, stepped && !ranged))
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

func (f fieldSpec) bad(part, hint string) error {
	return fail(BadCron, hint, "bad %s field %s", f.name, Clip(part))
}

func (f fieldSpec) hint(term string, stepOnNumber bool) string {
	switch {
	case stepOnNumber:
		return fmt.Sprintf("a step needs a range: `%s-%d/n`", strings.Split(term, "/")[0], f.hi)
	case strings.Contains(term, "?"):
		return "write `*` for any"
	case strings.Contains(term, "~"):
		return "random ranges are not supported; use `spec.jitter`"
	}
	return fmt.Sprintf("%s takes %d-%d, `*`, ranges `a-b`, steps `*/n` and lists `a,b`", f.name, f.lo, f.hi)
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

// bothDays tells whether day of month and day of week must both hold: where either field starts with `*`.
func bothDays(cron [5]string) bool {
	return strings.HasPrefix(cron[2], "*") || strings.HasPrefix(cron[4], "*")
}

// possibleDay refuses 30 February and its like, unless a weekday can bring the job about as well.
func possibleDay(cron [5]string) bool {
	if !bothDays(cron) {
		return true
	}
	days := expand(cron[2], 1, 31)
	for m := range expand(cron[3], 1, 12) {
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
