"""Regular expressions that mean the same in Python and in Go (RE2).

Redaction runs where the output is: in `crontopus-run` (Go) and, in ping mode, in the API. So a pattern may
only use what both engines read alike. The grammar below is that common part; agent/pkg/manifest/regex.go has
the same one, so that both sides accept the same patterns whatever their engines would make of others.
"""

from __future__ import annotations

import re
import warnings

MAX_PATTERN = 256
_MAX_REPEAT = 1000
_MEANT = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}", re.ASCII)
_OPENING = re.compile(r"\?(?:P<([A-Za-z_][A-Za-z0-9_]*)>|([ims]*)(?:-([ims]+))?:)", re.ASCII)
_GLOBAL_FLAGS = re.compile(r"\(\?[ims]+\)", re.ASCII)
_PUNCTUATION = frozenset(r".\+*?()|[]{}^$-/\"'#&~%@!=<>:;, _`")
_CHARACTERS = frozenset("tnrfv") | _PUNCTUATION
_CLASSES = frozenset("dDwWsS")
_ASSERTIONS = frozenset("bA")


class _NotPortable(Exception):
    pass


def check_pattern(pattern: str) -> str | None:
    """What is wrong with a redaction pattern; None when it is fine."""
    if not pattern:
        return "an empty pattern matches everywhere"
    if len(pattern) > MAX_PATTERN:
        return f"longer than {MAX_PATTERN} characters"
    try:
        _Pattern(pattern).check()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(pattern)
    except (_NotPortable, re.error, Warning, OverflowError, RecursionError) as error:
        return str(error)
    if compiled.match(""):
        return "the pattern also matches nothing at all, so it would redact everywhere"
    return None


class _Pattern:
    """Reads a pattern once, left to right. Raises _NotPortable."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._names: set[str] = set()

    def check(self) -> None:
        if flags := _GLOBAL_FLAGS.match(self._text):
            self._at = flags.end()
        self._alternatives()
        if self._at < len(self._text):
            raise _NotPortable("a `)` closes nothing")

    def _peek(self, ahead: int = 0) -> str:
        return self._text[self._at + ahead : self._at + ahead + 1]

    def _alternatives(self) -> int:
        """How often the innermost part is repeated at most, by all repetitions around it together."""
        most = 1
        while (char := self._peek()) and char != ")":
            if char == "|":
                self._at += 1
                continue
            repeatable, inner = self._atom(char)
            most = max(most, self._repetition(repeatable) * inner)
            if most > _MAX_REPEAT:
                raise _NotPortable(f"repetitions count to {_MAX_REPEAT} at most, nested ones together")
        return most

    def _atom(self, char: str) -> tuple[bool, int]:
        if char == "(":
            return True, self._group()
        if char == "[":
            self._class()
            return True, 1
        if char == "\\":
            escaped = self._escape(_CHARACTERS | _CLASSES | _ASSERTIONS)
            return escaped not in _ASSERTIONS, 1
        if char in "*+?" or (char == "{" and self._counts()):
            raise _NotPortable("there is nothing to repeat")
        self._at += 1
        return char not in "^$", 1

    def _counts(self) -> re.Match[str] | None:
        match = _MEANT.match(self._text, self._at)
        return match if match and match[0] != "{}" else None

    def _repetition(self, repeatable: bool) -> int:
        char, counts = self._peek(), self._counts()
        if not char or (char not in "*+?" and counts is None):
            return 1
        if not repeatable:
            raise _NotPortable("there is nothing to repeat")
        times = 1
        if counts is None:
            self._at += 1
        else:
            times = _times(counts)
            self._at = counts.end()
        if self._peek() == "?":
            self._at += 1
        if (char := self._peek()) and (char in "*+?" or self._counts()):
            raise _NotPortable("a repetition of a repetition is not supported")
        return times

    def _group(self) -> int:
        self._at += 1
        if self._peek() == "?":
            opening = _OPENING.match(self._text, self._at)
            if opening is None:
                raise _NotPortable("of `(?…` only `(?:…)`, `(?P<name>…)` and the flags i, m, s are supported")
            name, on, off = opening.groups()
            if name in self._names or set(on or "") & set(off or ""):
                raise _NotPortable(f"`({opening[0]}` contradicts itself, or names what has been named")
            self._names |= {name} if name else set()
            self._at = opening.end()
        most = self._alternatives()
        if self._peek() != ")":
            raise _NotPortable("a `(` is not closed")
        self._at += 1
        return most

    def _escape(self, allowed: frozenset[str]) -> str:
        """The letter after the backslash; `x` for a character by its number, which is moved past as well."""
        letter = self._peek(1)
        if letter == "x" and re.match("[0-9a-fA-F]{2}", self._text[self._at + 2 :], re.ASCII):
            self._at += 4
            return "x"
        if not letter or letter not in allowed:
            raise _NotPortable(f"the escape `\\{letter}` does not mean the same everywhere")
        self._at += 2
        return letter

    def _class(self) -> None:
        self._at += 1
        if self._peek() == "[":
            raise _NotPortable("write `\\[` inside `[…]`")
        if self._peek() == "^":
            self._at += 1
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._member()
            if self._peek() == "-" and self._peek(1) not in ("]", ""):
                self._at += 1
                literal_dash = self._peek() == "-"  # Python warns that `--` will mean a difference of sets
                high = self._member()
                if literal_dash or not low or not high or high < low:
                    raise _NotPortable("a range in `[…]` goes from one character up to another")
        self._at += 1

    def _member(self) -> str:
        """One character of a class; the empty text for many, such as `\\d`."""
        start, char = self._at, self._peek()
        if not char:
            raise _NotPortable("a `[` is not closed")
        if char == "\\":
            letter = self._escape(_CHARACTERS | _CLASSES)
            if letter == "x":
                return chr(int(self._text[start + 2 : start + 4], 16))
            if letter in _CLASSES:
                return ""
            return {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}.get(letter, letter)
        if (char in "-&~|" and self._peek(1) == char) or self._text.startswith("[:", start):
            raise _NotPortable(
                f"`{self._text[start : start + 2]}` inside `[…]` does not mean the same everywhere"
            )
        self._at += 1
        return char


def _times(counts: re.Match[str]) -> int:
    """How often `{n}`, `{n,}` or `{n,m}` repeats at most (at least, where there is no most)."""
    low, comma, high = counts.groups()
    for count in (low, high):
        if len(count) > 4 or (len(count) > 1 and count[0] == "0") or int(count or 0) > _MAX_REPEAT:
            raise _NotPortable(f"a repetition counts to {_MAX_REPEAT} at most, without leading zeros")
    if not low or (comma and high and int(high) < int(low)):
        raise _NotPortable("write a repetition as `{2}`, `{2,}` or `{2,5}`")
    return max(int(high or low), 1)
