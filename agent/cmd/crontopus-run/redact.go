package main

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
)

var redacted = []byte("[redacted]")

// redactor hides what its patterns match.
type redactor []*regexp.Regexp

// newRedactor stops at the first pattern that cannot be used.
func newRedactor(patterns []string) (redactor, error) {
	var r redactor
	for _, pattern := range patterns {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return r, fmt.Errorf("redact: %w", err)
		}
		r = append(r, re)
	}
	return r, nil
}

// span is a half-open range of bytes.
type span struct{ from, to int }

// hide gives text[from:to] with what the patterns match in all of text replaced: a match that lies across from or
// to is hidden as a whole.
func (r redactor) hide(text []byte, from, to int) []byte {
	out := make([]byte, 0, to-from)
	at := from
	for _, s := range r.spans(text) {
		if s.to <= at {
			continue
		}
		if s.from >= to {
			break
		}
		out = append(out, text[at:max(at, s.from)]...)
		out = append(out, redacted...)
		at = min(s.to, to)
	}
	return append(out, text[at:to]...)
}

// spans are the matches of all patterns, sorted, those that touch made one.
func (r redactor) spans(text []byte) []span {
	var all []span
	for _, re := range r {
		all = append(all, matches(re, text)...)
	}
	// UTF-16, as some programs on Windows write it, is mostly text with a NUL between any two letters.
	if plain, where := withoutNULs(text); len(r) > 0 && where != nil {
		for _, re := range r {
			for _, s := range matches(re, plain) {
				all = append(all, span{where[s.from], where[s.to-1] + 1})
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var merged []span
	for _, s := range all {
		if n := len(merged); n > 0 && s.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

func matches(re *regexp.Regexp, text []byte) []span {
	var found []span
	for _, m := range re.FindAllIndex(text, -1) {
		if m[1] > m[0] {
			found = append(found, span{m[0], m[1]})
		}
	}
	return found
}

// withoutNULs gives the text and where each of its bytes was; nil where there are none to leave out.
func withoutNULs(text []byte) ([]byte, []int) {
	if bytes.IndexByte(text, 0) < 0 {
		return nil, nil
	}
	var plain []byte
	where := []int{}
	for i, b := range text {
		if b != 0 {
			plain, where = append(plain, b), append(where, i)
		}
	}
	return plain, where
}
