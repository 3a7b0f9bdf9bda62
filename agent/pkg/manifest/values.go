package manifest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"crontopus.dev/agent/pkg/schedule"
)

// The kinds of text a manifest is made of; contract/manifest/v1.schema.json has the same forms.
var (
	namePattern = pattern{limits{1, maxName}, regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`), BadName, "a valid name",
		"lower-case letters, digits and `-`, starting and ending with a letter or digit"}
	labelKey = pattern{limits{1, 128}, regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`),
		BadLabel, "a label key", "letters, digits, `-`, `_`, `.`, optionally `prefix/`"}
	labelValue = pattern{limits{0, 63}, regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`), BadLabel, "a label value",
		"letters, digits, `-`, `_` and `.`; use annotations for free text"}
	envKey = pattern{limits{1, 128}, regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`), BadEnvKey, "a variable name",
		"letters, digits and `_`, not starting with a digit"}
	userName = pattern{limits{1, 64}, regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9_.@\\]*\$?$`), BadUser, "a user name",
		"the log-in name on the endpoint"}
	hostName = pattern{limits{1, 253}, regexp.MustCompile(`^[A-Za-z0-9*]([-A-Za-z0-9_.*]*[A-Za-z0-9*])?$`), BadSelector, "a host name",
		"a host name, in which `*` stands for anything"}
	absolutePath = pattern{limits{1, 4096}, regexp.MustCompile(`^(/|[A-Za-z]:[\\/]|\\\\)[^\n]*$`), BadPath, "an absolute path",
		"start with `/`, or with a drive such as `C:\\`"}
	timeOfDay = pattern{limits{0, MaxBytes}, regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`), BadTime, "a time of day",
		`quoted, 24 hours: "22:00"`}

	uuidRE = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	sizeRE = regexp.MustCompile(`^([0-9]{1,9})(Ki|Mi|K|M|k)?$`)
)

const (
	maxName = 63

	// MaxOutputBytes is the most that can be kept of a run's output.
	MaxOutputBytes = 1 << 20
	// DefaultOutputBytes is how much of it is kept unless the manifest says otherwise.
	DefaultOutputBytes = 64 << 10
)

// ValidName tells whether s can be a namespace or, reserved words aside, the name of a job.
func ValidName(s string) bool { return len(s) <= maxName && namePattern.form.MatchString(s) }

// reserved names follow a ping key in a URL, so no job may be called that.
func reserved(name string) bool {
	if name == "start" || name == "fail" || name == "log" {
		return true
	}
	n, err := strconv.Atoi(name)
	return err == nil && n >= 0 && n <= 255 && strconv.Itoa(n) == name
}

func reservedVariable(key string) string {
	if strings.HasPrefix(key, "CRONTOPUS_") {
		return "names beginning with CRONTOPUS_ are set by Crontopus"
	}
	return ""
}

func (r *reader) name(n *node) (string, bool) { return r.matching(n, namePattern) }

func (r *reader) jobName(n *node) string {
	s, ok := r.name(n)
	if ok && reserved(s) {
		r.fail(n, ReservedName, "choose another name", "the name %s is reserved: it would be mistaken for a part of a ping URL", schedule.Clip(s))
	}
	return s
}

func (r *reader) id(n *node) uuid.NullUUID {
	if n == nil {
		return uuid.NullUUID{}
	}
	if n.kind == textNode && uuidRE.MatchString(n.text) {
		if id, err := uuid.Parse(n.text); err == nil {
			return uuid.NullUUID{UUID: id, Valid: true}
		}
	}
	r.fail(n, BadID, "five groups of hexadecimal digits: 8-4-4-4-12; or leave it out", "%s is not a UUID", schedule.Clip(n.text))
	return uuid.NullUUID{}
}

var labelCount = limits{0, 64}

func (r *reader) labels(n *node, l limits) map[string]string {
	return r.textMap(n, l, labelKey, nil, func(v *node) (string, bool) { return r.matching(v, labelValue) })
}

func (r *reader) annotations(n *node) map[string]string {
	return r.textMap(n, labelCount, labelKey, nil, func(v *node) (string, bool) { return r.text(v, limits{0, 4096}) })
}

func (r *reader) timezone(n *node, into *string) {
	s, ok := r.text(n, limits{1, 64})
	if !ok {
		return
	}
	if _, err := schedule.LoadZone(s); err != nil {
		r.failSchedule(n, err)
		return
	}
	*into = s
}

func (r *reader) expression(n *node) (schedule.Schedule, bool) {
	if !r.is(n, textNode) {
		return schedule.Schedule{}, false
	}
	s, err := schedule.Parse(n.text)
	if err != nil {
		r.failSchedule(n, err)
	}
	return s, err == nil
}

func (r *reader) size(n *node, into *int) {
	if n == nil {
		return
	}
	written := n.text
	switch n.kind {
	case textNode:
	case integerNode:
		written = n.number.String()
	default:
		r.wrongType(n, "a size such as `64Ki`")
		return
	}
	size, err := ParseSize(written)
	switch {
	case err != nil:
		r.fail(n, BadSize, "bytes, `64Ki` or `1Mi`", "%s is not a size", schedule.Clip(n.text))
	case size > MaxOutputBytes:
		r.fail(n, OutOfRange, "", "%s is not between 0 and 1Mi", schedule.Clip(n.text))
	default:
		*into = int(size)
	}
}

// ParseSize reads 65536, 64Ki, 1Mi, 64k, 1M.
func ParseSize(s string) (int64, error) {
	m := sizeRE.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%s is not a size such as 65536, 64Ki, 1Mi", schedule.Clip(s))
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not a size: %w", schedule.Clip(s), err)
	}
	units := map[string]int64{"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "k": 1000, "K": 1000, "M": 1000 * 1000}
	return n * units[m[2]], nil
}
