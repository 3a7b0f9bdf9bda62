"""What an incident is about, and the addresses that a channel stands for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import msgspec

from crontopus_api.alerts.models import Channel
from crontopus_api.jobs.service import Subject
from crontopus_api.schedules import parse_duration

PER_MINUTE = 20
_OWNERS = {"kind": "email", "to": [], "owners": True}


class About(msgspec.Struct, frozen=True):
    """What an incident is about, as far as it decides who hears of it.

    `namespace`, `labels`: the job's; of what is about no job there is no namespace, and the labels are the endpoint's,
    if any. `repeat`: how often the job wants to be told of again. `channel_id`: the one that it is about.
    """

    kind: str
    severity: str
    namespace: str | None = None
    labels: frozenset[tuple[str, str]] = frozenset()
    job_id: UUID | None = None
    channel_id: UUID | None = None
    repeat: timedelta | None = None


def about_job(job_id: UUID, job: Subject, kind: str) -> About:
    return About(
        kind,
        job.severity,
        job.namespace,
        frozenset(job.labels.items()),
        job_id,
        repeat=parse_duration(job.repeat_every) if job.repeat_every is not None else None,
    )


class Target(NamedTuple):
    """One address of one channel."""

    channel_id: UUID
    kind: str
    target: str


def owners_id(tenant_id: UUID) -> UUID:
    """Of the built-in channel: the same whoever makes it."""
    return uuid5(tenant_id, "owners-channel")


def addresses(channel: Channel, owners: Sequence[str]) -> list[str]:
    """Those of the channel that may be told something. `owners`: the addresses of the tenant's owners."""
    if channel.kind != "email":
        return [channel.target]
    proven = [each for each in channel.config["to"] if each in channel.verified]
    named = [*(owners if channel.config["owners"] else ()), *proven]
    return [each for each in dict.fromkeys(named) if each not in channel.unsubscribed]


def targets_of(channel: Channel, owners: Sequence[str]) -> list[Target]:
    return [Target(channel.id, channel.kind, target) for target in addresses(channel, owners)]


def owners_row(tenant_id: UUID, now: datetime) -> dict[str, Any]:
    """The built-in channel, without its tenant."""
    return {
        "id": owners_id(tenant_id),
        "name": "Owners",
        "kind": "email",
        "builtin": True,
        "is_default": True,
        "per_minute": PER_MINUTE,
        "target": "owners",
        "config": _OWNERS,
        "verified": [],
        "unsubscribed": [],
        "state": "ready",
        "verified_at": now,
        "failures": 0,
        "created_at": now,
    }
