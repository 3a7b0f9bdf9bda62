package yamlevent

import "strings"

// fetch adds the next token, or several.
func (s *scanner) fetch() error {
	s.toNextToken()
	if err := s.staleKeys(); err != nil {
		return err
	}
	s.unrollIndent(s.pos.column)
	c := s.at(0)
	switch {
	case c == 0:
		return s.fetchStreamEnd()
	case s.pos.column == 0 && c == '%':
		return s.fetchDirective()
	case s.marker('-'):
		return s.fetchDocument(documentStartToken)
	case s.marker('.'):
		return s.fetchDocument(documentEndToken)
	}
	return s.fetchIndicator(c)
}

func (s *scanner) fetchIndicator(c rune) error {
	inFlow, spaced := s.flow > 0, isBlankZ(s.at(1))
	switch {
	case c == '[':
		return s.fetchFlowStart(flowSequenceStartToken)
	case c == '{':
		return s.fetchFlowStart(flowMappingStartToken)
	case c == ']':
		return s.fetchFlowEnd(flowSequenceEndToken)
	case c == '}':
		return s.fetchFlowEnd(flowMappingEndToken)
	case c == ',':
		return s.fetchFlowEntry()
	case c == '-' && spaced:
		return s.fetchBlockEntry()
	case c == '?' && (inFlow || spaced):
		return s.fetchKey()
	case c == ':' && (inFlow || spaced):
		return s.fetchValue()
	case c == '*':
		return s.fetchNamed(aliasToken)
	case c == '&':
		return s.fetchNamed(anchorToken)
	case c == '!':
		return s.fetchNamed(tagToken)
	case (c == '|' || c == '>') && !inFlow:
		return s.fetchBlockScalar(c == '|')
	}
	return s.fetchText(c)
}

func (s *scanner) fetchText(c rune) error {
	switch {
	case c == '\'' || c == '"':
		return s.fetchScalar(func() (token, error) { return s.scanQuoted(c) })
	case isBlank(c) || strings.ContainsRune(",[]{}#&*!|>%@`", c),
		// `-` before a blank is an entry; in brackets `?` and `:` are indicators whatever follows.
		strings.ContainsRune("?:", c) && (s.flow > 0 || isBlankZ(s.at(1))):
		return s.pos.fail("while scanning for the next token", "found character that cannot start any token")
	}
	return s.fetchScalar(s.scanPlain)
}

// reset ends what was open at the end of a document.
func (s *scanner) reset() error {
	s.unrollIndent(-1)
	if err := s.removeKey(); err != nil {
		return err
	}
	s.keyAllowed = false
	return nil
}

func (s *scanner) fetchStreamEnd() error {
	if s.pos.column != 0 {
		s.pos.column = 0
		s.pos.line++
	}
	if err := s.reset(); err != nil {
		return err
	}
	s.single(streamEndToken, 0)
	return nil
}

func (s *scanner) fetchDirective() error {
	if err := s.reset(); err != nil {
		return err
	}
	t, err := s.scanDirective()
	if err != nil {
		return err
	}
	s.add(t)
	return nil
}

func (s *scanner) fetchDocument(kind tokenKind) error {
	if err := s.reset(); err != nil {
		return err
	}
	s.single(kind, 3)
	return nil
}

func (s *scanner) fetchFlowStart(kind tokenKind) error {
	if err := s.saveKey(); err != nil {
		return err
	}
	s.keys = append(s.keys, simpleKey{})
	s.flow++
	s.keyAllowed = true
	s.single(kind, 1)
	return nil
}

func (s *scanner) fetchFlowEnd(kind tokenKind) error {
	if err := s.removeKey(); err != nil {
		return err
	}
	if s.flow > 0 {
		s.flow--
		s.keys = s.keys[:len(s.keys)-1]
	}
	s.keyAllowed = false
	s.single(kind, 1)
	return nil
}

func (s *scanner) fetchFlowEntry() error {
	if err := s.removeKey(); err != nil {
		return err
	}
	s.keyAllowed = true
	s.single(flowEntryToken, 1)
	return nil
}

func (s *scanner) fetchBlockEntry() error {
	if s.flow == 0 {
		if !s.keyAllowed {
			return s.pos.fail("", "block sequence entries are not allowed in this context")
		}
		s.rollIndent(s.pos.column, -1, blockSequenceStartToken, s.pos)
	}
	if err := s.removeKey(); err != nil {
		return err
	}
	s.keyAllowed = true
	s.single(blockEntryToken, 1)
	return nil
}

func (s *scanner) fetchKey() error {
	if s.flow == 0 {
		if !s.keyAllowed {
			return s.pos.fail("", "mapping keys are not allowed in this context")
		}
		s.rollIndent(s.pos.column, -1, blockMappingStartToken, s.pos)
	}
	if err := s.removeKey(); err != nil {
		return err
	}
	s.keyAllowed = s.flow == 0
	s.single(keyToken, 1)
	return nil
}

func (s *scanner) fetchValue() error {
	k := &s.keys[len(s.keys)-1]
	switch {
	case k.possible:
		s.insert(k.token, token{kind: keyToken, start: k.mark, end: k.mark})
		s.rollIndent(k.mark.column, k.token, blockMappingStartToken, k.mark)
		k.possible = false
		s.keyAllowed = false
	case s.flow == 0 && !s.keyAllowed:
		return s.pos.fail("", "mapping values are not allowed in this context")
	default:
		s.rollIndent(s.pos.column, -1, blockMappingStartToken, s.pos)
		s.keyAllowed = s.flow == 0
	}
	s.single(valueToken, 1)
	return nil
}

// fetchScalar adds a scalar that may be a key.
func (s *scanner) fetchScalar(scan func() (token, error)) error {
	if err := s.saveKey(); err != nil {
		return err
	}
	s.keyAllowed = false
	t, err := scan()
	if err != nil {
		return err
	}
	s.add(t)
	return nil
}

func (s *scanner) fetchNamed(kind tokenKind) error {
	if kind == tagToken {
		return s.fetchScalar(s.scanTag)
	}
	return s.fetchScalar(func() (token, error) { return s.scanAnchor(kind) })
}

func (s *scanner) fetchBlockScalar(literal bool) error {
	if err := s.removeKey(); err != nil {
		return err
	}
	s.keyAllowed = true
	t, err := s.scanBlock(literal)
	if err != nil {
		return err
	}
	s.add(t)
	return nil
}
