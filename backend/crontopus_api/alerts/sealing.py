"""Channels' secrets: sealed in the database, opened when a message is about to go out."""

import json
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from crontopus_api.alerts.channels.configs import AnyConfig, Config
from crontopus_api.alerts.models import Channel
from crontopus_api.kit.crypto import Keyring, Place

TABLE = "channels"
_CONFIGS: TypeAdapter[Config] = TypeAdapter(AnyConfig)


class ChannelSecrets:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, tenant_id: UUID, channel_id: UUID, secrets: dict[str, Any]) -> bytes | None:
        if not secrets:
            return None
        return self._keyring.seal(json.dumps(secrets).encode(), Place(TABLE, tenant_id, str(channel_id)))

    def open(self, channel: Channel) -> dict[str, Any]:
        """Raises SealBroken."""
        if channel.secret is None:
            return {}
        opened = self._keyring.open(channel.secret, Place(TABLE, channel.tenant_id, str(channel.id)))
        found: dict[str, Any] = json.loads(opened)
        return found

    def config(self, channel: Channel) -> Config:
        """Whole, secrets included."""
        return _CONFIGS.validate_python(channel.config | self.open(channel))
