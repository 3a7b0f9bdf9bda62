package yamlevent

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// write shows events as the test suite of YAML does: +MAP, =VAL :text.
func write(text string) (string, error) {
	p := New(text)
	var out []string
	for {
		e, err := p.Next()
		if err != nil {
			return strings.Join(out, " "), err
		}
		if e.Kind == StreamEnd {
			return strings.Join(out, " "), nil
		}
		mark := map[Kind]string{DocumentStart: "+DOC", DocumentEnd: "-DOC", Alias: "=ALI", Scalar: "=VAL", SequenceStart: "+SEQ",
			SequenceEnd: "-SEQ", MappingStart: "+MAP", MappingEnd: "-MAP"}[e.Kind]
		if e.Anchor != "" {
			mark += " &" + e.Anchor
		}
		if e.Tag != "" {
			mark += " <" + e.Tag + ">"
		}
		if e.Kind == Scalar {
			mark += fmt.Sprintf(" %q", e.Value)
		}
		out = append(out, mark)
	}
}

func TestEvents(t *testing.T) {
	for text, want := range map[string]string{
		"":                           ``,
		"# nothing\n":                ``,
		"a: b\nc:\n- d\n-\n":         `+DOC +MAP =VAL "a" =VAL "b" =VAL "c" +SEQ =VAL "d" =VAL "" -SEQ -MAP -DOC`,
		"[a: b, {c: d, e}, ]":        `+DOC +SEQ +MAP =VAL "a" =VAL "b" -MAP +MAP =VAL "c" =VAL "d" =VAL "e" =VAL "" -MAP -SEQ -DOC`,
		"? a\n: b\n? c\n":            `+DOC +MAP =VAL "a" =VAL "b" =VAL "c" =VAL "" -MAP -DOC`,
		"--- a\n...\n---\nb\n":       `+DOC =VAL "a" -DOC +DOC =VAL "b" -DOC`,
		"&a !!str x":                 `+DOC =VAL &a <tag:yaml.org,2002:str> "x" -DOC`,
		"%TAG !e! t:\n---\n!e!%41 x": `+DOC =VAL <t:A> "x" -DOC`,
		"[*a, ! 'x', !<y> z]":        `+DOC +SEQ =ALI &a =VAL <!> "x" =VAL <y> "z" -SEQ -DOC`,
		"a\n b\n\n c":                `+DOC =VAL "a b\nc" -DOC`,
		"'it''s\n  x'":               `+DOC =VAL "it's x" -DOC`,
		`"\x41\u00e9\N\` + "\n  b\"": `+DOC =VAL "Aé\u0085b" -DOC`,
		"|\n a\n\n  b\n":             `+DOC =VAL "a\n\n b\n" -DOC`,
		"|-\n a\n":                   `+DOC =VAL "a" -DOC`,
		">+2\n   a\n  b\n\n":         `+DOC =VAL " a\nb\n\n" -DOC`,
		"|\n a\n\n  ":                `+DOC =VAL "a\n\n " -DOC`, // go.yaml.in/yaml/v4 makes "a\n\n \n" of it
		"a: b:c, d\n":                `+DOC +MAP =VAL "a" =VAL "b:c, d" -MAP -DOC`,
		"a:\r\n  b\rc: d":            `+DOC +MAP =VAL "a" =VAL "b" =VAL "c" =VAL "d" -MAP -DOC`,
		"'a'# no blank before":       `+DOC =VAL "a" -DOC`,
	} {
		if got, err := write(text); err != nil || got != want {
			t.Errorf("%q: %v\ngot  %s\nwant %s", text, err, got, want)
		}
	}
}

func TestSyntaxErrorsHaveTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"a: b: c":          "1:5 mapping values are not allowed in this context",
		"a:\n\tb: c":       "2:1 found character that cannot start any token",
		"[a":               "2:1 did not find expected ',' or ']'",
		"a: @b":            "1:4 found character that cannot start any token",
		"\"a":              "1:3 found unexpected end of stream",
		`"\q"`:             "1:2 found unknown escape character",
		`"\ud800"`:         "1:4 found invalid Unicode character escape code",
		"a: *":             "1:5 did not find expected alphabetic or numeric character",
		"|0\n":             "1:2 found an indentation indicator equal to 0",
		"|\n\ta":           "2:1 found a tab character where an indentation space is expected",
		"a\nb: c":          "2:2 mapping values are not allowed in this context",
		"a: b\n c: d":      "2:3 mapping values are not allowed in this context",
		"%YAML 2.0\n---\n": "1:1 found incompatible YAML document",
		"%X\n":             "1:3 found unknown directive name",
		"!x!y z":           "1:1 found undefined tag handle",
		"!%C0%80 z":        "1:1 a tag is not UTF-8",
		"a: 'b'\n---x":     "3:1 could not find expected ':'",
		"- a\nb":           "3:1 could not find expected ':'",
		"é: [\n]]":         "2:2 did not find expected key",
		":":                "1:1 did not find expected key",
	} {
		_, err := write(text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: %v", text, err)
		} else if got := fmt.Sprintf("%d:%d %s", syntax.Line, syntax.Column, syntax.Problem); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// FuzzParser: any text ends in StreamEnd or an error with a place in it, and collections are closed in order.
func FuzzParser(f *testing.F) {
	for _, s := range []string{"a: [b, {c: 'd'}]\n", "|2+\n  a\n", "%TAG !a! b\n--- !a!c &d e\n...\n", "? - a\n: \"\\x41\\\n b\"\n", "\t[:", "- - -\n ? :"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2_000 {
			return // depth is the caller's to bound, and deep brackets take quadratic time
		}
		text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
		p := New(text)
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") +
			strings.Count(text, "\u2029") + 2
		var open []Kind
		for range 4*len(text) + 10 {
			e, err := p.Next()
			var syntax *SyntaxError
			if errors.As(err, &syntax) {
				if syntax.Line < 1 || syntax.Line > lines || syntax.Column < 1 {
					t.Fatalf("no place: %+v", syntax)
				}
				return
			}
			switch e.Kind {
			case StreamEnd:
				if len(open) > 0 {
					t.Fatalf("%v are open", open)
				}
				return
			case DocumentStart, SequenceStart, MappingStart:
				open = append(open, e.Kind)
			case DocumentEnd, SequenceEnd, MappingEnd:
				pairs := map[Kind]Kind{DocumentEnd: DocumentStart, SequenceEnd: SequenceStart, MappingEnd: MappingStart}
				if last := len(open) - 1; last < 0 || open[last] != pairs[e.Kind] {
					t.Fatalf("%v closes %v", e.Kind, open)
				}
				open = slices.Delete(open, len(open)-1, len(open))
			}
		}
		t.Fatal("there is no end")
	})
}
