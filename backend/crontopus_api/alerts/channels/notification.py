"""What is to be said, before any medium has its way with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


class DeliveryFailed(Exception):
    """The medium did not take the message; trying again may help. The message is shown to the tenant."""


@dataclass(frozen=True)
class Notification:
    """`message_id` is stable over retries; `thread_id` is the first message of the incident's thread."""

    event: Literal["opened", "resolved"]
    title: str
    cause: str
    severity: str
    opened_at: datetime
    resolved_at: datetime | None
    url: str
    message_id: str
    thread_id: str


@dataclass(frozen=True)
class Digest:
    """Many at once, when much goes wrong at the same time. `url`: where all of them are listed."""

    notifications: Sequence[Notification]
    url: str

    @property
    def message_id(self) -> str:
        """That of the first: what is added before a retry does not change it."""
        return self.notifications[0].message_id
