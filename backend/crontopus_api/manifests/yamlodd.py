"""YAML that libyaml reads, but other libraries read differently or not at all.

The agent's YAML library is not the server's. What the two make of a text may differ only where the server refuses
it, so each construct in which a difference was found is refused here, although it is hardly ever written.
`backend/tests/manifests/test_go_reads.py` looks for more of them.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

import yaml
from yaml import tokens
from yaml._yaml import CParser

# Nothing odd can be in a text without one of these: most files need no second look.
_SUSPECT = re.compile(r"\?|\S#|-[,\]}]|[ \t]\Z")
_BLOCK_HEAD = re.compile(r"[|>][-+0-9]*")
_BLANK_LAST_LINE = re.compile(r"(?<=[\n\r])[ \t]+\Z")
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


# After `?`: no key at all.
_NOTHING = [[], [tokens.ValueToken], [tokens.KeyToken], [tokens.BlockEndToken], [tokens.FlowEntryToken]]
_NOTHING += [[tokens.FlowSequenceEndToken], [tokens.FlowMappingEndToken]]


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
    found = _tokens(text)
    for index, token in enumerate(found):
        next_two = found[index + 1 : index + 3]
        if (
            oddity := _in_block(token, text)
            or _comment(token, text)
            or _dash(token)
            or _key(token, next_two, text)
        ):
            return oddity
    return None


def _tokens(text: str) -> list[tokens.Token]:
    """As far as libyaml can read them and the reader would; it says what is wrong with the rest."""
    parser = CParser(text)
    found: list[tokens.Token] = []
    depth = 0
    with suppress(yaml.YAMLError, UnicodeDecodeError):
        while (token := parser.get_token()) is not None and len(found) < _MAX_TOKENS and depth < _MAX_DEPTH:
            found.append(token)
            depth += isinstance(token, _STARTS) - isinstance(token, _ENDS)
    return found


def _is_block(token: tokens.Token) -> bool:
    return isinstance(token, tokens.ScalarToken) and token.style in ("|", ">")


def _in_block(token: tokens.Token, text: str) -> Oddity | None:
    if not _is_block(token):
        return None
    head = _BLOCK_HEAD.match(text, token.start_mark.index)
    assert head is not None  # that is how libyaml knows it
    if text.startswith("#", head.end()):
        return _bare_comment(token.start_mark.line, token.start_mark.column + len(head[0]))
    if "+" in head[0] and token.end_mark.index == len(text) and _BLANK_LAST_LINE.search(text):
        return _at(
            token,
            "blanks after the last line break of a text that keeps them",
            "end the file with a line break",
        )
    return None


def _comment(token: tokens.Token, text: str) -> Oddity | None:
    """YAML wants a blank before `#`; libyaml does not after a quote, a bracket or a comma."""
    end = token.end_mark
    if _is_block(token) or token.start_mark.index == end.index or not text.startswith("#", end.index):
        return None
    return _bare_comment(end.line, end.column)


def _bare_comment(line: int, column: int) -> Oddity:
    return Oddity(line + 1, column + 1, "a comment without a blank before it", "put a blank before the `#`")


def _dash(token: tokens.Token) -> Oddity | None:
    """Text for libyaml, an item without value for others."""
    if isinstance(token, tokens.ScalarToken) and token.plain and token.value == "-":
        return _at(token, "a lone `-` between brackets", 'quote it: "-"')
    return None


def _key(token: tokens.Token, next_two: list[tokens.Token], text: str) -> Oddity | None:
    """Between brackets `?` starts a key in libyaml whatever comes next; without a value, places differ."""
    if not isinstance(token, tokens.KeyToken) or token.start_mark.index == token.end_mark.index:
        return None  # a key without `?`
    if not text[token.end_mark.index :][:1].isspace():
        return _at(token, "`?` at the start of a value", "quote the value")
    kinds = [type(item) for item in next_two]
    if (kinds[:1] == [tokens.ScalarToken] and kinds[1:] != [tokens.ValueToken]) or kinds[:1] in _NOTHING:
        return _at(token, "`?` without a key and a value", "write `key: value`")
    return None  # what it is, the reader refuses


def _at(token: tokens.Token, message: str, hint: str) -> Oddity:
    return Oddity(token.start_mark.line + 1, token.start_mark.column + 1, message, hint)
