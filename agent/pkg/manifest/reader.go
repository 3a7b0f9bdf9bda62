package manifest

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"crontopus.dev/agent/pkg/schedule"
)

// reader checks a document against what a kind allows and collects every error: one for each place.
type reader struct {
	tree  *tree
	rules Errors // of keys that go together or not; they and the tree's come before found at the same place
	found Errors
	at    map[string]bool // the places of found
	bad   int             // how many values could not be used, errors or not
}

func (r *reader) add(path string, line, column int, code Code, hint, format string, args ...any) {
	r.bad++
	if r.at[path] {
		return
	}
	r.at[path] = true
	r.found = append(r.found, &Error{File: r.tree.file, Line: line, Column: column, Path: path, Code: code,
		Message: fmt.Sprintf(format, args...), Hint: hint})
}

// fail is an error at a value.
func (r *reader) fail(n *node, code Code, hint, format string, args ...any) {
	r.add(n.path(), n.line, n.column, code, hint, format, args...)
}

// failKey is an error at the key of a value.
func (r *reader) failKey(n *node, code Code, hint, format string, args ...any) {
	r.add(n.path(), n.keyLine, n.keyColumn, code, hint, format, args...)
}

// failMissing is about a key that is not there: it shows best where its parent is named.
func (r *reader) failMissing(n *node, key string) {
	line, column := n.keyLine, n.keyColumn
	if line == 0 {
		line, column = n.line, n.column
	}
	path := n.pathOf(key)
	r.add(path, line, column, Required, "", "`%s` is required", path)
}

// failSchedule carries an error of package schedule over.
func (r *reader) failSchedule(n *node, err error) {
	var known *schedule.Error
	if errors.As(err, &known) {
		r.fail(n, Code(known.Code), known.Hint, "%s", known.Message)
		return
	}
	r.fail(n, Code(schedule.BadCron), "", "%s", err)
}

func (r *reader) wrongType(n *node, wanted string) {
	if n.kind == nullNode {
		r.bad++ // which is an error already
		return
	}
	hint := ""
	switch {
	case wanted == kindNames[textNode] && n.kind != listNode && n.kind != mappingNode:
		hint = `quote it: "` + n.text + `"`
	case wanted == kindNames[booleanNode] && n.kind == textNode && (strings.EqualFold(n.text, "true") || strings.EqualFold(n.text, "false")):
		hint = "write `" + strings.ToLower(n.text) + "` without quotes"
	}
	what := n.path()
	if what == "" {
		what = "the file"
	}
	r.fail(n, WrongType, hint, "`%s` must be %s, not %s", what, wanted, kindNames[n.kind])
}

// is checks a value's type. A value that is not there is none.
func (r *reader) is(n *node, kind nodeKind) bool {
	if n == nil {
		return false
	}
	if n.kind != kind {
		r.wrongType(n, kindNames[kind])
		return false
	}
	return true
}

// mapping checks the keys of a mapping; those in required must be there.
func (r *reader) mapping(n *node, required []string, known ...string) bool {
	if !r.is(n, mappingNode) {
		return false
	}
	for _, f := range n.fields {
		if f.kind != nullNode && !slices.Contains(known, f.key) {
			hint := "known keys: " + strings.Join(known, ", ")
			if near := nearest(f.key, known); near != "" {
				hint = "did you mean `" + near + "`?"
			}
			r.failKey(f, UnknownKey, hint, "unknown key %s", schedule.Clip(f.key))
		}
	}
	for _, key := range required {
		if f := n.field(key); f == nil {
			r.failMissing(n, key)
		} else if f.kind == nullNode {
			r.bad++
		}
	}
	return true
}

// limits are the numbers of characters or entries allowed.
type limits struct{ least, most int }

func (r *reader) fits(n *node, length int, l limits, unit string, at func(*node, Code, string, string, ...any)) bool {
	switch {
	case length < l.least:
		at(n, Empty, "", "may not be empty")
	case length > l.most:
		at(n, TooLong, "", "has more than %d %s", l.most, unit)
	default:
		return true
	}
	return false
}

func (r *reader) text(n *node, l limits) (string, bool) {
	if !r.is(n, textNode) || !r.fits(n, utf8.RuneCountInString(n.text), l, "characters", r.fail) {
		return "", false
	}
	return n.text, true
}

// pattern is what a kind of text must look like.
type pattern struct {
	limits
	form *regexp.Regexp
	code Code
	what string
	hint string
}

func (r *reader) matching(n *node, p pattern) (string, bool) {
	s, ok := r.text(n, p.limits)
	if ok && !p.form.MatchString(s) {
		r.fail(n, p.code, p.hint, "%s is not %s", schedule.Clip(s), p.what)
		return "", false
	}
	return s, ok
}

func (r *reader) boolean(n *node, into *bool) {
	if r.is(n, booleanNode) {
		*into = n.isTrue()
	}
}

func (r *reader) integer(n *node, lo, hi int64, into *int) {
	if !r.is(n, integerNode) {
		return
	}
	if n.number.Cmp(big.NewInt(lo)) < 0 || n.number.Cmp(big.NewInt(hi)) > 0 {
		r.fail(n, OutOfRange, "", "must be from %d to %d", lo, hi)
		return
	}
	*into = int(n.number.Int64())
}

func (r *reader) oneOf(n *node, into *string, options ...string) {
	if !r.is(n, textNode) {
		return
	}
	if !slices.Contains(options, n.text) {
		hint := "one of: " + strings.Join(options, ", ")
		if near := nearest(n.text, options); near != "" {
			hint = "did you mean `" + near + "`?"
		}
		r.fail(n, NotAllowed, hint, "`%s` cannot be %s", n.path(), schedule.Clip(n.text))
		return
	}
	*into = n.text
}

func (r *reader) duration(n *node, lo, hi time.Duration, into *time.Duration) {
	if n == nil {
		return
	}
	if n.kind != textNode {
		r.wrongType(n, "a duration such as `10m`")
		return
	}
	d, err := schedule.ParseDuration(n.text)
	switch {
	case err != nil:
		r.failSchedule(n, err)
	case d < lo || d > hi:
		r.fail(n, OutOfRange, "", "%s is not between %s and %s", schedule.Clip(n.text), lo, hi)
	default:
		*into = d
	}
}

// list reads the items of a list. More good ones than allowed is the only error of a list, whatever else it holds.
func (r *reader) list(n *node, l limits, item func(*node)) bool {
	if !r.is(n, listNode) {
		return false
	}
	before, errs, good := r.bad, len(r.found), 0
	for _, i := range n.items {
		bad := r.bad
		item(i)
		if r.bad != bad {
			continue
		}
		if good++; good > l.most {
			for _, e := range r.found[errs:] {
				delete(r.at, e.Path)
			}
			r.found, r.bad = r.found[:errs], before
			return r.fits(n, good, l, "entries", r.fail)
		}
	}
	if len(n.items) < l.least {
		r.fail(n, Empty, "", "may not be empty")
	}
	return r.bad == before
}

// texts reads a list of texts, none of which may stand there twice.
func (r *reader) texts(n *node, l limits, item func(*node) (string, bool)) []string {
	var out []string
	ok := r.list(n, l, func(i *node) {
		if s, ok := item(i); ok {
			out = append(out, s)
		}
	})
	if ok && !r.unique(n, out) {
		return nil
	}
	return out
}

func (r *reader) unique(n *node, items []string) bool {
	seen := map[string]bool{}
	for _, s := range items {
		if seen[s] {
			r.fail(n, DuplicateItem, "", "%s is listed twice", schedule.Clip(s))
			return false
		}
		seen[s] = true
	}
	return true
}

// textMap reads a mapping of any keys of one pattern. reserved tells why a key that fits may not be used.
func (r *reader) textMap(n *node, l limits, keys pattern, reserved func(string) string, value func(*node) (string, bool)) map[string]string {
	out := map[string]string{}
	if !r.is(n, mappingNode) {
		return out
	}
	before := r.bad
	for _, f := range n.fields {
		if f.kind == nullNode {
			continue
		}
		r.mapKey(f, keys, reserved)
		if s, ok := value(f); ok {
			out[f.key] = s
		}
	}
	if r.bad == before {
		r.fits(n, len(out), l, "entries", r.fail)
	}
	return out
}

func (r *reader) mapKey(f *node, keys pattern, reserved func(string) string) {
	switch {
	case !r.fits(f, utf8.RuneCountInString(f.key), keys.limits, "characters", r.failKey):
	case !keys.form.MatchString(f.key):
		r.failKey(f, keys.code, keys.hint, "%s is not %s", schedule.Clip(f.key), keys.what)
	case reserved != nil:
		if why := reserved(f.key); why != "" {
			r.failKey(f, ReservedName, "", "%s: %s", schedule.Clip(f.key), why)
		}
	}
}

// rule is an error about keys that go together or not.
func (r *reader) rule(n *node, atKey bool, code Code, hint, format string, args ...any) {
	line, column := n.line, n.column
	if atKey {
		line, column = n.keyLine, n.keyColumn
	}
	r.rules = append(r.rules, &Error{File: r.tree.file, Line: line, Column: column, Path: n.path(), Code: code,
		Message: fmt.Sprintf(format, args...), Hint: hint})
}

// errors is everything found, in reading order: one error for each place, the most basic one.
func (r *reader) errors() Errors {
	all := append(slices.Clone(r.tree.errs), r.rules...)
	taken := map[string]bool{}
	for _, e := range all {
		if e.Code != DuplicateKey {
			taken[e.Path] = true
		}
	}
	for _, e := range r.found {
		if !taken[e.Path] {
			all = append(all, e)
		}
	}
	return all.sorted()
}
