"""Log lines: for people on a terminal, JSON for machines. One configuration for structlog and stdlib."""

import io
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog

from crontopus_api.kit.caller import current_caller

_SECRET_NAMES = (
    "password",
    "secret",
    "token",
    "authorization",
    "cookie",
    "ping_key",
    "api_key",
    "private_key",
)
# What gives itself away wherever it stands: in an address, an exception's words, somebody else's message.
_SECRETS = re.compile(
    r"""
    (?P<token>\bctp_[a-z]+_)[0-9A-Za-z]{8,}                                    # our own tokens, whole or cut
  | (?P<bearer>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}                    # Authorization
  | (?P<url>\b[a-z][a-z0-9+.-]*://[^\s/:@"']*:)[^\s/@"']+(?=@)                  # a password in an address
  | (?P<ping>/p(?:ing)?/)[0-9A-Za-z_-]{20,}                                   # ping keys
  | (?P<sentry>/api/[^/\s]+/cron/[^/\s]+/)[0-9A-Za-z_-]{20,}
  | (?P<badge>/badge/)[0-9A-Za-z_-]{20,}
  | (?P<named>\b(?:password|passwd|pwd|secret|token|code|sentry_key)=)[^\s&"',;]+  # in a query, or libpq's settings
  | (?P<pem>-----BEGIN[ A-Z]*PRIVATE[ ]KEY-----).*?(?:-----END|\Z)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_REDACTED = "[redacted]"
_DEEPEST = 6


def redact_text(text: str) -> str:
    """`text` without the secrets that can be told by how they look."""
    return _SECRETS.sub(lambda match: f"{match[match.lastgroup or 0]}{_REDACTED}", text)


def _redact_value(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {name: _redact_item(name, each, depth) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) and depth < _DEEPEST:
        return [_redact_value(each, depth + 1) for each in value]
    if isinstance(value, (bytes, bytearray)):
        return redact_text(bytes(value).decode("utf-8", "replace"))
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return redact_text(str(value))


def _redact_item(name: object, value: Any, depth: int) -> Any:
    if any(secret in str(name).lower() for secret in _SECRET_NAMES):
        return _REDACTED
    return _redact_value(value, depth + 1)


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in event:
        # structlog's own: an exception is formatted first, and redacted then.
        if name not in _OWN:
            event[name] = _redact_item(name, event[name], 0)
    return event


_OWN = ("exc_info", "_record", "_from_structlog")


def _name_request(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """So that what a user quotes from X-Request-ID can be found."""
    request_id = current_caller().request_id
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


def _plain_traceback(out: TextIO, exc_info: Any) -> None:
    """Plain: the pretty ones print local variables, and with them secrets."""
    written = io.StringIO()
    structlog.dev.plain_traceback(written, exc_info)
    out.write(redact_text(written.getvalue()))


def configure(level: str, form: Literal["console", "json"]) -> None:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_request,
        _redact,
    ]
    renderers: list[Any] = [
        structlog.processors.format_exc_info,
        _redact,
        structlog.processors.JSONRenderer(),
    ]
    if form == "console":
        colors = sys.stderr.isatty()
        renderers = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_plain_traceback)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # One line per request would drown the rest; requests are counted in /metrics instead.
    for noisy in ("uvicorn.access", "procrastinate", "httpx", "alembic.runtime.migration"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
