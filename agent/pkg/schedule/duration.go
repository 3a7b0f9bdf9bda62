package schedule

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

var durationRE = regexp.MustCompile(`^(?:([0-9]{1,6})w)?(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s)?$`)

const maxDuration = 10 * 366 * 24 * time.Hour

// ParseDuration reads the durations of manifests: 90s, 10m, 1h30m, 2d. The error is an *Error.
func ParseDuration(s string) (time.Duration, error) {
	m := durationRE.FindStringSubmatch(s)
	if m == nil || s == "" {
		return 0, fail(BadDuration, durationHint(s), "%s is not a duration", Clip(s))
	}
	var seconds int64 // at most 1e6 weeks: far from overflow
	for i, unit := range []int64{604_800, 86_400, 3_600, 60, 1} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil {
			return 0, fail(BadDuration, "", "%s is not a duration", Clip(s))
		}
		seconds += n * unit
	}
	if seconds > int64(maxDuration/time.Second) {
		return 0, fail(BadDuration, "", "%s is longer than ten years", Clip(s))
	}
	return time.Duration(seconds) * time.Second, nil
}

func durationHint(s string) string {
	if n, ok := number(s); ok {
		digits := strconv.Itoa(n)
		return "add a unit: `" + digits + "s`, `" + digits + "m` or `" + digits + "h`"
	}
	return "write numbers with units w, d, h, m, s, largest first: `10m`, `1h30m`"
}

// Clip quotes a user's text for a message without letting it flood or garble the message.
func Clip(text string) string {
	const limit = 60
	shown := make([]rune, 0, limit)
	for _, c := range text {
		if len(shown) == limit {
			shown[limit-1] = '…'
			break
		}
		shown = append(shown, c)
	}
	printable := func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}
	return "`" + strings.Map(printable, string(shown)) + "`"
}
