"""What can go wrong, in words services use. `kit.problems` turns these into HTTP answers.

Every error has a stable `code` that clients may rely on and a `message` for people that says what
is wrong; `hint` says what to do next.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class CrontopusError(Exception):
    """Base of every expected failure."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    default_code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        errors: Sequence[dict[str, Any]] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.errors = list(errors)
        self.retry_after_seconds = retry_after_seconds


class NotFound(CrontopusError):
    """No such object, or not yours: the caller cannot tell which."""

    status, title, default_code = 404, "Not found", "not_found"


class Conflict(CrontopusError):
    status, title, default_code = 409, "Conflict", "conflict"


class Invalid(CrontopusError):
    """The payload was understood and is wrong."""

    status, title, default_code = 422, "Invalid", "invalid"


class Unauthenticated(CrontopusError):
    status, title, default_code = 401, "Not signed in", "unauthenticated"


class Forbidden(CrontopusError):
    status, title, default_code = 403, "Not allowed", "forbidden"


class TooManyRequests(CrontopusError):
    status, title, default_code = 429, "Too many requests", "rate_limited"


class Unavailable(CrontopusError):
    """Something Crontopus needs is away; the same request may succeed later."""

    status, title, default_code = 503, "Unavailable", "unavailable"
