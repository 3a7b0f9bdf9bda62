"""YAML that libyaml reads, but other libraries read differently or not at all.

The agent's YAML library is not the server's. What the two make of a text may differ only where the server refuses
it, so each construct in which a difference was found is refused here, although it is hardly ever written.
`backend/tests/manifests/test_go_reads.py` looks for more of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import yaml
from yaml import tokens
from yaml._yaml import CParser

# Nothing odd can be in a text without one of these: most files need no second look.
_SUSPECT = re.compile(r"\?|\S#|-[,\]}]|[ \t]\Z")
_BLOCK_HEAD = re.compile(r"[|>][-+0-9]*(?=#)")
_BLANK_END = re.compile(r"[\n\r\x85\u2028\u2029][ \t]+\Z")
# A text that has more tokens or levels is refused by the reader, which stops earlier than libyaml's scanner would.
_MAX_TOKENS = 40_000
_MAX_DEPTH = 40
_STARTS = (
    tokens.BlockMappingStartToken,
    tokens.BlockSequenceStartToken,
    tokens.FlowMappingStartToken,
    tokens.FlowSequenceStartToken,
)
_ENDS = (tokens.BlockEndToken, tokens.FlowMappingEndToken, tokens.FlowSequenceEndToken)


@dataclass(frozen=True, slots=True)
class Oddity:
    """What is odd and where, counted from 1."""

    line: int
    column: int
    message: str
    hint: str


def first_oddity(text: str) -> Oddity | None:
    """The first construct that libraries read differently, up to the first that libyaml cannot read either."""
    if not _SUSPECT.search(text):
        return None
    last_text = None
    for token in _tokens(text):
        if oddity := _comment(token, text) or _dash(token) or _question_mark(token, text):
            return oddity
        if isinstance(token, tokens.ScalarToken):
            last_text = token
    return _blanks_at_the_end(last_text, text)


def _tokens(text: str) -> Iterator[tokens.Token]:
    """As far as libyaml can read them and the reader would; it says what is wrong with the rest."""
    parser = CParser(text)
    count = depth = 0
    with suppress(yaml.YAMLError, UnicodeDecodeError):
        while (token := parser.get_token()) is not None and count < _MAX_TOKENS and depth < _MAX_DEPTH:
            yield token
            count += 1
            depth += isinstance(token, _STARTS) - isinstance(token, _ENDS)


def _is_block(token: tokens.Token) -> bool:
    return isinstance(token, tokens.ScalarToken) and token.style in ("|", ">")


def _comment(token: tokens.Token, text: str) -> Oddity | None:
    """YAML wants a blank before `#`; libyaml does not after a quote, a bracket, a comma or the head of a block."""
    start, end = token.start_mark, token.end_mark
    if _is_block(token):
        head = _BLOCK_HEAD.match(text, start.index)
        odd, line, column = head is not None, start.line, start.column + len(head[0] if head else "")
    else:
        odd, line, column = start.index < end.index and text.startswith("#", end.index), end.line, end.column
    if not odd:
        return None
    return Oddity(line + 1, column + 1, "a comment without a blank before it", "put a blank before the `#`")


def _blanks_at_the_end(last_text: tokens.Token | None, text: str) -> Oddity | None:
    """Are they a part of the text, and does a line end after them?"""
    if last_text is not None and _is_block(last_text) and _BLANK_END.search(text):
        hint = "remove them, or end the file with a line break"
        return _at(last_text, "the file ends in blanks that may belong to this text", hint)
    return None


def _dash(token: tokens.Token) -> Oddity | None:
    """Text for libyaml, an item without value for others."""
    if isinstance(token, tokens.ScalarToken) and token.plain and token.value == "-":
        return _at(token, "a lone `-` between brackets", 'quote it: "-"')
    return None


def _question_mark(token: tokens.Token, text: str) -> Oddity | None:
    """Between brackets it starts a key in libyaml whatever comes next, for others only before a blank."""
    if not isinstance(token, tokens.KeyToken) or token.start_mark.index == token.end_mark.index:
        return None  # a key without `?`
    if text[token.end_mark.index :][:1].isspace():
        return None
    return _at(token, "`?` at the start of a value", "quote the value")


def _at(token: tokens.Token, message: str, hint: str) -> Oddity:
    return Oddity(token.start_mark.line + 1, token.start_mark.column + 1, message, hint)
