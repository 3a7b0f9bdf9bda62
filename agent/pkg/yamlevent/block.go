package yamlevent

import "strings"

const inBlock = "while scanning a block scalar"

// block is a literal or folded scalar being read.
type block struct {
	out      strings.Builder
	breaks   string // the line breaks after the last line, less the first
	first    string // that first one
	indent   int    // 0 until known
	chomping int    // -1 strip, 0 clip, 1 keep
}

func (s *scanner) scanBlock(literal bool) (token, error) {
	t := token{kind: scalarToken, start: s.pos}
	var b block
	if err := s.blockHeader(&b); err != nil {
		return t, err
	}
	t.end = s.pos
	if err := s.blockBreaks(&b, &t.end); err != nil {
		return t, err
	}
	leadingBlank := false
	for s.pos.column == b.indent && s.at(0) != 0 {
		blank := isBlank(s.at(0))
		if !literal && b.first == "\n" && !leadingBlank && !blank {
			if b.breaks == "" {
				b.out.WriteByte(' ')
			}
		} else {
			b.out.WriteString(b.first)
		}
		b.out.WriteString(b.breaks)
		b.first, b.breaks = "", ""
		leadingBlank = blank
		for !isBreakZ(s.at(0)) {
			b.out.WriteRune(s.at(0))
			s.skip(1)
		}
		if s.at(0) != 0 {
			b.first = s.line()
		}
		if err := s.blockBreaks(&b, &t.end); err != nil {
			return t, err
		}
	}
	t.value = b.chomped()
	return t, nil
}

func (b *block) chomped() string {
	if b.chomping >= 0 {
		b.out.WriteString(b.first)
	}
	if b.chomping > 0 {
		b.out.WriteString(b.breaks)
	}
	return b.out.String()
}

// blockHeader reads `|`, the indicators for indentation and chomping in either order, and the line's end.
func (s *scanner) blockHeader(b *block) error {
	s.skip(1)
	increment := 0
	chomping := func() {
		if c := s.at(0); c == '+' || c == '-' {
			b.chomping = map[rune]int{'+': 1, '-': -1}[c]
			s.skip(1)
		}
	}
	chomping()
	if isDigit(s.at(0)) {
		if s.at(0) == '0' {
			return s.pos.fail(inBlock, "found an indentation indicator equal to 0")
		}
		increment = int(s.at(0) - '0')
		s.skip(1)
		if b.chomping == 0 {
			chomping()
		}
	}
	if increment > 0 {
		b.indent = max(s.indent, 0) + increment
	}
	return s.endOfLine(inBlock)
}

// endOfLine skips blanks, a comment and the line break; anything else is an error.
func (s *scanner) endOfLine(context string) error {
	s.skipBlanks()
	s.skipComment()
	if !isBreakZ(s.at(0)) {
		return s.pos.fail(context, "did not find expected comment or line break")
	}
	if s.at(0) != 0 {
		s.line()
	}
	return nil
}

// blockBreaks skips indentation and empty lines, and finds the indentation where it is not yet known.
func (s *scanner) blockBreaks(b *block, end *mark) error {
	deepest := 0
	var breaks strings.Builder
	*end = s.pos
	for {
		for (b.indent == 0 || s.pos.column < b.indent) && s.at(0) == ' ' {
			s.skip(1)
		}
		deepest = max(deepest, s.pos.column)
		if (b.indent == 0 || s.pos.column < b.indent) && s.at(0) == '\t' {
			return s.pos.fail(inBlock, "found a tab character where an indentation space is expected")
		}
		if !isBreak(s.at(0)) {
			break
		}
		breaks.WriteString(s.line())
		*end = s.pos
	}
	b.breaks += breaks.String()
	if b.indent == 0 {
		b.indent = max(deepest, s.indent+1, 1)
	}
	return nil
}
