"""What travels through the check-in room."""

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from uuid import UUID, uuid5

import msgspec

from crontopus_api.checkins.engine import Outcome, Status
from crontopus_api.jobs.expectation import Expectation

Kind = Literal["start", "finish", "log"]
Source = Literal["ping", "agent", "api", "cronitor", "sentry"]


class Output(msgspec.Struct, frozen=True):
    """What a run printed: `content` may be cut, `total_bytes` is what there was."""

    content: bytes
    total_bytes: int
    truncated: bool


class Target(msgspec.Struct, frozen=True):
    """Which instance a message is about: by ping key digest, or by id within a tenant.

    `endpoint_id`: only an instance of this endpoint may be meant. `former_digest`: by the secret before this one.
    """

    digest: bytes | None = None
    tenant_id: UUID | None = None
    instance_id: UUID | None = None
    endpoint_id: UUID | None = None
    former_digest: bytes | None = None


class CheckIn(msgspec.Struct, frozen=True):
    """One message about a run, from whichever door. `at` None: now. `run_key`: the sender's run id.

    `minted`: the event id is ours, made at `at`, when the message arrived: a run that it begins is called by it.

    `host` and `environment`: where the sender says it ran. `metrics`: numbers it reports, by name.
    """

    event_id: UUID
    target: Target
    kind: Kind
    source: Source
    at: datetime | None = None
    run_key: UUID | None = None
    outcome: Outcome | None = None
    exit_code: int | None = None
    duration_ms: int | None = None
    slot_at: datetime | None = None
    commit_id: str | None = None
    message: str | None = None
    output: Output | None = None
    host: str | None = None
    environment: str | None = None
    metrics: dict[str, float] | None = None
    minted: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What became of a check-in."""

    event_id: UUID
    status: Literal["accepted", "duplicate", "unknown", "too_old", "journaled"]
    run_id: UUID | None = None


@dataclass(slots=True)
class LastRun:
    """The run that an instance shows as its last; goes onto the status row."""

    id: UUID
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    exit_code: int | None


@dataclass(slots=True)
class Live:
    """An instance as loaded for a batch. `status` None: it is retired.

    `seen` is the version of the status row (`xmin`) that `status` was read from: what is concluded from it is
    written only while the row is still that one.
    """

    tenant_id: UUID
    instance_id: UUID
    job_id: UUID
    endpoint_id: UUID | None
    expectation: Expectation
    status: Status | None
    seen: str | None = None
    last_run: LastRun | None = None


class RunRow(msgspec.Struct, omit_defaults=True):
    """A run as it will be written, by the names of its columns; None leaves what is stored.

    `loose`: it is written whatever becomes of a status row, as its instance has none. `content`: compressed.
    """

    tenant_id: UUID
    partition_at: datetime
    id: UUID
    instance_id: UUID
    job_id: UUID
    endpoint_id: UUID | None
    state: str
    source: str
    slot_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int | None = None
    exit_code: int | None = None
    commit_id: str | None = None
    message: str | None = None
    host: str | None = None
    environment: str | None = None
    metrics: dict[str, float] | None = None
    output_bytes: int | None = None
    output_total_bytes: int | None = None
    output_truncated: bool = False
    content: bytes | None = None
    loose: bool = False

    def keep(self, output: Output) -> None:
        """Make `output` what the run printed."""
        self.output_bytes, self.output_total_bytes = len(output.content), output.total_bytes
        self.output_truncated = output.truncated
        self.content = _compressed(output.content) if output.content else None


def _compressed(content: bytes) -> bytes:
    """Without asking for memory for 64 KiB where there is one: that takes ten times as long as the rest."""
    window = min(15, len(content).bit_length() + 1)
    made = zlib.compressobj(1, zlib.DEFLATED, max(window, 9), min(8, max(1, window - 7)))
    return made.compress(content) + made.flush()


def stored_output(content: bytes, total_bytes: int | None, truncated: bool) -> Output:
    """As `RunRow.keep` wrote it."""
    found = zlib.decompress(content)
    return Output(found, len(found) if total_bytes is None else total_bytes, truncated)


def absence_id(instance_id: UUID, slot: datetime) -> UUID:
    """The id of the row that says no run came for a slot: whoever learns of one finds the row by it."""
    return uuid5(instance_id, slot.astimezone(UTC).isoformat())


class Withdrawn(NamedTuple):
    """The row of an absence (its `partition_at` is the slot) that turned out to be none."""

    tenant_id: UUID
    instance_id: UUID
    slot_at: datetime
    run_id: UUID
