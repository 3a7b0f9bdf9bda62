package schedule

import (
	"strconv"
	"strings"
)

// fieldText writes a set of values as a crontab field: `*`, `*/n`, or single values and ranges.
func fieldText(set map[int]bool, lo, hi int) string {
	if len(set) == hi-lo+1 {
		return "*"
	}
	if step := evenStep(set, lo, hi); step > 0 {
		return "*/" + strconv.Itoa(step)
	}
	var terms []string
	for v := lo; v <= hi; v++ {
		if !set[v] {
			continue
		}
		last := v
		for last < hi && set[last+1] {
			last++
		}
		terms = append(terms, rangeText(v, last, last > v))
		v = last
	}
	return strings.Join(terms, ",")
}

// evenStep is the n for which the set is `*/n` with an n that divides the whole; 0 where there is none. Only minutes
// and hours begin at 0: a `*` at the start of a day field has a meaning of its own.
func evenStep(set map[int]bool, lo, hi int) int {
	if lo != 0 || hi < 23 || len(set) < 2 || (hi+1)%len(set) != 0 {
		return 0
	}
	step := (hi + 1) / len(set)
	for v := range set {
		if v%step != 0 {
			return 0
		}
	}
	return step
}
