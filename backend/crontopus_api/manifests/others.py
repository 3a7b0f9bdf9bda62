"""The manifests under `.crontopus/`: policies, alert routes and maintenance windows."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from crontopus_api.manifests import fields as f
from crontopus_api.manifests.models import (
    Annotations,
    ApiVersion,
    Expression,
    Labels,
    Part,
    check_unique,
)
from crontopus_api.schedules.durations import clip

Severity = Literal["info", "warning", "error", "critical"]
# Those of alerts/kinds.py, which this room may not look into; a test compares them.
IncidentKind = Literal[
    "missed",
    "failing",
    "stuck",
    "too_often",
    "slow",
    "endpoint_offline",
    "sync_stalled",
    "drifted",
    "clone_suspected",
    "repository_invalid",
    "outage",
    "channel_failing",
]
_INSTANT = re.compile(
    # Stricter about times and offsets than `fromisoformat`, which takes `24:00` or not, by Python's version.
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])",
    re.ASCII,
)
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


def _instant(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise f.fail("wrong_type", "must be a point in time such as `2027-01-16T22:00:00Z`")
    hint = "a date, a time and an offset: `2027-01-16T22:00:00Z`"
    if not _INSTANT.fullmatch(value):
        raise f.fail("bad_instant", f"{clip(value)} is not a point in time", hint)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise f.fail("bad_instant", f"{clip(value)} does not exist", hint) from None


def write_instant(instant: datetime) -> str:
    """As manifests say it: `2027-01-16T22:00:00Z`."""
    # `%Y` would write the year 999 with three digits, which nobody reads back.
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _time_of_day(text: str) -> str:
    if not _TIME_OF_DAY.fullmatch(text):
        raise f.fail("bad_time", f"{clip(text)} is not a time of day", 'quoted, 24 hours: "22:00"')
    return text


Instant = Annotated[datetime, BeforeValidator(_instant), PlainSerializer(write_instant, when_used="json")]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
Once = AfterValidator(check_unique)
ChannelName = Annotated[str, Field(min_length=1, max_length=100)]
Channels = Annotated[tuple[ChannelName, ...], Field(strict=False, min_length=1, max_length=16), Once]


class Metadata(Part):
    """What an object under `.crontopus/` is called."""

    name: f.Name
    labels: Labels = Field(default_factory=dict)
    annotations: Annotations = Field(default_factory=dict)


class JobMatch(Part):
    """Which jobs are meant; no condition means all."""

    namespaces: (
        Annotated[tuple[f.Name, ...], Field(strict=False, min_length=1, max_length=64), Once] | None
    ) = None
    match_labels: Annotated[dict[f.LabelKey, f.LabelValue], Field(min_length=1, max_length=64)] | None = None


class Window(Part):
    """A stretch of the day; past midnight when `to` is not after `from`."""

    days: (
        Annotated[
            tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
            Field(strict=False, min_length=1, max_length=7),
            Once,
        ]
        | None
    ) = None
    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")


class Rules(Part):
    """What a policy demands; None demands nothing."""

    allowed_users: (
        Annotated[tuple[f.User, ...], Field(strict=False, min_length=1, max_length=64), Once] | None
    ) = None
    allowed_commands: (
        Annotated[
            tuple[Annotated[str, Field(min_length=1, max_length=1024)], ...],
            Field(strict=False, min_length=1, max_length=64),
            Once,
        ]
        | None
    ) = None
    minimum_interval: f.duration_field("1m", "366d") | None = None  # type: ignore[valid-type]
    maximum_timeout: f.duration_field("1s", "30d") | None = None  # type: ignore[valid-type]
    required_labels: (
        Annotated[tuple[f.LabelKey, ...], Field(strict=False, min_length=1, max_length=32), Once] | None
    ) = None
    allowed_windows: (
        Annotated[tuple[Window, ...], Field(strict=False, min_length=1, max_length=32)] | None
    ) = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise f.fail("empty", "a policy needs at least one rule", "e.g. `allowedUsers: [backup]`")
        return self


class PolicySpec(Part):
    """Which jobs a policy is about and what it demands of them."""

    enforcement: Literal["enforce", "warn"] = "enforce"
    match: JobMatch = JobMatch()
    rules: Rules


class Policy(Part):
    """A rule about what jobs may be."""

    api_version: ApiVersion
    kind: Literal["Policy"]
    metadata: Metadata
    spec: PolicySpec


class Escalation(Part):
    """Whom else to tell when nobody has acknowledged an incident so long after it opened."""

    after: f.duration_field("1m", "7d")  # type: ignore[valid-type]
    channels: Channels


class QuietHours(Part):
    """When nobody is told of what is not at least as severe as `below`."""

    timezone: f.Timezone = "UTC"
    windows: Annotated[tuple[Window, ...], Field(strict=False, min_length=1, max_length=32)]
    below: Severity = "critical"


def _one_after_the_other(steps: tuple[Escalation, ...]) -> tuple[Escalation, ...]:
    if any(later.after <= earlier.after for earlier, later in pairwise(steps)):
        raise f.fail("out_of_range", "each step must come later than the one before it")
    return steps


class AlertRouteSpec(Part):
    """Which incidents go to which channels."""

    match: JobMatch = JobMatch()
    severities: (
        Annotated[tuple[Severity, ...], Field(strict=False, min_length=1, max_length=4), Once] | None
    ) = None
    incidents: (
        Annotated[tuple[IncidentKind, ...], Field(strict=False, min_length=1, max_length=12), Once] | None
    ) = None
    channels: Channels
    continue_: bool = Field(default=True, alias="continue")
    enabled: bool = True
    repeat_every: f.duration_field("1m", "30d") | None = None  # type: ignore[valid-type]
    escalate: (
        Annotated[
            tuple[Escalation, ...],
            Field(strict=False, min_length=1, max_length=5),
            AfterValidator(_one_after_the_other),
        ]
        | None
    ) = None
    quiet_hours: QuietHours | None = None


class AlertRoute(Part):
    """Which incidents are told to whom."""

    api_version: ApiVersion
    kind: Literal["AlertRoute"]
    metadata: Metadata
    spec: AlertRouteSpec


class MaintenanceWindowSpec(Part):
    """A single stretch of time (`start`, `end`) or one that comes again (`schedule`, `duration`)."""

    reason: Annotated[str, Field(max_length=1024)] | None = None
    match: JobMatch = JobMatch()
    start: Instant | None = None
    end: Instant | None = None
    schedule: Expression | None = None
    duration: f.duration_field("1m", "30d") | None = None  # type: ignore[valid-type]
    timezone: f.Timezone | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        once = {"start", "end"} & self.model_fields_set
        again = {"schedule", "duration", "timezone"} & self.model_fields_set
        if once and again:
            hint = "`start` and `end`, or `schedule` and `duration`"
            raise f.fail("conflict", f"`{min(once)}` and `{min(again)}` exclude each other", hint)
        if not (len(once) == 2 or {"schedule", "duration"} <= again):
            raise f.fail("required", "a window needs `start` and `end`, or `schedule` and `duration`")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise f.fail("out_of_range", "`end` is not after `start`")
        return self


class MaintenanceWindow(Part):
    """A time in which nothing is expected of the jobs it is about, and nobody is notified."""

    api_version: ApiVersion
    kind: Literal["MaintenanceWindow"]
    metadata: Metadata
    spec: MaintenanceWindowSpec
