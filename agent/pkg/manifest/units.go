package manifest

import (
	"errors"
	"regexp"
	"strconv"
)

var (
	sizeRE  = regexp.MustCompile(`^([0-9]{1,9})(Ki|Mi|K|M|k)?$`)
	errSize = errors.New("must be a size such as 65536, 64Ki, 1Mi")
)

// ParseSize reads 65536, 64Ki, 1Mi, 64k, 1M.
func ParseSize(s string) (int64, error) {
	m := sizeRE.FindStringSubmatch(s)
	if m == nil {
		return 0, errSize
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, errSize
	}
	units := map[string]int64{"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "k": 1000, "K": 1000, "M": 1000 * 1000}
	return n * units[m[2]], nil
}
