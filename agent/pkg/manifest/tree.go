package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"crontopus.dev/agent/pkg/schedule"
	"crontopus.dev/agent/pkg/yamlevent"
)

// Bounds of one file.
const (
	MaxBytes = 256 << 10
	maxDepth = 16
	maxNodes = 4_000 // the fullest manifest the schema allows has about 1,500
)

// tree is a document and the errors met that did not stop the reading.
type tree struct {
	file string
	root *node
	errs Errors
}

// readTree reads one YAML document. Errors are returned where there is nothing worth judging further.
func readTree(file string, data []byte) (*tree, Errors) {
	text, err := decode(data)
	if err != nil {
		err.File = file
		return nil, Errors{err}
	}
	b := &builder{tree: &tree{file: file}, events: yamlevent.New(text)}
	if err := b.document(); err != nil {
		stopped := b.stopped(err)
		if stopped.Code == YAMLSyntax { // what went before may only be odd because of it
			return nil, Errors{stopped}
		}
		return nil, append(b.tree.errs, stopped).sorted()
	}
	return b.tree, nil
}

func decode(data []byte) (string, *Error) {
	if len(data) > MaxBytes {
		return "", &Error{Line: 1, Column: 1, Code: TooLarge, Message: fmt.Sprintf("the file has %d bytes; the limit is %d", len(data), MaxBytes)}
	}
	refuse := func(end int, code Code, hint, format string, args ...any) (string, *Error) {
		line, column := place(data[:end])
		return "", &Error{Line: line, Column: column, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			return refuse(i, NotUTF8, "save it as UTF-8", "the file is not UTF-8 text")
		}
		i += size
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for i, c := range string(data) {
		if !mayStandInYAML(c) {
			return refuse(i, BadCharacter, "remove or escape it", "the character U+%04X may not stand in YAML", c)
		}
	}
	return string(data), nil
}

func mayStandInYAML(c rune) bool {
	switch {
	case c == '\ufeff':
		return false
	case c == '\t', c == '\n', c == '\r', c >= ' ' && c <= '~', c == '\u0085':
		return true
	}
	return c >= 0xa0 && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd || c >= 0x10000
}

// place is the line and column after what stands before.
func place(before []byte) (line, column int) {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(before))
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return strings.Count(text, "\n") + 1, utf8.RuneCountInString(last) + 1
}

// builder makes nodes of events.
type builder struct {
	tree   *tree
	events *yamlevent.Parser
	nodes  int
}

func (b *builder) stopped(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		known.File = b.tree.file
		return known
	}
	out := &Error{File: b.tree.file, Line: 1, Column: 1, Code: YAMLSyntax, Message: "YAML: " + err.Error()}
	var syntax *yamlevent.SyntaxError
	if errors.As(err, &syntax) {
		out.Line, out.Column = syntax.Line, syntax.Column
		if strings.Contains(syntax.Problem, "mapping values are not allowed") {
			out.Hint = "quote the value if it contains `: `, or check the indentation"
		}
	}
	return out
}

func stop(e yamlevent.Event, code Code, message, hint string) error {
	return &Error{Line: e.Line, Column: e.Column, Code: code, Message: message, Hint: hint}
}

func (b *builder) document() error {
	start, err := b.events.Next()
	if err != nil {
		return err
	}
	if start.Kind == yamlevent.StreamEnd {
		return stop(start, EmptyFile, "the file is empty", "a manifest starts with `apiVersion:`")
	}
	if start.TagDirective || start.Minor == 1 {
		return stop(start, DirectiveNotAllowed, "YAML directives are not used", "remove `%…`")
	}
	first, err := b.events.Next()
	if err != nil {
		return err
	}
	b.tree.root = &node{}
	if err := b.fill(b.tree.root, first, 1); err != nil {
		return err
	}
	if _, err = b.events.Next(); err != nil { // the document's end
		return err
	}
	end, err := b.events.Next()
	if err == nil && end.Kind != yamlevent.StreamEnd {
		return stop(end, MultipleDocuments, "a second YAML document starts here", "one manifest each file: move the others into files of their own")
	}
	return err
}

// fill reads the value that starts with an event into n, whose key and parent are known.
func (b *builder) fill(n *node, e yamlevent.Event, depth int) error {
	b.nodes++
	if b.nodes > maxNodes {
		return stop(e, TooManyNodes, fmt.Sprintf("more than %d values in one file", maxNodes), "")
	}
	if depth > maxDepth {
		return stop(e, TooDeep, fmt.Sprintf("nested deeper than %d levels", maxDepth), "")
	}
	if err := refuseProperties(e); err != nil {
		return err
	}
	n.line, n.column = e.Line, e.Column
	switch e.Kind {
	case yamlevent.SequenceStart:
		n.kind = listNode
		return b.list(n, depth)
	case yamlevent.MappingStart:
		n.kind = mappingNode
		return b.mapping(n, depth)
	}
	b.scalar(n, e)
	return nil
}

func refuseProperties(e yamlevent.Event) error {
	switch {
	case e.Kind == yamlevent.Alias:
		return stop(e, AliasNotAllowed, "alias "+schedule.Clip("*"+e.Anchor), "write the value out")
	case e.Anchor != "":
		return stop(e, AliasNotAllowed, "anchor "+schedule.Clip("&"+e.Anchor)+": anchors are not used",
			"write values out, or quote the text if it starts with `&`")
	case e.Tag != "" && (e.Tag != "!" || e.Kind != yamlevent.Scalar || e.Plain):
		return stop(e, TagNotAllowed, "tag "+schedule.Clip(e.Tag)+": tags are not used",
			"quote a value to make it text, or if it starts with `!`")
	}
	return nil
}

func (b *builder) list(n *node, depth int) error {
	for {
		e, err := b.events.Next()
		if err != nil || e.Kind == yamlevent.SequenceEnd {
			return err
		}
		item := &node{parent: n, index: len(n.items)}
		n.items = append(n.items, item)
		if err := b.fill(item, e, depth+1); err != nil {
			return err
		}
	}
}

func (b *builder) mapping(n *node, depth int) error {
	seen := map[string]int{} // the line of each key
	for {
		e, err := b.events.Next()
		if err != nil || e.Kind == yamlevent.MappingEnd {
			return err
		}
		value := &node{parent: n, key: e.Value, keyLine: e.Line, keyColumn: e.Column}
		if err := b.key(value, e); err != nil {
			return err
		}
		if first, dup := seen[e.Value]; dup {
			// The second value is read for its own errors' sake, but not kept.
			b.note(value, e.Line, e.Column, DuplicateKey, "", "duplicate key %s, first on line %d", schedule.Clip(e.Value), first)
		} else {
			seen[e.Value] = e.Line
			n.fields = append(n.fields, value)
		}
		if e, err = b.events.Next(); err != nil {
			return err
		}
		if err := b.fill(value, e, depth+1); err != nil {
			return err
		}
	}
}

func (b *builder) key(value *node, e yamlevent.Event) error {
	if err := refuseProperties(e); err != nil {
		return err
	}
	if e.Kind != yamlevent.Scalar {
		return stop(e, BadKey, "a key must be text, not a list or a mapping", "")
	}
	b.nodes++
	switch {
	case strings.ContainsRune(e.Value, 0):
		return stop(e, BadCharacter, noNUL, "")
	case e.Plain && e.Value == "<<":
		return stop(e, BadKey, "merge keys (`<<`) are not used", "write the keys out")
	case e.Plain && resolve(e.Value) != textNode:
		b.note(value, e.Line, e.Column, BadKey, "quote it", "the key %s is not text", schedule.Clip(e.Value))
	}
	return nil
}

const noNUL = "the NUL character cannot be stored or passed to a program"

func (b *builder) note(n *node, line, column int, code Code, hint, format string, args ...any) {
	b.tree.errs = append(b.tree.errs, &Error{File: b.tree.file, Line: line, Column: column, Path: n.path(),
		Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (b *builder) scalar(n *node, e yamlevent.Event) {
	n.text, n.kind = e.Value, textNode
	if !e.Plain {
		if strings.ContainsRune(e.Value, 0) {
			b.note(n, n.line, n.column, BadCharacter, "", noNUL)
		}
		return
	}
	switch n.kind = resolve(e.Value); n.kind {
	case integerNode:
		number, ok := parseInt(e.Value)
		n.number = number
		if !ok {
			b.note(n, n.line, n.column, OutOfRange, "", "the number %s is too large", schedule.Clip(e.Value))
		}
	case nullNode:
		if n.parent != nil {
			b.note(n, n.line, n.column, NullValue, "remove it, or give it a value", "%s is empty", schedule.Clip(n.path()))
		}
	}
}
