package yamlevent

import "slices"

type tokenKind uint8

const (
	streamEndToken tokenKind = iota
	versionToken
	tagDirectiveToken
	documentStartToken
	documentEndToken
	blockSequenceStartToken
	blockMappingStartToken
	blockEndToken
	flowSequenceStartToken
	flowSequenceEndToken
	flowMappingStartToken
	flowMappingEndToken
	blockEntryToken
	flowEntryToken
	keyToken
	valueToken
	aliasToken
	anchorToken
	tagToken
	scalarToken
)

type token struct {
	kind         tokenKind
	start, end   mark
	value        string // of scalars, anchors and aliases; the handle of tags
	suffix       string // of tags; the prefix of tag directives
	plain        bool
	major, minor int
}

// simpleKey is a place where a key without `?` may have started. Whether it did is known at the `:`.
type simpleKey struct {
	possible, required bool
	token              int
	mark               mark
}

// longestKey is how many characters away the `:` of a simple key may be.
const longestKey = 1024

// scanner makes tokens of text. The text holds no NUL, which stands for its end.
type scanner struct {
	text       []rune
	pos        mark
	tokens     []token // made and not yet taken
	taken      int
	available  bool // the first of tokens is final
	flow       int  // depth of brackets
	indent     int
	indents    []int
	keys       []simpleKey // one per depth of brackets
	keyAllowed bool
}

func newScanner(text string) scanner {
	return scanner{text: []rune(text), indent: -1, keys: make([]simpleKey, 1), keyAllowed: true}
}

// peek returns the next token and leaves it there.
func (s *scanner) peek() (*token, error) {
	for !s.available {
		more := len(s.tokens) == 0
		if !more {
			if err := s.staleKeys(); err != nil {
				return nil, err
			}
			for _, k := range s.keys {
				more = more || k.possible && k.token == s.taken
			}
		}
		if !more {
			s.available = true
			break
		}
		if err := s.fetch(); err != nil {
			return nil, err
		}
	}
	return &s.tokens[0], nil
}

func (s *scanner) take() {
	s.tokens = s.tokens[1:]
	s.taken++
	s.available = false
}

// peekAfter takes the current token and returns the one after it.
func (s *scanner) peekAfter() (*token, error) {
	s.take()
	return s.peek()
}

func (s *scanner) at(ahead int) rune {
	if i := s.pos.index + ahead; i < len(s.text) {
		return s.text[i]
	}
	return 0
}

func isBreak(c rune) bool {
	return c == '\n' || c == '\r' || c == '\u0085' || c == '\u2028' || c == '\u2029'
}
func isBlank(c rune) bool  { return c == ' ' || c == '\t' }
func isBreakZ(c rune) bool { return c == 0 || isBreak(c) }
func isBlankZ(c rune) bool { return isBlank(c) || isBreakZ(c) }
func isDigit(c rune) bool  { return c >= '0' && c <= '9' }
func isWord(c rune) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-'
}

func (s *scanner) skip(n int) {
	s.pos.index += n
	s.pos.column += n
}

// line skips a line break and returns what it means in a scalar.
func (s *scanner) line() string {
	c := s.at(0)
	s.pos.index++
	if c == '\r' && s.at(0) == '\n' {
		s.pos.index++
	}
	s.pos.line++
	s.pos.column = 0
	if c == '\u2028' || c == '\u2029' {
		return string(c)
	}
	return "\n"
}

func (s *scanner) skipBlanks() {
	for isBlank(s.at(0)) {
		s.skip(1)
	}
}

func (s *scanner) skipComment() {
	if s.at(0) != '#' {
		return
	}
	for !isBreakZ(s.at(0)) {
		s.skip(1)
	}
}

// marker tells whether `---` or `...` stands here, at the beginning of a line.
func (s *scanner) marker(c rune) bool {
	return s.pos.column == 0 && s.at(0) == c && s.at(1) == c && s.at(2) == c && isBlankZ(s.at(3))
}

func (s *scanner) add(t token) { s.tokens = append(s.tokens, t) }

func (s *scanner) insert(number int, t token) {
	s.tokens = slices.Insert(s.tokens, number-s.taken, t)
}

// single makes a token of the next n characters.
func (s *scanner) single(kind tokenKind, n int) {
	start := s.pos
	s.skip(n)
	s.add(token{kind: kind, start: start, end: s.pos})
}

func (s *scanner) staleKeys() error {
	for i := range s.keys {
		k := &s.keys[i]
		if !k.possible || k.mark.line == s.pos.line && k.mark.index+longestKey >= s.pos.index {
			continue
		}
		if k.required {
			return s.pos.fail("while scanning a simple key", "could not find expected ':'")
		}
		k.possible = false
	}
	return nil
}

func (s *scanner) saveKey() error {
	if !s.keyAllowed {
		return nil
	}
	required := s.flow == 0 && s.indent == s.pos.column
	if err := s.removeKey(); err != nil {
		return err
	}
	s.keys[len(s.keys)-1] = simpleKey{possible: true, required: required, token: s.taken + len(s.tokens), mark: s.pos}
	return nil
}

func (s *scanner) removeKey() error {
	k := &s.keys[len(s.keys)-1]
	if k.possible && k.required {
		return s.pos.fail("while scanning a simple key", "could not find expected ':'")
	}
	k.possible = false
	return nil
}

// rollIndent opens a block collection where the column is further in; number is its token's, -1 the next.
func (s *scanner) rollIndent(column, number int, kind tokenKind, at mark) {
	if s.flow > 0 || s.indent >= column {
		return
	}
	s.indents = append(s.indents, s.indent)
	s.indent = column
	t := token{kind: kind, start: at, end: at}
	if number < 0 {
		s.add(t)
	} else {
		s.insert(number, t)
	}
}

// unrollIndent closes the block collections that are further in than the column.
func (s *scanner) unrollIndent(column int) {
	for s.flow == 0 && s.indent > column {
		s.add(token{kind: blockEndToken, start: s.pos, end: s.pos})
		s.indent = s.indents[len(s.indents)-1]
		s.indents = s.indents[:len(s.indents)-1]
	}
}

func (s *scanner) toNextToken() {
	for {
		// At the beginning of a line, and after `-`, `?` and `:`, a tab would be indentation.
		for s.at(0) == ' ' || s.at(0) == '\t' && (s.flow > 0 || !s.keyAllowed) {
			s.skip(1)
		}
		s.skipComment()
		if !isBreak(s.at(0)) {
			return
		}
		s.line()
		if s.flow == 0 {
			s.keyAllowed = true
		}
	}
}
