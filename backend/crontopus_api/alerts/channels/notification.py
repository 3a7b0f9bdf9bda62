"""What is to be said, before any medium has its way with it."""

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
