"""What every medium can do, and to whom it does it."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from crontopus_api.alerts.channels.notification import Message, Receipt


@dataclass(frozen=True)
class To:
    """One target of a channel, with everything that is needed to reach it, secrets included: never logged."""

    tenant_id: UUID
    channel_id: UUID
    target: str
    config: Any
    """Of the kind's own class in `configs`."""

    def __repr__(self) -> str:
        return f"To({self.channel_id}, {self.target!r})"


class Medium(Protocol):
    async def send(self, to: To, message: Message) -> Receipt:
        """Hand it over. The same `message_id` may come again, and must reach people once where the medium can tell.

        Raises DeliveryFailed with the medium's words.
        """

    async def verify(self, to: To) -> str | None:
        """Whether the credentials are good, without anybody being told: the medium's words, or None when it has no
        such question, and only a test message can tell. Raises DeliveryFailed.
        """
