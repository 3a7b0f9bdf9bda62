package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Code says what is wrong in a stable, machine-readable way; contract/README.md lists them all.
type Code string

// What can be wrong with the text, the shape and the meaning of a manifest. Those of schedules, zones and
// durations are package schedule's.
const (
	TooLarge            Code = "too_large"
	NotUTF8             Code = "not_utf8"
	BadCharacter        Code = "bad_character"
	YAMLSyntax          Code = "yaml_syntax"
	EmptyFile           Code = "empty_file"
	MultipleDocuments   Code = "multiple_documents"
	DirectiveNotAllowed Code = "directive_not_allowed"
	AliasNotAllowed     Code = "alias_not_allowed"
	TagNotAllowed       Code = "tag_not_allowed"
	BadKey              Code = "bad_key"
	DuplicateKey        Code = "duplicate_key"
	NullValue           Code = "null_value"
	TooDeep             Code = "too_deep"
	TooManyNodes        Code = "too_many_nodes"

	WrongType         Code = "wrong_type"
	Required          Code = "required"
	UnknownKey        Code = "unknown_key"
	NotAllowed        Code = "not_allowed"
	Empty             Code = "empty"
	TooLong           Code = "too_long"
	OutOfRange        Code = "out_of_range"
	DuplicateItem     Code = "duplicate_item"
	UnknownAPIVersion Code = "unknown_api_version"
	UnknownKind       Code = "unknown_kind"
	WrongKind         Code = "wrong_kind"

	BadName            Code = "bad_name"
	ReservedName       Code = "reserved_name"
	BadID              Code = "bad_id"
	BadLabel           Code = "bad_label"
	BadEnvKey          Code = "bad_env_key"
	BadUser            Code = "bad_user"
	BadPath            Code = "bad_path"
	BadCommand         Code = "bad_command"
	CommandHasSpaces   Code = "command_has_spaces"
	BadSelector        Code = "bad_selector"
	BadSize            Code = "bad_size"
	BadRegex           Code = "bad_regex"
	BadInstant         Code = "bad_instant"
	BadTime            Code = "bad_time"
	NeedsCommand       Code = "needs_command"
	Conflict           Code = "conflict"
	JitterExceedsGrace Code = "jitter_exceeds_grace"
	NameMismatch       Code = "name_mismatch"
	NamespaceMismatch  Code = "namespace_mismatch"
	MisplacedFile      Code = "misplaced_file"
)

// Error is one thing wrong with one file.
type Error struct {
	File    string
	Line    int    // counted from 1; 0 where the file itself is meant
	Column  int    // counted from 1, in characters
	Path    string // the dotted place in the document: spec.args[0]; empty for the file itself
	Code    Code
	Message string
	Hint    string // what to do about it; may be empty
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if e.Line == 0 && e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	b.WriteString(": " + e.Message)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Errors is everything wrong with one file, in reading order.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As and errors.Is every one of them.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

func (es Errors) sorted() Errors {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return es
}
