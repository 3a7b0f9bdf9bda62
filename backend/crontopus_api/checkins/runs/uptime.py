"""From changes of state to the time in which a job was well. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DOWN = frozenset({"missed", "failing", "stuck"})
UP = frozenset({"healthy", "running", "late"})
# Changes whose reason begins so say that the state before was a mistake.
RETRACTED = "retracted:"
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Move:
    """A change of state, as far as it matters here."""

    at: datetime
    from_state: str
    to_state: str
    reason: str = ""


@dataclass(frozen=True)
class Figures:
    down: timedelta
    known: timedelta

    @property
    def uptime(self) -> float | None:
        return 1 - self.down / self.known if self.known else None


@dataclass(frozen=True)
class Times:
    """When an instance was up and when it was down, in spans that do not overlap."""

    up: Sequence[Span]
    down: Sequence[Span]


def times_of(moves: Sequence[Move], current: str | None, since: datetime, until: datetime) -> Times:
    """What an instance did between `since` and `until`. `moves` in order of version.

    `current` is its state now, for one that has not changed since changes are kept; None: it is no more.
    """
    up: list[Span] = []
    down: list[Span] = []
    begins = since
    state = moves[0].from_state if moves else current
    for move in moves:
        ends = min(max(move.at, begins), until)
        _put(up, down, "healthy" if move.reason.startswith(RETRACTED) else state, (begins, ends))
        begins, state = ends, move.to_state
    _put(up, down, state, (begins, until))
    return Times(up, down)


def _put(up: list[Span], down: list[Span], state: str | None, span: Span) -> None:
    if span[0] < span[1]:
        if state in DOWN:
            down.append(span)
        elif state in UP:
            up.append(span)


def figures(instances: Iterable[Times]) -> Figures:
    """Of several instances together: down while any is down, known while anything is known of any."""
    found = list(instances)
    down = _total(span for times in found for span in times.down)
    known = _total(span for times in found for span in (*times.up, *times.down))
    return Figures(down, known)


def _total(spans: Iterable[Span]) -> timedelta:
    """The length of the union."""
    total, reached = timedelta(), None
    for begins, ends in sorted(spans):
        if reached is None or begins > reached:
            total += ends - begins
            reached = ends
        elif ends > reached:
            total += ends - reached
            reached = ends
    return total
