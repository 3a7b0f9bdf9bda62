package manifest

import (
	"regexp"

	"go.yaml.in/yaml/v4"
)

const (
	tagStr   = "!!str"
	tagInt   = "!!int"
	tagFloat = "!!float"
	tagBool  = "!!bool"
	tagNull  = "!!null"
)

var tagNames = map[string]string{tagStr: "text", tagInt: "a whole number", tagFloat: "a number",
	tagBool: "true or false", tagNull: "empty"}

var (
	coreNull  = regexp.MustCompile(`^(null|Null|NULL|~|)$`)
	coreBool  = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	coreInt   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// coreTag resolves a scalar by the YAML 1.2 core schema. The library resolves more (dates, 1_000), which
// would make a manifest mean one thing to the agent and another to the server.
func coreTag(n *yaml.Node) string {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&quoted != 0 {
		return tagStr
	}
	switch v := n.Value; {
	case coreNull.MatchString(v):
		return tagNull
	case coreBool.MatchString(v):
		return tagBool
	case coreInt.MatchString(v):
		return tagInt
	case coreFloat.MatchString(v):
		return tagFloat
	}
	return tagStr
}
