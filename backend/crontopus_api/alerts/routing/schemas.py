"""Routes and maintenance windows on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator

from crontopus_api.alerts.kinds import IncidentKind
from crontopus_api.kit.schemas import Payload, Schema, Time

Severity = Literal["info", "warning", "error", "critical"]
Address = Annotated[str, StringConstraints(max_length=127, pattern=r"^[^/\x00]+/[^/\x00]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=63)]
LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=128)]
LabelValue = Annotated[str, StringConstraints(max_length=63)]


class RouteOut(Schema):
    """`spec`: as in the manifest. `problems`: why it does less than it says."""

    name: str
    path: str
    enabled: bool
    spec: dict[str, Any]
    problems: list[str]


class WindowOut(Schema):
    """`active_until`: when the stretch of time ends that it is in now."""

    name: str
    path: str
    reason: str | None
    spec: dict[str, Any]
    active: bool
    active_until: Time | None
    next_start: Time | None


class RouteTest(Payload):
    """Either a job, or what an incident would be about. `at`: as if it opened then; default: now. Of a job `kind` is
    `failing` and `severity` the job's own unless they are given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"job": "production/nightly-backup"},
                {"kind": "endpoint_offline", "severity": "critical", "labels": {"role": "db"}},
            ]
        }
    )

    job: Address | None = None
    kind: IncidentKind | None = None
    severity: Severity | None = None
    namespace: Name | None = None
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=64)] | None = None
    at: AwareDatetime | None = None

    @model_validator(mode="after")
    def one_or_the_other(self) -> "RouteTest":
        if self.job is not None and (self.namespace is not None or self.labels is not None):
            raise ValueError("job has its own namespace and labels: leave namespace and labels out")
        if self.job is None and self.kind is None:
            raise ValueError("either job or kind is needed")
        return self


class TestedAbout(Schema):
    kind: IncidentKind
    severity: Severity
    namespace: str | None
    labels: dict[str, str]


class TestedRoute(Schema):
    name: str
    matched: bool
    why: str


class TestedTarget(Schema):
    """`route`: null of the default one. `held_until`, `why`: who is not told at once, and why not."""

    channel_id: UUID
    channel: str
    kind: str
    target: str
    route: str | None
    held_until: Time | None
    why: str | None


class TestedStep(Schema):
    after_seconds: int
    route: str
    channels: list[str]


class RouteTestOut(Schema):
    """`routes`: each in the order in which they are tried. `default_route`: whether the default channels are told, for
    want of a route or in place of a channel that cannot be used."""

    about: TestedAbout
    routes: list[TestedRoute]
    default_route: bool
    targets: list[TestedTarget]
    escalation: list[TestedStep]
    repeat_every_seconds: int | None
