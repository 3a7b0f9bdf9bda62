package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Redaction runs here and, in ping mode, in the server. A pattern may only use what Go and Python read alike; the
// grammar below is that common part, and backend/crontopus_api/manifests/regexes.py has the same one.
const (
	maxPattern = 256
	maxRepeat  = 1000

	punctuation   = `.\+*?()|[]{}^$-/"'#&~%@!=<>:;, _` + "`"
	characters    = "tnrfv" + punctuation
	classEscapes  = "dDwWsS"
	assertEscapes = "bA"
)

var (
	repeatRE      = regexp.MustCompile(`^\{([0-9]*)(,?)([0-9]*)\}`)
	openingRE     = regexp.MustCompile(`^\?(?:P<([A-Za-z_][A-Za-z0-9_]*)>|([ims]*)(?:-([ims]+))?:)`)
	globalFlagsRE = regexp.MustCompile(`^\(\?[ims]+\)`)
	hexRE         = regexp.MustCompile(`^[0-9a-fA-F]{2}`)
)

// patternProblem tells what is wrong with a redaction pattern; "" when it is fine.
func patternProblem(text string) string {
	if text == "" {
		return "an empty pattern matches everywhere"
	}
	if utf8.RuneCountInString(text) > maxPattern {
		return fmt.Sprintf("longer than %d characters", maxPattern)
	}
	p := &patternReader{rest: strings.TrimPrefix(text, globalFlagsRE.FindString(text))}
	if err := p.check(); err != nil {
		return err.Error()
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return err.Error()
	}
	if compiled.MatchString("") {
		return "the pattern also matches nothing at all, so it would redact everywhere"
	}
	return ""
}

// patternReader reads a pattern once, left to right.
type patternReader struct {
	rest  string
	names []string
}

func (p *patternReader) check() error {
	if _, err := p.alternatives(); err != nil {
		return err
	}
	if p.rest != "" {
		return fmt.Errorf("a `)` closes nothing")
	}
	return nil
}

// peek is the next character; 0 at the end.
func (p *patternReader) peek() rune {
	if p.rest == "" {
		return 0
	}
	c, _ := utf8.DecodeRuneInString(p.rest)
	return c
}

func (p *patternReader) skip() {
	_, size := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[size:]
}

// next tells whether one of the ASCII characters comes next.
func (p *patternReader) next(chars string) bool {
	return p.rest != "" && strings.IndexByte(chars, p.rest[0]) >= 0
}

// alternatives returns how often the innermost part is repeated at most, by all repetitions around it together.
func (p *patternReader) alternatives() (int, error) {
	most := 1
	for p.rest != "" && !p.next(")") {
		if p.next("|") {
			p.skip()
			continue
		}
		repeatable, inner, err := p.atom()
		if err != nil {
			return 0, err
		}
		times, err := p.repetition(repeatable)
		if err != nil {
			return 0, err
		}
		if most = max(most, times*inner); most > maxRepeat {
			return 0, fmt.Errorf("repetitions count to %d at most, nested ones together", maxRepeat)
		}
	}
	return most, nil
}

func (p *patternReader) atom() (repeatable bool, inner int, err error) {
	switch {
	case p.next("("):
		inner, err = p.group()
		return true, inner, err
	case p.next("["):
		return true, 1, p.class()
	case p.next(`\`):
		letter, _, err := p.escape(characters + classEscapes + assertEscapes)
		return !strings.Contains(assertEscapes, letter), 1, err
	case p.next("*+?"), p.counts() != nil:
		return false, 0, fmt.Errorf("there is nothing to repeat")
	}
	repeatable = !p.next("^$")
	p.skip()
	return repeatable, 1, nil
}

func (p *patternReader) counts() []string {
	m := repeatRE.FindStringSubmatch(p.rest)
	if m == nil || m[0] == "{}" {
		return nil
	}
	return m
}

func (p *patternReader) repetition(repeatable bool) (int, error) {
	counts := p.counts()
	if !p.next("*+?") && counts == nil {
		return 1, nil
	}
	if !repeatable {
		return 0, fmt.Errorf("there is nothing to repeat")
	}
	times := 1
	if counts == nil {
		p.skip()
	} else {
		var err error
		if times, err = repeatTimes(counts); err != nil {
			return 0, err
		}
		p.rest = p.rest[len(counts[0]):]
	}
	if p.next("?") {
		p.skip()
	}
	if p.next("*+?") || p.counts() != nil {
		return 0, fmt.Errorf("a repetition of a repetition is not supported")
	}
	return times, nil
}

// repeatTimes is how often `{n}`, `{n,}` or `{n,m}` repeats at most; at least, where there is no most.
func repeatTimes(counts []string) (int, error) {
	var numbers [2]int
	for i, count := range []string{counts[1], counts[3]} {
		n, _ := strconv.Atoi(count) // digits only; none is 0
		if len(count) > 4 || len(count) > 1 && count[0] == '0' || n > maxRepeat {
			return 0, fmt.Errorf("a repetition counts to %d at most, without leading zeros", maxRepeat)
		}
		numbers[i] = n
	}
	low, high := counts[1], counts[3]
	if low == "" || high != "" && numbers[1] < numbers[0] {
		return 0, fmt.Errorf("write a repetition as `{2}`, `{2,}` or `{2,5}`")
	}
	if high == "" {
		return max(numbers[0], 1), nil
	}
	return max(numbers[1], 1), nil
}

func (p *patternReader) group() (int, error) {
	p.skip()
	if p.next("?") {
		m := openingRE.FindStringSubmatch(p.rest)
		if m == nil {
			return 0, fmt.Errorf("of `(?…` only `(?:…)`, `(?P<name>…)` and the flags i, m, s are supported")
		}
		if slices.Contains(p.names, m[1]) || strings.ContainsAny(m[2], m[3]) {
			return 0, fmt.Errorf("`(%s` contradicts itself, or names what has been named", m[0])
		}
		if m[1] != "" {
			p.names = append(p.names, m[1])
		}
		p.rest = p.rest[len(m[0]):]
	}
	most, err := p.alternatives()
	if err == nil && !p.next(")") {
		err = fmt.Errorf("a `(` is not closed")
	}
	if err != nil {
		return 0, err
	}
	p.skip()
	return most, nil
}

// escape returns the letter after the backslash and the character it stands for, if it is one.
func (p *patternReader) escape(allowed string) (letter string, meant rune, err error) {
	p.skip()
	c := p.peek()
	letter = string(c)
	if c == 'x' && hexRE.MatchString(p.rest[1:]) {
		n, err := strconv.ParseUint(p.rest[1:3], 16, 8)
		p.rest = p.rest[3:]
		return letter, rune(n), err
	}
	if c == 0 || !strings.ContainsRune(allowed, c) {
		return "", 0, fmt.Errorf("the escape `\\%s` does not mean the same everywhere", strings.TrimRight(letter, "\x00"))
	}
	p.skip()
	if i := strings.IndexRune("tnrfv", c); i >= 0 {
		return letter, rune("\t\n\r\f\v"[i]), nil
	}
	return letter, c, nil
}

// many stands for more than one character of a class, such as `\d`.
const many = rune(-1)

func (p *patternReader) class() error {
	p.skip()
	if p.next("[") {
		return fmt.Errorf("write `\\[` inside `[…]`")
	}
	if p.next("^") {
		p.skip()
	}
	for first := true; first || !p.next("]"); first = false {
		low, err := p.member()
		if err != nil {
			return err
		}
		if len(p.rest) < 2 || p.rest[0] != '-' || p.rest[1] == ']' {
			continue
		}
		p.skip()
		literalDash := p.next("-") // Python warns that `--` will mean a difference of sets
		high, err := p.member()
		if err != nil {
			return err
		}
		if literalDash || low == many || high == many || high < low {
			return fmt.Errorf("a range in `[…]` goes from one character up to another")
		}
	}
	p.skip()
	return nil
}

func (p *patternReader) member() (rune, error) {
	switch {
	case p.rest == "":
		return 0, fmt.Errorf("a `[` is not closed")
	case p.next(`\`):
		letter, meant, err := p.escape(characters + classEscapes)
		if err == nil && strings.Contains(classEscapes, letter) {
			meant = many
		}
		return meant, err
	case p.next("-&~|") && len(p.rest) > 1 && p.rest[1] == p.rest[0], strings.HasPrefix(p.rest, "[:"):
		return 0, fmt.Errorf("`%s` inside `[…]` does not mean the same everywhere", p.rest[:2])
	}
	c := p.peek()
	p.skip()
	return c, nil
}
