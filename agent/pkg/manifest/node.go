package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/schedule"
)

// reader walks YAML nodes and collects every error of a file instead of stopping at the first.
type reader struct {
	file string
	errs Errors
}

func (r *reader) fail(n *yaml.Node, path, format string, args ...any) {
	r.errs = append(r.errs, &Error{File: r.file, Line: max(n.Line, 1), Column: max(n.Column, 1),
		Path: path, Message: fmt.Sprintf(format, args...)})
}

// plain refuses what would make a manifest mean something else than it shows: anchors, aliases, own tags.
func (r *reader) plain(n *yaml.Node, path string) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.fail(n, path, "anchors and aliases are not allowed")
		return false
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.fail(n, path, "tags are not allowed")
		return false
	}
	return true
}

type field struct {
	key   *yaml.Node
	value *yaml.Node
	path  string
}

// mapping returns the fields of a mapping; duplicates and keys outside known (nil = any) are errors.
func (r *reader) mapping(n *yaml.Node, path string, known ...string) map[string]field {
	if !r.plain(n, path) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, path, "must be a mapping, is %s", kindName(n))
		return nil
	}
	out := make(map[string]field, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !r.plain(key, path) {
			continue
		}
		if key.Kind != yaml.ScalarNode || coreTag(key) != tagStr || key.Value == "<<" && key.Style == 0 {
			r.fail(key, path, "keys must be text")
			continue
		}
		p := join(path, key.Value)
		if first, dup := out[key.Value]; dup {
			r.fail(key, p, "duplicate key, first on line %d", first.key.Line)
			continue
		}
		if known != nil && !slices.Contains(known, key.Value) {
			r.fail(key, p, "unknown key%s", suggest(key.Value, known))
			continue
		}
		out[key.Value] = field{key, value, p}
	}
	return out
}

func (r *reader) scalar(f field, tags ...string) (string, bool) {
	if !r.plain(f.value, f.path) {
		return "", false
	}
	if f.value.Kind != yaml.ScalarNode || !slices.Contains(tags, coreTag(f.value)) {
		r.fail(f.value, f.path, "must be %s, is %s", wanted(tags), kindName(f.value))
		return "", false
	}
	if strings.ContainsRune(f.value.Value, 0) {
		r.fail(f.value, f.path, "holds a NUL character")
		return "", false
	}
	return f.value.Value, true
}

// bounded is a text of at most limit characters.
func (r *reader) bounded(f field, limit int) (string, bool) {
	s, ok := r.scalar(f, tagStr)
	if ok && utf8.RuneCountInString(s) > limit {
		r.fail(f.value, f.path, "is longer than %d characters", limit)
		return "", false
	}
	return s, ok
}

func (r *reader) text(fs map[string]field, key string, limit int, into *string) {
	if f, ok := fs[key]; ok {
		if s, ok := r.bounded(f, limit); ok {
			*into = s
		}
	}
}

func (r *reader) boolean(fs map[string]field, key string, into *bool) {
	if f, ok := fs[key]; ok {
		if s, ok := r.scalar(f, tagBool); ok {
			*into = strings.EqualFold(s, "true")
		}
	}
}

func (r *reader) integer(fs map[string]field, key string, lo, hi int, into *int) {
	f, ok := fs[key]
	if !ok {
		return
	}
	s, ok := r.scalar(f, tagInt)
	if !ok {
		return
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		r.fail(f.value, f.path, "must be a whole number from %d to %d", lo, hi)
		return
	}
	*into = n
}

func (r *reader) oneOf(fs map[string]field, key string, into *string, allowed ...string) {
	f, ok := fs[key]
	if !ok {
		return
	}
	s, ok := r.scalar(f, tagStr)
	if !ok {
		return
	}
	if !slices.Contains(allowed, s) {
		r.fail(f.value, f.path, "must be one of %s", strings.Join(allowed, ", "))
		return
	}
	*into = s
}

func (r *reader) duration(fs map[string]field, key string, lo, hi time.Duration, into *time.Duration) {
	f, ok := fs[key]
	if !ok {
		return
	}
	s, ok := r.scalar(f, tagStr)
	if !ok {
		return
	}
	d, err := schedule.ParseDuration(s)
	if err == nil && (d < lo || d > hi) {
		err = fmt.Errorf("must be from %s to %s", lo, hi)
	}
	if err != nil {
		r.fail(f.value, f.path, "%s", err)
		return
	}
	*into = d
}

func (r *reader) list(f field, limit int) []field {
	if !r.plain(f.value, f.path) {
		return nil
	}
	if f.value.Kind != yaml.SequenceNode {
		r.fail(f.value, f.path, "must be a list, is %s", kindName(f.value))
		return nil
	}
	if len(f.value.Content) > limit {
		r.fail(f.value, f.path, "holds more than %d items", limit)
		return nil
	}
	out := make([]field, len(f.value.Content))
	for i, n := range f.value.Content {
		out[i] = field{n, n, fmt.Sprintf("%s[%d]", f.path, i)}
	}
	return out
}

// rule says what the keys and values of a map of texts may be.
type rule struct {
	entries int
	keyOK   func(string) bool
	length  int
	valueOK func(string) bool
}

func (r *reader) textMap(fs map[string]field, key string, rule rule) map[string]string {
	f, ok := fs[key]
	if !ok {
		return nil
	}
	fields := r.mapping(f.value, f.path)
	if len(fields) > rule.entries {
		r.fail(f.value, f.path, "holds more than %d entries", rule.entries)
		return nil
	}
	out := make(map[string]string, len(fields))
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		s, ok := r.bounded(fields[k], rule.length)
		switch {
		case !rule.keyOK(k):
			r.fail(fields[k].key, fields[k].path, "%q is not a valid name here", k)
		case ok && rule.valueOK != nil && !rule.valueOK(s):
			r.fail(fields[k].value, fields[k].path, "%q is not a valid value here", s)
		case ok:
			out[k] = s
		}
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return tagNames[coreTag(n)]
	default:
		return "something else"
	}
}

// suggest names the key that was probably meant: same letters but for case, or one the other's prefix.
func suggest(key string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(strings.ReplaceAll(key, "_", ""), k) || (len(key) > 2 && strings.HasPrefix(k, key)) {
			return fmt.Sprintf("; did you mean %q?", k)
		}
	}
	return ""
}

func wanted(tags []string) string {
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = tagNames[t]
	}
	return strings.Join(names, " or ")
}
