package manifest

import (
	"math/big"
	"regexp"
	"strings"
)

var (
	coreNull  = regexp.MustCompile(`^(null|Null|NULL|~|)$`)
	coreBool  = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	coreInt   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

const (
	maybeNotText = "-+.0123456789~nNtTfF"
	longestInt   = 20 // characters; nobody means a longer one
)

// resolve tells what a scalar without quotes is by the YAML 1.2 core schema, section 10.3.2.
func resolve(text string) nodeKind {
	switch {
	case text != "" && !strings.ContainsRune(maybeNotText, rune(text[0])):
		return textNode
	case coreNull.MatchString(text):
		return nullNode
	case coreBool.MatchString(text):
		return booleanNode
	case coreInt.MatchString(text):
		return integerNode
	case coreFloat.MatchString(text):
		return floatNode
	}
	return textNode
}

// parseInt reads what resolve calls an integer; false where it is too long.
func parseInt(text string) (*big.Int, bool) {
	if len(text) > longestInt {
		return new(big.Int), false
	}
	base, digits := 10, text
	switch {
	case strings.HasPrefix(text, "0o"):
		base, digits = 8, text[2:]
	case strings.HasPrefix(text, "0x"):
		base, digits = 16, text[2:]
	}
	return new(big.Int).SetString(digits, base)
}
