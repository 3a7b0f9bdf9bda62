"""What can go wrong, in words for the person at the terminal, and the exit code each kind has."""

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The contract with scripts; documented in docs/user/cli.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    AUTH = 3


class CliError(Exception):
    """Ends the command with one line saying what is wrong and, as `hint`, what to do next."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CliError):
    """The command line itself is wrong; nothing was sent."""

    exit_code = ExitCode.USAGE


class AuthError(CliError):
    """Not logged in, a token the server refuses, or a token that may not do this. `code`: the API's word for why."""

    exit_code = ExitCode.AUTH

    def __init__(self, message: str, hint: str | None = None, *, code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


class Unreachable(CliError):
    """No answer from the server."""


class ApiError(CliError):
    """The server answered with a problem. `errors` are its per-line findings, as sent."""

    def __init__(
        self, message: str, hint: str | None, *, status: int, code: str, errors: list[dict[str, Any]]
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.code = code
        self.errors = errors


class Failed(CliError):
    """Parts of the work failed and were reported as they did; nothing is left to say."""

    def __init__(self) -> None:
        super().__init__("")
