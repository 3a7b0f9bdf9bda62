"""What is to be said, before any medium has its way with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

Event = Literal["opened", "acknowledged", "resolved", "reminded"]


class DeliveryFailed(Exception):
    """The medium did not take the message. Its words are shown to the tenant.

    `retry_after`: how long the medium wants to be left alone. `hopeless`: unless somebody changes something, trying
    again will not help (it is tried all the same: somebody may). `of_target`: it says nothing about other targets of
    the channel. `status`, `response`: what came back, if anything did.
    """

    def __init__(
        self,
        words: str,
        *,
        retry_after: timedelta | None = None,
        hopeless: bool = False,
        of_target: bool = False,
        status: int | None = None,
        response: str | None = None,
    ) -> None:
        super().__init__(words)
        self.retry_after = retry_after
        self.hopeless = hopeless
        self.of_target = of_target
        self.status = status
        self.response = response


@dataclass(frozen=True)
class Receipt:
    """What the medium answered. `ids`: what it calls the message, to update or follow it later."""

    status: int | None = None
    response: str | None = None
    ids: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Thread:
    """The message in which an incident was first told of. `shared`: it told of others as well; `live`: one of those
    that it told of is still open."""

    message_id: str
    ids: dict[str, Any]
    shared: bool
    live: bool


@dataclass(frozen=True)
class Notification:
    """`message_id` is stable over retries. `thread`: None when this is the incident's first message there."""

    event: Event
    incident_id: UUID
    kind: str
    title: str
    cause: str
    severity: str
    opened_at: datetime
    resolved_at: datetime | None
    acknowledged_by: str | None
    url: str
    message_id: str
    thread: Thread | None = None

    @property
    def thread_id(self) -> str:
        """Under which the medium knows the incident."""
        return self.thread.message_id if self.thread else self.message_id


@dataclass(frozen=True)
class Digest:
    """Many at once, when much goes wrong at the same time. `url`: where all of them are listed."""

    notifications: Sequence[Notification]
    url: str

    @property
    def message_id(self) -> str:
        return self.notifications[0].message_id


@dataclass(frozen=True)
class Probe:
    """A test message: somebody wants to know whether the channel works."""

    channel: str
    by: str
    url: str
    message_id: str


Message = Notification | Digest | Probe
