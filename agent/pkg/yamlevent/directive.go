package yamlevent

import "strings"

const (
	inDirective = "while scanning a directive"
	inVersion   = "while scanning a %YAML directive"
	inTag       = "while scanning a tag"
)

func (s *scanner) scanDirective() (token, error) {
	t := token{start: s.pos}
	s.skip(1)
	name := s.word()
	if name == "" {
		return t, s.pos.fail(inDirective, "could not find expected directive name")
	}
	if !isBlankZ(s.at(0)) {
		return t, s.pos.fail(inDirective, "found unexpected non-alphabetical character")
	}
	var err error
	switch name {
	case "YAML":
		t.kind = versionToken
		err = s.scanVersion(&t)
	case "TAG":
		t.kind = tagDirectiveToken
		err = s.scanTagDirective(&t)
	default:
		err = s.pos.fail(inDirective, "found unknown directive name")
	}
	if err != nil {
		return t, err
	}
	t.end = s.pos
	return t, s.endOfLine(inDirective)
}

func (s *scanner) word() string {
	from := s.pos.index
	for isWord(s.at(0)) {
		s.skip(1)
	}
	return string(s.text[from:s.pos.index])
}

func (s *scanner) scanVersion(t *token) (err error) {
	s.skipBlanks()
	if t.major, err = s.versionNumber(); err != nil {
		return err
	}
	if s.at(0) != '.' {
		return s.pos.fail(inVersion, "did not find expected digit or '.' character")
	}
	s.skip(1)
	t.minor, err = s.versionNumber()
	return err
}

func (s *scanner) versionNumber() (int, error) {
	value, length := 0, 0
	for ; isDigit(s.at(0)); s.skip(1) {
		if length++; length > 9 {
			return 0, s.pos.fail(inVersion, "found extremely long version number")
		}
		value = value*10 + int(s.at(0)-'0')
	}
	if length == 0 {
		return 0, s.pos.fail(inVersion, "did not find expected version number")
	}
	return value, nil
}

func (s *scanner) scanTagDirective(t *token) (err error) {
	const context = "while scanning a %TAG directive"
	s.skipBlanks()
	if t.value, err = s.tagHandle(true); err != nil {
		return err
	}
	if !isBlank(s.at(0)) {
		return s.pos.fail(context, "did not find expected whitespace")
	}
	s.skipBlanks()
	if t.suffix, err = s.tagURI(true, ""); err != nil {
		return err
	}
	if !isBlankZ(s.at(0)) {
		return s.pos.fail(context, "did not find expected whitespace or line break")
	}
	return nil
}

func (s *scanner) scanAnchor(kind tokenKind) (token, error) {
	t := token{kind: kind, start: s.pos}
	s.skip(1)
	t.value, t.end = s.word(), s.pos
	if t.value == "" || !isBlankZ(s.at(0)) && !strings.ContainsRune("?:,]}%@`", s.at(0)) {
		context := "while scanning an anchor"
		if kind == aliasToken {
			context = "while scanning an alias"
		}
		return t, s.pos.fail(context, "did not find expected alphabetic or numeric character")
	}
	t.end = s.pos
	return t, nil
}

func (s *scanner) scanTag() (token, error) {
	t := token{kind: tagToken, start: s.pos}
	var err error
	if s.at(1) == '<' {
		s.skip(2)
		if t.suffix, err = s.tagURI(true, ""); err != nil {
			return t, err
		}
		if s.at(0) != '>' {
			return t, s.pos.fail(inTag, "did not find the expected '>'")
		}
		s.skip(1)
	} else if err = s.scanShortTag(&t); err != nil {
		return t, err
	}
	if !isBlankZ(s.at(0)) && (s.flow == 0 || s.at(0) != ',') {
		return t, s.pos.fail(inTag, "did not find expected whitespace or line break")
	}
	t.end = s.pos
	return t, nil
}

// scanShortTag reads `!handle!suffix` or `!suffix`. The tag `!` has no handle.
func (s *scanner) scanShortTag(t *token) (err error) {
	if t.value, err = s.tagHandle(false); err != nil {
		return err
	}
	if len(t.value) > 1 && strings.HasSuffix(t.value, "!") {
		t.suffix, err = s.tagURI(false, "")
		return err
	}
	t.suffix, err = s.tagURI(false, t.value)
	t.value = "!"
	if t.suffix == "" {
		t.value, t.suffix = "", "!"
	}
	return err
}

func (s *scanner) tagHandle(directive bool) (string, error) {
	if s.at(0) != '!' {
		return "", s.pos.fail(inTag, "did not find expected '!'")
	}
	s.skip(1)
	handle := "!" + s.word()
	if s.at(0) == '!' {
		s.skip(1)
		return handle + "!", nil
	}
	if directive && handle != "!" {
		return "", s.pos.fail("while parsing a tag directive", "did not find expected '!'")
	}
	return handle, nil
}

// tagURI reads the rest of a tag that began with head. Verbatim tags and prefixes may hold `,[]`.
func (s *scanner) tagURI(verbatim bool, head string) (string, error) {
	var out strings.Builder
	out.WriteString(strings.TrimPrefix(head, "!"))
	length := len(head)
	for ; ; length++ {
		c := s.at(0)
		switch {
		case c == '%':
			if err := s.uriEscape(&out); err != nil {
				return "", err
			}
		case isWord(c) || c != 0 && strings.ContainsRune(";/?:@&=+$.!~*'()", c) || verbatim && c != 0 && strings.ContainsRune(",[]", c):
			out.WriteRune(c)
			s.skip(1)
		case length == 0:
			return "", s.pos.fail("while parsing a tag", "did not find expected tag URI")
		default:
			return out.String(), nil
		}
	}
}

// uriEscape reads one character that is written as `%41`, in as many octets as UTF-8 takes for it.
func (s *scanner) uriEscape(out *strings.Builder) error {
	const context = "while parsing a tag"
	width := 0
	for first := true; first || width > 0; first = false {
		high, low := hex(s.at(1)), hex(s.at(2))
		if s.at(0) != '%' || high < 0 || low < 0 {
			return s.pos.fail(context, "did not find URI escaped octet")
		}
		octet := byte(high<<4 + low)
		switch {
		case !first && octet&0xc0 != 0x80:
			return s.pos.fail(context, "found an incorrect trailing UTF-8 octet")
		case !first:
		case octet&0x80 == 0:
			width = 1
		case octet&0xe0 == 0xc0:
			width = 2
		case octet&0xf0 == 0xe0:
			width = 3
		case octet&0xf8 == 0xf0:
			width = 4
		default:
			return s.pos.fail(context, "found an incorrect leading UTF-8 octet")
		}
		out.WriteByte(octet)
		s.skip(3)
		width--
	}
	return nil
}
