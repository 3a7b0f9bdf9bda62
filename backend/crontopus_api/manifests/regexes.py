"""Regular expressions that mean the same in Python and in Go (RE2).

Redaction runs where the output is: in `crontopus-run` (Go) and, in ping mode, in the API. So a pattern may
only use what both engines know, and nothing that needs backtracking.
"""

from __future__ import annotations

import re
import warnings

MAX_PATTERN = 256
_MAX_REPEAT = 1000

_REFUSED = (
    (re.compile(r"\(\?<?[=!]"), "look-ahead and look-behind are not supported"),
    (re.compile(r"\(\?>"), "atomic groups are not supported"),
    (re.compile(r"\(\?\("), "conditional groups are not supported"),
    (re.compile(r"\(\?P[=>]"), "references to groups are not supported"),
    (re.compile(r"\(\?#"), "comments are not supported"),
    (re.compile(r"\(\?<[A-Za-z_]"), "write named groups as `(?P<name>…)`"),
    (re.compile(r"\(\?[a-zA-Z]*[aLux]"), "of the flags only i, m and s are supported"),
    (re.compile(r"[*+?}]\+"), "possessive quantifiers are not supported"),
)
_ESCAPES = frozenset("dDwWsSbBAtnrfv" + r".\+*?()|[]{}^$-/\"'#&~%@!=<>:;, _`")


def check_pattern(pattern: str) -> str | None:
    """What is wrong with a redaction pattern; None when it is fine."""
    if not pattern:
        return "an empty pattern matches everywhere"
    if len(pattern) > MAX_PATTERN:
        return f"longer than {MAX_PATTERN} characters"
    problem = _unportable(pattern)
    if problem is not None:
        return problem
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "possible nested set": means something else in each engine
            compiled = re.compile(pattern)
    except (re.error, FutureWarning, DeprecationWarning, OverflowError, RecursionError) as error:
        return str(error)
    if compiled.match(""):
        return "the pattern also matches nothing at all, so it would redact everywhere"
    return None


def _unportable(pattern: str) -> str | None:
    for refused, reason in _REFUSED:
        if refused.search(_blank_escapes(pattern)):
            return reason
    for escape in re.finditer(r"\\(x[0-9a-fA-F]{2}|.|$)", pattern, re.DOTALL):
        letter = escape[1]
        if letter[:1].isdigit():
            return "references to groups are not supported"
        if letter not in _ESCAPES and not re.fullmatch("x[0-9a-fA-F]{2}", letter):
            return f"the escape `{escape[0]}` does not mean the same everywhere"
    for repeat in re.finditer(r"\{([0-9]*),?([0-9]*)\}", pattern):
        if any(len(count) > 4 or int(count or 0) > _MAX_REPEAT for count in repeat.groups()):
            return f"a repetition counts to {_MAX_REPEAT} at most"
    return None


def _blank_escapes(pattern: str) -> str:
    """Without escaped characters and character classes, where operators are only text."""
    plain = re.sub(r"\\.", "xx", pattern, flags=re.DOTALL)
    return re.sub(r"\[\^?\]?[^\]]*\]", lambda match: "x" * len(match[0]), plain)
