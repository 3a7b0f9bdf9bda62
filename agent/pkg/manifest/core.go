package manifest

import (
	"math/big"
	"strings"
)

const (
	maybeNotText = "-+.0123456789~nNtTfF"
	longestInt   = 20 // characters; nobody means a longer one

	decimal     = "0123456789"
	octal       = "01234567"
	hexadecimal = "0123456789abcdefABCDEF"
)

// resolve tells what a scalar without quotes is by the YAML 1.2 core schema, section 10.3.2. It looks at each
// character once: a regular expression takes half a second for a number that fills the file.
func resolve(text string) nodeKind {
	if text != "" && !strings.Contains(maybeNotText, text[:1]) {
		return textNode
	}
	switch text {
	case "", "~", "null", "Null", "NULL":
		return nullNode
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return booleanNode
	case ".nan", ".NaN", ".NAN":
		return floatNode
	}
	unsigned := strings.TrimPrefix(text, "-")
	if unsigned == text {
		unsigned = strings.TrimPrefix(text, "+")
	}
	octalDigits, isOctal := strings.CutPrefix(text, "0o")
	hexDigits, isHex := strings.CutPrefix(text, "0x")
	switch {
	case all(unsigned, decimal), isOctal && all(octalDigits, octal), isHex && all(hexDigits, hexadecimal):
		return integerNode
	case unsigned == ".inf", unsigned == ".Inf", unsigned == ".INF", isFloat(unsigned):
		return floatNode
	}
	return textNode
}

// all tells whether text is one or more of the characters.
func all(text, chars string) bool { return text != "" && strings.Trim(text, chars) == "" }

// isFloat reads `1.5e3`: digits on one side of the point at least, those before it when there is none.
func isFloat(unsigned string) bool {
	rest := strings.TrimLeft(unsigned, decimal)
	whole := len(rest) < len(unsigned)
	if fraction, pointed := strings.CutPrefix(rest, "."); pointed {
		rest = strings.TrimLeft(fraction, decimal)
		whole = whole || len(rest) < len(fraction)
	}
	if !whole || rest == "" {
		return whole
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	exponent := rest[1:]
	if exponent != "" && strings.Contains("+-", exponent[:1]) {
		exponent = exponent[1:]
	}
	return all(exponent, decimal)
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
