"""Blots out of an output what must not be kept, as `crontopus-run` does on endpoints (capture.go). Pure."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import structlog

log = structlog.get_logger()

REPLACEMENT = b"[redacted]"
WITHHELD = b"[withheld: a redaction pattern of this job cannot be applied]"


def redact(patterns: Sequence[str], content: bytes) -> bytes:
    """`content` without what the job's `output.redact` patterns match. Takes time in proportion to its length.

    Manifests are checked when they are committed; of one whose pattern cannot be applied all the same nothing is
    kept: better no output than one with a password in it.
    """
    for pattern in patterns:
        compiled = _compiled(pattern)
        if compiled is None:
            return WITHHELD
        text, raw = compiled
        spans = [match.span() for match in text.finditer(content)]
        # Text of another encoding is no text to RE2, and `\S+` would stop short in the middle of a password. Byte
        # by byte it goes on to the end.
        if not content.isascii():
            spans += [match.span() for match in raw.finditer(content)]
        content = _without(content, spans)
    return content


def _without(content: bytes, spans: list[tuple[int, int]]) -> bytes:
    """Spans that overlap are one."""
    kept, reached = [], 0
    for begins, ends in sorted(spans):
        if begins >= reached:
            kept += [content[reached:begins], REPLACEMENT]
        reached = max(reached, ends)
    return b"".join([*kept, content[reached:]])


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> tuple[Any, Any] | None:
    """The pattern for UTF-8, and for single bytes."""
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - has no types; 2 MB, and most jobs have no pattern

    def compiled(encoding: Any) -> Any:
        options = re2.Options()
        options.encoding = encoding
        options.log_errors = False
        return re2.compile(pattern.encode(), options)

    try:
        return compiled(re2.Options.Encoding.UTF8), compiled(re2.Options.Encoding.LATIN1)
    except re2.error as error:
        log.warning("redaction_pattern_unusable", pattern=pattern, error=str(error))
        return None
