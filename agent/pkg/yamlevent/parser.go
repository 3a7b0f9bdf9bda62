package yamlevent

import (
	"slices"
	"unicode/utf8"
)

// Parser gives the events of one text, one at a time. What stands behind an error or a reader's own limit is
// not looked at, apart from the 1,024 characters in which a key may turn out to be one.
type Parser struct {
	scanner
	state  state
	states []state
	tags   []tagDirective
}

type state func(*Parser) (Event, error)

type tagDirective struct{ handle, prefix string }

// New prepares to parse text, which must hold no NUL: that would be read as its end.
func New(text string) *Parser {
	return &Parser{scanner: newScanner(text), state: func(p *Parser) (Event, error) { return p.documentStart(true) }}
}

// Next returns the next event. After StreamEnd or an error, which is a *SyntaxError, it must not be called.
func (p *Parser) Next() (Event, error) { return p.state(p) }

func (p *Parser) push(s state) { p.states = append(p.states, s) }

func (p *Parser) pop() {
	p.state = p.states[len(p.states)-1]
	p.states = p.states[:len(p.states)-1]
}

func empty(at mark) (Event, error) {
	e := at.event(Scalar)
	e.Plain = true
	return e, nil
}

func (t *token) is(kinds ...tokenKind) bool { return slices.Contains(kinds, t.kind) }

func (p *Parser) documentStart(implicit bool) (Event, error) {
	t, err := p.peek()
	for err == nil && !implicit && t.kind == documentEndToken {
		t, err = p.peekAfter()
	}
	if err != nil {
		return Event{}, err
	}
	if t.kind == streamEndToken {
		p.take()
		return t.start.event(StreamEnd), nil
	}
	e := t.start.event(DocumentStart)
	bare := implicit && !t.is(versionToken, tagDirectiveToken, documentStartToken)
	if t, err = p.directives(&e); err != nil {
		return e, err
	}
	for _, d := range p.tags {
		if !utf8.ValidString(d.handle + d.prefix) {
			return e, t.start.fail("", notUTF8)
		}
	}
	p.push((*Parser).documentEnd)
	if bare {
		p.state = (*Parser).blockNode
		return e, nil
	}
	if t.kind != documentStartToken {
		return e, t.start.fail("", "did not find expected <document start>")
	}
	p.take()
	p.state = (*Parser).documentContent
	return e, nil
}

// directives reads what stands before `---` and returns the token after it.
func (p *Parser) directives(e *Event) (*token, error) {
	p.tags = nil
	t, err := p.peek()
	for err == nil && t.is(versionToken, tagDirectiveToken) {
		switch {
		case t.kind == tagDirectiveToken:
			if slices.ContainsFunc(p.tags, func(d tagDirective) bool { return d.handle == t.value }) {
				return t, t.start.fail("", "found duplicate %TAG directive")
			}
			p.tags = append(p.tags, tagDirective{t.value, t.suffix})
			e.TagDirective = true
		case e.Minor != 0:
			return t, t.start.fail("", "found duplicate %YAML directive")
		case t.major != 1 || t.minor != 1 && t.minor != 2:
			return t, t.start.fail("", "found incompatible YAML document")
		default:
			e.Minor = t.minor
		}
		t, err = p.peekAfter()
	}
	return t, err
}

func (p *Parser) documentContent() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	if t.is(versionToken, tagDirectiveToken, documentStartToken, documentEndToken, streamEndToken) {
		p.pop()
		return empty(t.start)
	}
	return p.blockNode()
}

func (p *Parser) documentEnd() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	e := t.start.event(DocumentEnd)
	if t.kind == documentEndToken {
		p.take()
	}
	p.state = func(p *Parser) (Event, error) { return p.documentStart(false) }
	return e, nil
}

func (p *Parser) blockNode() (Event, error)             { return p.node(true, false) }
func (p *Parser) blockNodeOrIndentless() (Event, error) { return p.node(true, true) }
func (p *Parser) flowNode() (Event, error)              { return p.node(false, false) }

func (p *Parser) node(block, indentless bool) (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	if t.kind == aliasToken {
		e := t.start.event(Alias)
		e.Anchor = t.value
		p.pop()
		p.take()
		return e, nil
	}
	e := t.start.event(Scalar)
	if t, err = p.properties(&e); err != nil {
		return e, err
	}
	if next, kind, found := content(t.kind, block, indentless); found {
		e.Kind = kind
		p.state = next
		return e, nil
	}
	switch {
	case t.kind == scalarToken:
		e.Value, e.Plain = t.value, t.plain
		p.pop()
		p.take()
	case e.Anchor != "" || e.Tag != "":
		e.Plain = true
		p.pop()
	case block:
		return e, t.start.fail("while parsing a block node", "did not find expected node content")
	default:
		return e, t.start.fail("while parsing a flow node", "did not find expected node content")
	}
	return e, nil
}

// content tells which collection a token starts where it stands.
func content(t tokenKind, block, indentless bool) (state, Kind, bool) {
	switch {
	case indentless && t == blockEntryToken:
		return (*Parser).indentlessEntry, SequenceStart, true
	case t == flowSequenceStartToken:
		return first((*Parser).flowSequenceFirst), SequenceStart, true
	case t == flowMappingStartToken:
		return first((*Parser).flowMappingFirst), MappingStart, true
	case block && t == blockSequenceStartToken:
		return first((*Parser).blockEntry), SequenceStart, true
	case block && t == blockMappingStartToken:
		return first((*Parser).blockKey), MappingStart, true
	}
	return nil, 0, false
}

// first takes the token that opens a collection.
func first(s state) state {
	return func(p *Parser) (Event, error) {
		p.take()
		return s(p)
	}
}

// properties reads an anchor and a tag in either order and returns the token after them.
func (p *Parser) properties(e *Event) (*token, error) {
	t, err := p.peek()
	var tag *token
	for err == nil && (t.kind == anchorToken && e.Anchor == "" || t.kind == tagToken && tag == nil) {
		if t.kind == anchorToken {
			e.Anchor = t.value
		} else {
			copied := *t
			tag = &copied
		}
		t, err = p.peekAfter()
	}
	if err != nil || tag == nil {
		return t, err
	}
	if e.Tag, err = p.resolve(tag); err == nil && !utf8.ValidString(e.Tag) {
		err = tag.start.fail("while parsing a node", notUTF8)
	}
	return t, err
}

// notUTF8 is what `!%C0` becomes. libyaml gives it out, and what calls it from Python fails.
const notUTF8 = "a tag is not UTF-8"

func (p *Parser) resolve(t *token) (string, error) {
	if t.value == "" {
		return t.suffix, nil
	}
	for _, d := range slices.Concat(p.tags, []tagDirective{{"!", "!"}, {"!!", "tag:yaml.org,2002:"}}) {
		if d.handle == t.value {
			return d.prefix + t.suffix, nil
		}
	}
	return "", t.start.fail("while parsing a node", "found undefined tag handle")
}
