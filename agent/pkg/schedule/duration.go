package schedule

import (
	"errors"
	"regexp"
	"strconv"
	"time"
)

var durationRE = regexp.MustCompile(`^(?:([0-9]{1,6})w)?(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s)?$`)

const maxDuration = 10 * 366 * 24 * time.Hour

// ErrDuration is the error of ParseDuration.
var ErrDuration = errors.New("must be a duration such as 30s, 10m, 1h30m or 2d, largest unit first")

// ParseDuration reads the durations of manifests.
func ParseDuration(s string) (time.Duration, error) {
	m := durationRE.FindStringSubmatch(s)
	if m == nil || s == "" {
		return 0, ErrDuration
	}
	var seconds int64 // at most 1e6 weeks: far from overflow
	for i, unit := range []int64{604_800, 86_400, 3_600, 60, 1} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil {
			return 0, ErrDuration
		}
		seconds += n * unit
	}
	if seconds > int64(maxDuration/time.Second) {
		return 0, errors.New("is longer than ten years")
	}
	return time.Duration(seconds) * time.Second, nil
}
