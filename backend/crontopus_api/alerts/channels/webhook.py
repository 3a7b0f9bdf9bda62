"""Requests to an address of the tenant's own, signed by the Standard Webhooks scheme.

`webhook-id` is the message's id, the same at every attempt; who remembers it gets everything once.
"""

import base64
import os
from datetime import datetime
from typing import Any

import msgspec
from standardwebhooks.webhooks import Webhook

from crontopus_api.alerts.channels import words
from crontopus_api.alerts.channels.configs import WebhookConfig
from crontopus_api.alerts.channels.http import Web
from crontopus_api.alerts.channels.medium import To
from crontopus_api.alerts.channels.notification import DeliveryFailed, Message, Notification, Probe, Receipt
from crontopus_api.alerts.channels.templates import TemplateRefused, render
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.schemas import utc_text


def new_secret() -> str:
    return f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


class WebhookMedium:
    def __init__(self, web: Web, clock: Clock) -> None:
        self._web = web
        self._clock = clock

    async def send(self, to: To, message: Message) -> Receipt:
        config: WebhookConfig = to.config
        now = self._clock.now()
        body = self._body(config, message, now)
        assert config.signing_secret is not None
        signer = Webhook(config.signing_secret.get_secret_value())
        own = {name: value.get_secret_value() for name, value in (config.headers or {}).items()}
        headers = own | {
            "content-type": config.content_type,
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signer.sign(message.message_id, now, body),
        }
        answer = await self._web.post(config.url, content=body.encode(), headers=headers)
        return answer.receipt()

    async def verify(self, _: To) -> str | None:
        return None

    @staticmethod
    def _body(config: WebhookConfig, message: Message, now: datetime) -> str:
        values = payload(message, now)
        if config.template is None:
            return msgspec.json.encode(values).decode()
        try:
            return render(config.template, {"incident": _summary(message, values)} | values)
        except TemplateRefused as error:
            raise DeliveryFailed(f"The template: {error}.", hopeless=True) from error


def payload(message: Message, now: datetime) -> dict[str, Any]:
    """What is sent as JSON, and what a template has: `type`, `incident` (not in a digest or a test), `incidents`."""
    if isinstance(message, Probe):
        about: dict[str, Any] = {"type": "test", "incidents": [], "channel": message.channel}
    elif isinstance(message, Notification):
        incident = _incident(message)
        about = {"type": f"incident.{message.event}", "incident": incident, "incidents": [incident]}
    else:
        about = {"type": "incidents.digest", "incidents": [_incident(each) for each in message.notifications]}
    return about | {"id": message.message_id, "timestamp": utc_text(now), "url": message.url}


def _summary(message: Message, values: dict[str, Any]) -> dict[str, Any]:
    """In place of an incident, where a message is about none or many: a template for one does for all."""
    kind = "test" if isinstance(message, Probe) else "digest"
    return {
        "id": message.message_id,
        "event": kind,
        "kind": kind,
        "severity": "info" if isinstance(message, Probe) else "error",
        "title": words.headline(message),
        "cause": words.body(message),
        "opened_at": values["timestamp"],
        "resolved_at": None,
        "acknowledged_by": None,
        "url": message.url,
    }


def _incident(said: Notification) -> dict[str, Any]:
    return {
        "id": str(said.incident_id),
        "event": said.event,
        "kind": said.kind,
        "severity": said.severity,
        "title": said.title,
        "cause": said.cause,
        "opened_at": utc_text(said.opened_at),
        "resolved_at": utc_text(said.resolved_at) if said.resolved_at else None,
        "acknowledged_by": said.acknowledged_by,
        "url": said.url,
    }
