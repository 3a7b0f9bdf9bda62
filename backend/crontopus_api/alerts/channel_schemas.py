"""Channels and deliveries on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from crontopus_api.alerts.channels.configs import AnyConfig
from crontopus_api.kit.paging import PageQuery
from crontopus_api.kit.schemas import Payload, Schema, Time

Kind = Literal[
    "email",
    "slack",
    "slack_webhook",
    "pagerduty",
    "webhook",
    "teams",
    "discord",
    "telegram",
    "ntfy",
    "opsgenie",
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
PerMinute = Annotated[int, Field(ge=1, le=1_000)]
DeliveryState = Literal["pending", "sent", "failed"]

_SLACK = {"kind": "slack", "channel": "C0123456789", "token": "xoxb-…", "signing_secret": "…"}
_WEBHOOK = {
    "kind": "webhook",
    "url": "https://hooks.example.com/crontopus",
    "headers": {"X-Api-Key": "…"},
    "template": '{"text": {{ incident.title | tojson }}}',
}
_NEW: list[Any] = [
    {"name": "On call", "default": True, "config": _SLACK},
    {"name": "Our own", "per_minute": 60, "config": _WEBHOOK},
    {"name": "The team", "config": {"kind": "email", "to": ["team@example.com"]}},
]
_PATCHES: list[Any] = [{"per_minute": 5}, {"config": _SLACK | {"channel": "C9876543210"}}]


class NewChannel(Payload):
    """`default`: it is told of every incident that no route takes. `per_minute`: beyond that, one message tells of
    many."""

    model_config = ConfigDict(json_schema_extra={"examples": _NEW})

    name: Name
    default: bool = False
    per_minute: PerMinute = 20
    config: AnyConfig

    @model_validator(mode="after")
    def whole(self) -> "NewChannel":
        missing = [name for name in self.config.needs() if getattr(self.config, name) is None]
        # A webhook's signing secret is made when none is given.
        missing = [name for name in missing if (self.config.kind, name) != ("webhook", "signing_secret")]
        if missing:
            raise ValueError(f"config.{missing[0]} is needed")
        return self


class ChannelPatch(Payload):
    """What is left out stays. `config` is taken as a whole, but for secrets: those that are left out stay as well."""

    model_config = ConfigDict(json_schema_extra={"examples": _PATCHES})

    name: Name | None = None
    default: bool | None = None
    per_minute: PerMinute | None = None
    config: AnyConfig | None = None


class ChannelTarget(Schema):
    """An address it leads to. Nothing is sent to one that is not verified, or was unsubscribed."""

    target: str
    state: Literal["ready", "unverified", "unsubscribed"]


class Breaker(Schema):
    """After several failures in a row nothing is sent until `open_until`; then one message tries (half open)."""

    state: Literal["closed", "open", "half_open"]
    failures: int
    failing_since: Time | None
    open_until: Time | None


class ChannelOut(Schema):
    """`config` without secrets; `secrets` names those that are set."""

    id: UUID
    name: str
    kind: Kind
    builtin: bool
    default: bool
    per_minute: int
    config: dict[str, Any]
    secrets: list[str]
    targets: list[ChannelTarget]
    state: Literal["unverified", "ready", "broken"]
    problem: str | None
    verified_at: Time | None
    breaker: Breaker
    created_at: Time


class MadeChannel(ChannelOut):
    """`signing_secret`: of a webhook, when it was made here. It is shown this once."""

    signing_secret: str | None = None


class TestResult(Schema):
    """`words`: what the medium said, or why it did not take it."""

    target: str
    ok: bool
    words: str
    status: int | None = None
    response: str | None = None
    took_ms: int


class TestOut(Schema):
    ok: bool
    results: list[TestResult]


class DeliveryOut(Schema):
    """`message_id`: under which the receiver knows it; the same for all that went in one message. `held`: why nobody
    is told before `next_at`: quiet hours, a maintenance window."""

    id: UUID
    incident_id: UUID
    channel_id: UUID | None
    kind: str
    target: str
    event: Literal["opened", "acknowledged", "resolved", "reminded"]
    state: DeliveryState
    attempts: int
    message_id: UUID | None
    last_error: str | None
    created_at: Time
    sent_at: Time | None
    next_at: Time | None
    expires_at: Time | None
    held: str | None


class AttemptOut(Schema):
    """`size`: how many deliveries went in the message. `response`: the beginning of what came back."""

    at: Time
    took_ms: int
    ok: bool
    size: int
    status: int | None
    response: str | None
    error: str | None


class DeliveryDetail(DeliveryOut):
    tries: list[AttemptOut]


class DeliveryQuery(PageQuery):
    channel_id: UUID | None = None
    incident_id: UUID | None = None
    state: DeliveryState | None = None


class Token(Payload):
    """What a link in a message carries."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class AddressOut(Schema):
    address: str
