package manifest

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

type nodeKind uint8

const (
	nullNode nodeKind = iota
	textNode
	integerNode
	floatNode
	booleanNode
	listNode
	mappingNode
)

var kindNames = map[nodeKind]string{nullNode: "empty", textNode: "text", integerNode: "a whole number",
	floatNode: "a number", booleanNode: "`true` or `false`", listNode: "a list", mappingNode: "a mapping of keys"}

// node is a value of a document with its place, and its key's where it has one.
type node struct {
	kind         nodeKind
	line, column int
	keyLine      int // 0: not the value of a key
	keyColumn    int
	parent       *node
	key          string
	index        int    // in a list
	text         string // as written; of texts, what was meant
	number       *big.Int
	items        []*node // of a list; nulls stay, as invalid ones
	fields       []*node // of a mapping, in order, less duplicates; nulls stay, but get does not find them
}

// get is the value of a key; nil where there is none or it is null.
func (n *node) get(key string) *node {
	if f := n.field(key); f != nil && f.kind != nullNode {
		return f
	}
	return nil
}

func (n *node) field(key string) *node {
	i := slices.IndexFunc(n.fields, func(f *node) bool { return f.key == key })
	if i < 0 {
		return nil
	}
	return n.fields[i]
}

func (n *node) isText(value string) bool { return n != nil && n.kind == textNode && n.text == value }
func (n *node) isTrue() bool {
	return n != nil && n.kind == booleanNode && strings.EqualFold(n.text, "true")
}

// path is the dotted place, made when it is needed: together, all of them could be far larger than the file.
func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	if n.parent.kind == listNode {
		return n.parent.path() + "[" + strconv.Itoa(n.index) + "]"
	}
	return n.parent.pathOf(n.key)
}

// Longer keys are valid nowhere, and one could stand in the path of every error of a file.
const (
	longestStep = 128
	clippedStep = 80
)

// pathOf is the dotted place of a key, be it there or not.
func (n *node) pathOf(key string) string {
	base := n.path()
	switch {
	case len(key) > longestStep || !plainWord(key):
		return base + `["` + firstRunes(key, clippedStep) + `"]`
	case base == "":
		return key
	}
	return base + "." + key
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func plainWord(key string) bool {
	some := false
	for _, c := range key {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			some = true
		case c != '-' && c != '_':
			return false
		}
	}
	return some
}

// empty tells whether a mapping has no key with a value.
func (n *node) empty() bool {
	return !slices.ContainsFunc(n.fields, func(f *node) bool { return f.kind != nullNode })
}
