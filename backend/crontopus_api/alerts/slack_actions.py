"""Buttons pressed in Slack.

Slack signs what it sends with the secret of the app, and each channel may be of another app. Which one it is says the
button's own value, which is signed by us; only then Slack's signature is looked at.
"""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from crontopus_api.alerts import channels_repository
from crontopus_api.alerts.channels.configs import SlackConfig
from crontopus_api.alerts.channels.slack import ACKNOWLEDGE, SNOOZE
from crontopus_api.alerts.responding import Responder, somebody
from crontopus_api.alerts.sealing import ChannelSecrets
from crontopus_api.alerts.signed import Act, SignedLinks, believed
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Conflict, NotFound, Unauthenticated

# Slack's own advice: what is older may have been recorded and played again.
_WINDOW = timedelta(minutes=5)
_SNOOZE = timedelta(hours=1)


class SlackActions:
    def __init__(
        self,
        database: Database,
        links: SignedLinks,
        secrets: ChannelSecrets,
        responder: Responder,
        clock: Clock,
    ) -> None:
        self._database = database
        self._links = links
        self._secrets = secrets
        self._responder = responder
        self._clock = clock

    async def handle(self, body: bytes, timestamp: str, signature: str) -> None:
        """Raises Unauthenticated for what is not Slack's, or not from just now."""
        payload = _payload(body)
        pressed = payload.get("actions")
        action = pressed[0] if isinstance(pressed, list) and pressed and isinstance(pressed[0], dict) else {}
        act = believed(str(action.get("value", "")), self._links)
        if act is None:
            raise _refused()
        await self._check(act, body, timestamp, signature)
        user = payload.get("user")
        name = user.get("username") or user.get("name") or user.get("id") if isinstance(user, dict) else None
        await self._act(act, str(action.get("action_id")), f"{str(name or 'somebody')[:100]} in Slack")

    async def _check(self, act: Act, body: bytes, timestamp: str, signature: str) -> None:
        async with self._database.tenant(act.tenant_id) as session:
            channel = await channels_repository.get(session, act.tenant_id, act.channel_id)
        config = self._secrets.config(channel) if channel is not None and channel.kind == "slack" else None
        if not isinstance(config, SlackConfig) or config.signing_secret is None:
            raise _refused()
        now = int(self._clock.now().timestamp())
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
            raise _refused()
        if abs(now - int(timestamp)) > _WINDOW.total_seconds():
            raise _refused()
        signed = b"v0:" + timestamp.encode() + b":" + body
        digest = hmac.digest(config.signing_secret.get_secret_value().encode(), signed, hashlib.sha256)
        if not hmac.compare_digest(f"v0={digest.hex()}".encode(), signature.encode()):
            raise _refused()

    async def _act(self, act: Act, action: str, who: str) -> None:
        async with self._database.tenant(act.tenant_id) as session:
            try:
                actor = somebody(who)
                if action == ACKNOWLEDGE:
                    await self._responder.acknowledge(session, act.tenant_id, act.incident_id, actor)
                elif action == SNOOZE:
                    await self._responder.snooze(session, act.tenant_id, act.incident_id, actor, _SNOOZE)
            except (NotFound, Conflict):
                # It is over or gone: the message says so already, or is about to. Slack would show an error.
                return


def _payload(body: bytes) -> dict[str, Any]:
    """The form's only field. Raises Unauthenticated."""
    try:
        found = json.loads(parse_qs(body.decode(), max_num_fields=10)["payload"][0])
    except (ValueError, KeyError, RecursionError) as error:
        raise _refused() from error
    if not isinstance(found, dict):
        raise _refused()
    return found


def _refused() -> Unauthenticated:
    return Unauthenticated("This was not sent by Slack, or too long ago.", code="invalid_signature")
