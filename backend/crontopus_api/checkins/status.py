"""What the status engine works on: an instance's hot row, the events that reach it, and what comes of them. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

Outcome = Literal["success", "failure", "timeout", "skipped", "lost"]


@dataclass(slots=True)
class OpenRun:
    """A run that has started and not ended. `flagged`: it was already called stuck. `printed`: output of it is kept."""

    run_id: UUID
    partition_at: datetime
    started_at: datetime
    flagged: bool = False
    printed: bool = False


@dataclass(slots=True)
class Status:
    """`missed_slot_at`: the slot that was called missed first; moves on as late reports answer it and the next, and
    is nothing once a slot is served in time, or while the state has been missed since before that.
    `excused_until`: what should have happened by now is waited for until then, as we could not be reached.
    """

    state: str
    since: datetime
    version: int
    due_at: datetime | None = None
    deadline_at: datetime | None = None
    last_seen_at: datetime | None = None
    failures: int = 0
    successes: int = 0
    open_runs: list[OpenRun] = field(default_factory=list)
    missed_slot_at: datetime | None = None
    excused_until: datetime | None = None
    usual_ms: int | None = None
    usual_runs: int = 0
    warnings: list[dict[str, Any]] = field(default_factory=list)


class Start(msgspec.Struct, frozen=True):
    run_id: UUID
    partition_at: datetime
    at: datetime


class Finish(msgspec.Struct, frozen=True):
    """`counted`: the run's start, or another end of it, was told before, so that it serves no slot now."""

    run_id: UUID
    at: datetime
    outcome: Outcome
    exit_code: int | None = None
    started_at: datetime | None = None
    counted: bool = False


class Change(msgspec.Struct, frozen=True):
    version: int
    from_state: str
    to_state: str
    reason: str
    at: datetime
    run_id: UUID | None = None


class Outage(NamedTuple):
    """A time in which nobody could report to us."""

    began_at: datetime
    ended_at: datetime


class LostRun(NamedTuple):
    run: OpenRun
    message: str


@dataclass(slots=True)
class Passed:
    """What a deadline came to. `forgiven`: slots whose report an outage of ours may have swallowed."""

    changes: list[Change] = field(default_factory=list)
    missed: list[datetime] = field(default_factory=list)
    forgiven: list[datetime] = field(default_factory=list)
    lost: list[LostRun] = field(default_factory=list)
