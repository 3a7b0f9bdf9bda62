"""Where the request that is being answered comes from, for logs and the audit log.

Set once at the edge (`main.Application`), read wherever something is recorded. Empty in workers and commands.
"""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """`address`: of the client, as far as configured proxies can be believed. `agent`: its User-Agent, cut."""

    address: str | None = None
    agent: str | None = None


_NOBODY = Caller()
_current: ContextVar[Caller] = ContextVar("caller", default=_NOBODY)


def current_caller() -> Caller:
    return _current.get()


def note_caller(caller: Caller) -> None:
    """From here on this task's requests come from `caller`."""
    _current.set(caller)
