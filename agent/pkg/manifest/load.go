package manifest

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// load is the text as the YAML library's nodes, less what contract/README.md does not allow around them: nothing,
// directives, a second document. Anchors, aliases and tags are left in place, but never followed. The returned
// function looks for a second document; it is called when nothing is wrong with the first.
func load(text string) (root *yaml.Node, second func() *Error, stopped *Error) {
	text, ours := version12(text)
	guard := &depthGuard{}
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithStreamNodes(), yaml.WithPlugin(guard, aliases{}))
	if err != nil {
		return nil, nil, guard.explain(err)
	}
	var stream, document yaml.Node
	if err := loader.Load(&stream); err != nil {
		return nil, nil, guard.explain(err)
	}
	if s := stream.Stream; len(s.TagDirectives) > 0 || s.Version != nil && !ours {
		return nil, nil, stop(&stream, DirectiveNotAllowed, "YAML directives are not used", "remove `%…`")
	}
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		return nil, nil, stop(&stream, EmptyFile, "the file is empty", "a manifest starts with `apiVersion:`")
	} else if err != nil {
		return nil, nil, guard.explain(err)
	}
	if err := blanksAtTheEnd(&document, text); err != nil {
		return nil, nil, err
	}
	return document.Content[0], func() *Error { return end(loader, guard) }, nil
}

var blankEnd = regexp.MustCompile("[\n\r\u0085\u2028\u2029][ \t]+$")

// blanksAtTheEnd refuses what YAML libraries read differently: are they a part of the text, and does a line end
// after them?
func blanksAtTheEnd(last *yaml.Node, text string) *Error {
	for len(last.Content) > 0 {
		last = last.Content[len(last.Content)-1]
	}
	if last.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && blankEnd.MatchString(text) {
		return stop(last, YAMLSyntax, "the file ends in blanks that may belong to this text",
			"remove them, or end the file with a line break")
	}
	return nil
}

// The library refuses `%YAML 1.2`, the one directive that says what holds anyway.
var directive12 = regexp.MustCompile(`^(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*%YAML[ \t]+1\.2(?:[ \t\r\n]|$)`)

// version12 makes it one that the library reads, as long as before, and tells that it did.
func version12(text string) (string, bool) {
	found := directive12.FindString(text)
	if found == "" {
		return text, false
	}
	last := strings.LastIndexByte(found, '2')
	return text[:last] + "1" + text[last+1:], true
}

func end(loader *yaml.Loader, guard *depthGuard) *Error {
	var stream, document yaml.Node
	if err := loader.Load(&stream); err != nil {
		return guard.explain(err)
	}
	// Its own errors are of no interest: one document too many is the first.
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		return nil
	}
	return stop(&stream, MultipleDocuments, "a second YAML document starts here",
		"one manifest each file: move the others into files of their own")
}

// depthGuard ends the reading where lists or mappings are nested too deep, before the library has recursed
// into them. It sees flow and block collections apart; the builder counts them together.
type depthGuard struct{ hit bool }

func (g *depthGuard) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > maxDepth {
		g.hit = true
		return errTooDeep
	}
	return nil
}

func (g *depthGuard) CheckAlias(int, int) error { return nil } // nothing is ever built of an alias

var errTooDeep = errors.New("nested too deep")

func (g *depthGuard) explain(err error) *Error {
	out := &Error{Line: 1, Column: 1, Code: YAMLSyntax, Message: "YAML: " + err.Error()}
	var at *yaml.LoadError
	if errors.As(err, &at) {
		mark := at.Mark
		if mark.Line == 0 {
			mark = at.ContextMark
		}
		out.Line, out.Column, out.Message = max(mark.Line, 1), max(mark.Column, 1), "YAML: "+at.Message
	}
	switch {
	case g.hit:
		out.Code, out.Message = TooDeep, tooDeep
	case strings.Contains(out.Message, "mapping values are not allowed"):
		out.Hint = "quote the value if it contains `: `, or check the indentation"
	}
	return out
}

// aliases lets every alias stand as it is, whether its anchor is known or not, so that the builder meets it in its turn.
type aliases struct{}

func (aliases) NewAliasDataContext(yaml.AliasDataServices) (yaml.AliasDataContext, error) {
	return aliases{}, nil
}
func (aliases) BeginDocument() error                  { return nil }
func (aliases) DefineAnchor(string, *yaml.Node) error { return nil }
func (aliases) EndDocument() error                    { return nil }
func (aliases) ResolveAlias(string) (*yaml.Node, bool, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str"}, true, nil
}
