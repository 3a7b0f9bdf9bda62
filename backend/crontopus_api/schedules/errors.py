"""What can be wrong with a schedule, in words a person can act on."""

from __future__ import annotations


class ScheduleInvalid(Exception):
    """A schedule, timezone or duration that cannot be used.

    `code` is stable and machine-readable, `message` says what is wrong, `hint` what to do about it, and
    `index` which expression of the list is meant (None: the timezone, or a single value).
    """

    def __init__(self, code: str, message: str, hint: str | None = None, index: int | None = None) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.code = code
        self.message = message
        self.hint = hint
        self.index = index
