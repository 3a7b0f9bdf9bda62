// Package yamlevent turns YAML text into a stream of events, exactly as libyaml 0.2.5 does: the same texts are
// refused, at the same places, and the same values come out.
//
// The platform reads manifests through libyaml, and a manifest must mean the same to the agent. go.yaml.in/yaml
// has no event interface, and its scanner has moved away from libyaml's: it accepts tabs as separation and `:` as
// a whole document, refuses a comment right after a quote, and ends some block scalars differently. So the two
// stages of libyaml that matter are transcribed here (MIT licence, Kirill Simonov and contributors).
package yamlevent

import "fmt"

// Kind is what an event says.
type Kind uint8

// The kinds of events. A stream is documents and StreamEnd; a document is DocumentStart, one node, DocumentEnd.
const (
	StreamEnd Kind = iota
	DocumentStart
	DocumentEnd
	Alias
	Scalar
	SequenceStart
	SequenceEnd
	MappingStart
	MappingEnd
)

// Event is one step of the stream, at the place where it starts, counted from 1; columns count characters.
type Event struct {
	Kind         Kind
	Line, Column int
	Anchor       string // also the name of an Alias
	Tag          string // resolved; "!" by itself stays
	Value        string // of a Scalar
	Plain        bool   // a Scalar without quotes and not a block
	Minor        int    // DocumentStart: N of `%YAML 1.N`, 0 where there is no such directive
	TagDirective bool   // DocumentStart: there are `%TAG` directives
}

// SyntaxError is a text that is not YAML.
type SyntaxError struct {
	Line, Column int // counted from 1
	Context      string
	Problem      string
}

func (e *SyntaxError) Error() string {
	if e.Context == "" {
		return e.Problem
	}
	return fmt.Sprintf("%s, %s", e.Context, e.Problem)
}

// mark is a place in the text, counted from 0.
type mark struct{ index, line, column int }

func (m mark) fail(context, problem string) error {
	return &SyntaxError{Line: m.line + 1, Column: m.column + 1, Context: context, Problem: problem}
}

func (m mark) event(kind Kind) Event {
	return Event{Kind: kind, Line: m.line + 1, Column: m.column + 1}
}
