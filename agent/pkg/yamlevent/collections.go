package yamlevent

// entry parses the node of an entry, key or value, or the empty scalar where one of the tokens follows at once.
func (p *Parser) entry(node, after state, at mark, t *token, ends ...tokenKind) (Event, error) {
	if t.is(ends...) {
		p.state = after
		return empty(at)
	}
	p.push(after)
	return node(p)
}

// end closes a collection at a token of its own.
func (p *Parser) end(kind Kind, t *token) (Event, error) {
	e := t.start.event(kind)
	p.pop()
	p.take()
	return e, nil
}

func (p *Parser) blockEntry() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	switch t.kind {
	case blockEntryToken:
		at := t.end
		if t, err = p.peekAfter(); err != nil {
			return Event{}, err
		}
		return p.entry((*Parser).blockNode, (*Parser).blockEntry, at, t, blockEntryToken, blockEndToken)
	case blockEndToken:
		return p.end(SequenceEnd, t)
	}
	return Event{}, t.start.fail("while parsing a block collection", "did not find expected '-' indicator")
}

// indentlessEntry is one of a sequence that is not further in than the key it belongs to.
func (p *Parser) indentlessEntry() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	if t.kind != blockEntryToken {
		p.pop()
		return t.start.event(SequenceEnd), nil
	}
	at := t.end
	if t, err = p.peekAfter(); err != nil {
		return Event{}, err
	}
	return p.entry((*Parser).blockNode, (*Parser).indentlessEntry, at, t, blockEntryToken, keyToken, valueToken, blockEndToken)
}

func (p *Parser) blockKey() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	switch t.kind {
	case keyToken:
		at := t.end
		if t, err = p.peekAfter(); err != nil {
			return Event{}, err
		}
		return p.entry((*Parser).blockNodeOrIndentless, (*Parser).blockValue, at, t, keyToken, valueToken, blockEndToken)
	case blockEndToken:
		return p.end(MappingEnd, t)
	}
	return Event{}, t.start.fail("while parsing a block mapping", "did not find expected key")
}

func (p *Parser) blockValue() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	if t.kind != valueToken {
		p.state = (*Parser).blockKey
		return empty(t.start)
	}
	at := t.end
	if t, err = p.peekAfter(); err != nil {
		return Event{}, err
	}
	return p.entry((*Parser).blockNodeOrIndentless, (*Parser).blockKey, at, t, keyToken, valueToken, blockEndToken)
}

func (p *Parser) flowSequenceFirst() (Event, error) { return p.flowSequence(true) }
func (p *Parser) flowSequenceNext() (Event, error)  { return p.flowSequence(false) }

func (p *Parser) flowSequence(first bool) (Event, error) {
	t, err := p.flowSeparator(first, flowSequenceEndToken, "while parsing a flow sequence", "did not find expected ',' or ']'")
	switch {
	case err != nil:
		return Event{}, err
	case t.kind == flowSequenceEndToken:
		return p.end(SequenceEnd, t)
	case t.kind == keyToken: // a mapping of one pair: [a: b]
		e := t.start.event(MappingStart)
		p.state = (*Parser).pairKey
		p.take()
		return e, nil
	}
	p.push((*Parser).flowSequenceNext)
	return p.flowNode()
}

// flowSeparator skips the comma between entries and returns the token after it.
func (p *Parser) flowSeparator(first bool, end tokenKind, context, problem string) (*token, error) {
	t, err := p.peek()
	if err != nil || first || t.kind == end {
		return t, err
	}
	if t.kind != flowEntryToken {
		return t, t.start.fail(context, problem)
	}
	return p.peekAfter()
}

func (p *Parser) pairKey() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	if t.is(valueToken, flowEntryToken, flowSequenceEndToken) {
		at := t.end
		p.take()
		p.state = (*Parser).pairValue
		return empty(at)
	}
	p.push((*Parser).pairValue)
	return p.flowNode()
}

func (p *Parser) pairValue() (Event, error) {
	return p.flowValue((*Parser).pairEnd, flowSequenceEndToken)
}

func (p *Parser) pairEnd() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	p.state = (*Parser).flowSequenceNext
	return t.start.event(MappingEnd), nil
}

func (p *Parser) flowMappingFirst() (Event, error) { return p.flowMapping(true) }
func (p *Parser) flowMappingNext() (Event, error)  { return p.flowMapping(false) }

func (p *Parser) flowMapping(first bool) (Event, error) {
	t, err := p.flowSeparator(first, flowMappingEndToken, "while parsing a flow mapping", "did not find expected ',' or '}'")
	switch {
	case err != nil:
		return Event{}, err
	case t.kind == flowMappingEndToken:
		return p.end(MappingEnd, t)
	case t.kind == keyToken:
		if t, err = p.peekAfter(); err != nil {
			return Event{}, err
		}
		return p.entry((*Parser).flowNode, (*Parser).flowMappingValue, t.start, t, valueToken, flowEntryToken, flowMappingEndToken)
	}
	p.push((*Parser).flowMappingEmptyValue)
	return p.flowNode()
}

func (p *Parser) flowMappingEmptyValue() (Event, error) {
	t, err := p.peek()
	if err != nil {
		return Event{}, err
	}
	p.state = (*Parser).flowMappingNext
	return empty(t.start)
}

func (p *Parser) flowMappingValue() (Event, error) {
	return p.flowValue((*Parser).flowMappingNext, flowMappingEndToken)
}

func (p *Parser) flowValue(after state, end tokenKind) (Event, error) {
	t, err := p.peek()
	if err == nil && t.kind == valueToken {
		if t, err = p.peekAfter(); err == nil && !t.is(flowEntryToken, end) {
			p.push(after)
			return p.flowNode()
		}
	}
	if err != nil {
		return Event{}, err
	}
	p.state = after
	return empty(t.start)
}
