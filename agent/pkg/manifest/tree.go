package manifest

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"crontopus.dev/agent/pkg/schedule"
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
	b := &builder{tree: &tree{file: file, root: &node{}}}
	text, err := decode(data)
	if err == nil {
		err = b.document(text)
	}
	if err == nil {
		return b.tree, nil
	}
	err.File = file
	if err.Code == YAMLSyntax { // what went before may only be odd because of it
		return nil, Errors{err}
	}
	return nil, append(b.tree.errs, err).sorted()
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

// builder makes nodes of the YAML library's, in the order of the text.
type builder struct {
	tree  *tree
	nodes int
}

func (b *builder) document(text string) *Error {
	root, second, err := load(text)
	if err != nil {
		return err
	}
	if err := b.fill(b.tree.root, root, 1); err != nil {
		return err
	}
	return second()
}

func stop(y *yaml.Node, code Code, message, hint string) *Error {
	return &Error{Line: max(y.Line, 1), Column: max(y.Column, 1), Code: code, Message: message, Hint: hint}
}

var tooDeep = fmt.Sprintf("nested deeper than %d levels", maxDepth)

// fill reads a value into n, whose key and parent are known.
func (b *builder) fill(n *node, y *yaml.Node, depth int) *Error {
	b.nodes++
	if b.nodes > maxNodes {
		return stop(y, TooManyNodes, fmt.Sprintf("more than %d values in one file", maxNodes), "")
	}
	if depth > maxDepth {
		return stop(y, TooDeep, tooDeep, "")
	}
	if err := refuseProperties(y); err != nil {
		return err
	}
	n.line, n.column = y.Line, y.Column
	switch y.Kind {
	case yaml.SequenceNode:
		n.kind = listNode
		return b.list(n, y, depth)
	case yaml.MappingNode:
		n.kind = mappingNode
		return b.mapping(n, y, depth)
	}
	b.scalar(n, y)
	return nil
}

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

func isPlain(y *yaml.Node) bool { return y.Style&quoted == 0 }

func refuseProperties(y *yaml.Node) *Error {
	switch {
	case y.Kind == yaml.AliasNode:
		return stop(y, AliasNotAllowed, "alias "+schedule.Clip("*"+y.Value), "write the value out")
	case y.Anchor != "":
		return stop(y, AliasNotAllowed, "anchor "+schedule.Clip("&"+y.Anchor)+": anchors are not used",
			"write values out, or quote the text if it starts with `&`")
	case y.Style&yaml.TaggedStyle != 0 || y.Tag == "!" && isPlain(y):
		return stop(y, TagNotAllowed, "tag "+schedule.Clip(y.Tag)+": tags are not used",
			"quote a value to make it text, or if it starts with `!`")
	}
	return nil
}

func (b *builder) list(n *node, y *yaml.Node, depth int) *Error {
	for i, content := range y.Content {
		item := &node{parent: n, index: i}
		n.items = append(n.items, item)
		if err := refuseQuestionMark(y, content); err != nil {
			return err
		}
		if err := b.fill(item, content, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// refuseQuestionMark: between brackets it starts a key for some YAML libraries, whatever comes next.
func refuseQuestionMark(parent, y *yaml.Node) *Error {
	if parent.Style&yaml.FlowStyle != 0 && y.Kind == yaml.ScalarNode && isPlain(y) && strings.HasPrefix(y.Value, "?") {
		return stop(y, YAMLSyntax, "`?` at the start of a value", "quote the value")
	}
	return nil
}

func (b *builder) mapping(n *node, y *yaml.Node, depth int) *Error {
	seen := map[string]int{} // the line of each key
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, content := y.Content[i], y.Content[i+1]
		value := &node{parent: n, key: key.Value, keyLine: key.Line, keyColumn: key.Column}
		if err := cmp.Or(refuseQuestionMark(y, key), refuseQuestionMark(y, content)); err != nil {
			return err
		}
		if err := b.key(value, key); err != nil {
			return err
		}
		if first, dup := seen[key.Value]; dup {
			// The second value is read for its own errors' sake, but not kept.
			b.note(value, key.Line, key.Column, DuplicateKey, "", "duplicate key %s, first on line %d", schedule.Clip(key.Value), first)
		} else {
			seen[key.Value] = key.Line
			n.fields = append(n.fields, value)
		}
		if err := b.fill(value, content, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) key(value *node, y *yaml.Node) *Error {
	if err := refuseProperties(y); err != nil {
		return err
	}
	if y.Kind != yaml.ScalarNode {
		return stop(y, BadKey, "a key must be text, not a list or a mapping", "")
	}
	b.nodes++
	switch {
	case strings.ContainsRune(y.Value, 0):
		return stop(y, BadCharacter, noNUL, "")
	case isPlain(y) && y.Value == "<<":
		return stop(y, BadKey, "merge keys (`<<`) are not used", "write the keys out")
	case isPlain(y) && resolve(y.Value) != textNode:
		b.note(value, y.Line, y.Column, BadKey, "quote it", "the key %s is not text", schedule.Clip(y.Value))
	}
	return nil
}

const noNUL = "the NUL character cannot be stored or passed to a program"

func (b *builder) note(n *node, line, column int, code Code, hint, format string, args ...any) {
	b.tree.errs = append(b.tree.errs, &Error{File: b.tree.file, Line: line, Column: column, Path: n.path(),
		Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (b *builder) scalar(n *node, y *yaml.Node) {
	n.text, n.kind = y.Value, textNode
	if !isPlain(y) {
		if strings.ContainsRune(y.Value, 0) {
			b.note(n, n.line, n.column, BadCharacter, "", noNUL)
		}
		return
	}
	switch n.kind = resolve(y.Value); n.kind {
	case integerNode:
		number, ok := parseInt(y.Value)
		n.number = number
		if !ok {
			b.note(n, n.line, n.column, OutOfRange, "", "the number %s is too large", schedule.Clip(y.Value))
		}
	case nullNode:
		if n.parent != nil {
			b.note(n, n.line, n.column, NullValue, "remove it, or give it a value", "%s is empty", schedule.Clip(n.path()))
		}
	}
}
