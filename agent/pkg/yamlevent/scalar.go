package yamlevent

import "strings"

// folding collects the blanks and line breaks between two pieces of a scalar over several lines.
type folding struct {
	blanks   strings.Builder
	first    string // the first line break
	others   strings.Builder
	inBreaks bool
}

func (f *folding) blank(c rune) {
	if !f.inBreaks {
		f.blanks.WriteRune(c)
	}
}

func (f *folding) line(text string) {
	if f.inBreaks {
		f.others.WriteString(text)
		return
	}
	f.blanks.Reset()
	f.first, f.inBreaks = text, true
}

// join writes what stands between the pieces, and forgets it. One line break becomes a blank.
func (f *folding) join(into *strings.Builder) {
	switch {
	case !f.inBreaks:
		into.WriteString(f.blanks.String())
	case f.first == "\n" && f.others.Len() == 0:
		into.WriteByte(' ')
	case f.first == "\n":
		into.WriteString(f.others.String())
	default:
		into.WriteString(f.first)
		into.WriteString(f.others.String())
	}
	*f = folding{}
}

func (s *scanner) scanPlain() (token, error) {
	t := token{kind: scalarToken, start: s.pos, end: s.pos, plain: true}
	var out strings.Builder
	var gap folding
	for !s.marker('-') && !s.marker('.') && s.at(0) != '#' {
		for !isBlankZ(s.at(0)) {
			if s.flow > 0 && s.at(0) == ':' && strings.ContainsRune(",?[]{}", s.at(1)) {
				return t, s.pos.fail("while scanning a plain scalar", "found unexpected ':'")
			}
			if s.plainEnds() {
				break
			}
			gap.join(&out)
			out.WriteRune(s.at(0))
			s.skip(1)
			t.end = s.pos
		}
		if !isBlank(s.at(0)) && !isBreak(s.at(0)) {
			break
		}
		if err := s.plainGap(&gap); err != nil {
			return t, err
		}
		if s.flow == 0 && s.pos.column < s.indent+1 {
			break
		}
	}
	if gap.inBreaks {
		s.keyAllowed = true
	}
	t.value = out.String()
	return t, nil
}

func (s *scanner) plainEnds() bool {
	c := s.at(0)
	return c == ':' && isBlankZ(s.at(1)) || s.flow > 0 && strings.ContainsRune(",[]{}", c)
}

func (s *scanner) plainGap(gap *folding) error {
	for {
		switch c := s.at(0); {
		case isBlank(c):
			if gap.inBreaks && s.pos.column < s.indent+1 && c == '\t' {
				return s.pos.fail("while scanning a plain scalar", "found a tab character that violates indentation")
			}
			gap.blank(c)
			s.skip(1)
		case isBreak(c):
			gap.line(s.line())
		default:
			return nil
		}
	}
}

const inQuotes = "while scanning a quoted scalar"

func (s *scanner) scanQuoted(quote rune) (token, error) {
	t := token{kind: scalarToken, start: s.pos}
	s.skip(1)
	var out strings.Builder
	for {
		if s.marker('-') || s.marker('.') {
			return t, s.pos.fail(inQuotes, "found unexpected document indicator")
		}
		if s.at(0) == 0 {
			return t, s.pos.fail(inQuotes, "found unexpected end of stream")
		}
		var gap folding
		if err := s.quotedPiece(quote, &out, &gap); err != nil {
			return t, err
		}
		if s.at(0) == quote {
			break
		}
		for isBlank(s.at(0)) || isBreak(s.at(0)) {
			if isBlank(s.at(0)) {
				gap.blank(s.at(0))
				s.skip(1)
			} else {
				gap.line(s.line())
			}
		}
		gap.join(&out)
	}
	s.skip(1)
	t.end, t.value = s.pos, out.String()
	return t, nil
}

// quotedPiece reads up to the quote, a blank or a line break; an escaped line break begins the gap.
func (s *scanner) quotedPiece(quote rune, out *strings.Builder, gap *folding) error {
	for !isBlankZ(s.at(0)) {
		c := s.at(0)
		switch {
		case c == '\'' && quote == '\'' && s.at(1) == '\'':
			out.WriteByte('\'')
			s.skip(2)
		case c == quote:
			return nil
		case c == '\\' && quote == '"' && isBreak(s.at(1)):
			s.skip(1)
			s.line()
			gap.inBreaks = true
			return nil
		case c == '\\' && quote == '"':
			r, err := s.escape()
			if err != nil {
				return err
			}
			out.WriteRune(r)
		default:
			out.WriteRune(c)
			s.skip(1)
		}
	}
	return nil
}

var escapes = map[rune]rune{'0': 0, 'a': '\a', 'b': '\b', 't': '\t', '\t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r',
	'e': 0x1b, ' ': ' ', '"': '"', '/': '/', '\\': '\\', 'N': '\u0085', '_': '\u00a0', 'L': '\u2028', 'P': '\u2029'}

func (s *scanner) escape() (rune, error) {
	const context = "while parsing a quoted scalar"
	r, plain := escapes[s.at(1)]
	length := map[rune]int{'x': 2, 'u': 4, 'U': 8}[s.at(1)]
	if !plain && length == 0 {
		return 0, s.pos.fail(context, "found unknown escape character")
	}
	s.skip(2)
	if plain {
		return r, nil
	}
	var value uint32
	for k := range length {
		digit := hex(s.at(k))
		if digit < 0 {
			return 0, s.pos.fail(context, "did not find expected hexdecimal number")
		}
		value = value<<4 + uint32(digit)
	}
	if value >= 0xd800 && value <= 0xdfff || value > 0x10ffff {
		return 0, s.pos.fail(context, "found invalid Unicode character escape code")
	}
	s.skip(length)
	return rune(value), nil
}

func hex(c rune) int { return strings.IndexRune("0123456789abcdef", c|0x20) }
