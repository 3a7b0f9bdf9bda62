package manifest

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Error is one thing wrong with a manifest, with its place.
type Error struct {
	File    string
	Line    int
	Column  int
	Path    string // spec.schedule
	Message string
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Errors is everything wrong with one file.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// yamlError gives a YAML library's error our shape.
func yamlError(file string, err error) Errors {
	var one *yaml.LoadError
	if errors.As(err, &one) && one.Mark.Line > 0 {
		msg := one.Message
		if one.ContextMsg != "" {
			msg += " " + one.ContextMsg
		}
		return Errors{{File: file, Line: one.Mark.Line, Column: max(one.Mark.Column, 1), Message: msg}}
	}
	msg := err.Error()
	switch {
	case strings.Contains(msg, "no documents"):
		msg = "the file is empty"
	case strings.Contains(msg, "found multiple"):
		msg = "one file holds one job; `---` starts a second one"
	}
	return Errors{{File: file, Line: 1, Column: 1, Message: msg}}
}
