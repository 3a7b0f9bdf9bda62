"""PagerDuty, Events API v2."""

from typing import Any

from crontopus_api.alerts.channels import words
from crontopus_api.alerts.channels.configs import PagerDutyConfig
from crontopus_api.alerts.channels.http import Web
from crontopus_api.alerts.channels.keyed import Step, steps
from crontopus_api.alerts.channels.medium import To
from crontopus_api.alerts.channels.notification import Digest, Message, Notification, Receipt

API = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
_MOST_SUMMARY = 1_024
_ORDER = ("critical", "error", "warning", "info")


class PagerDutyMedium:
    def __init__(self, web: Web, api: dict[str, str] | None = None) -> None:
        self._web = web
        self._api = api or API

    async def send(self, to: To, message: Message) -> Receipt:
        config: PagerDutyConfig = to.config
        receipt = Receipt(response="nothing to say: others of the same alert are still open")
        for step in steps(message):
            receipt = await self._enqueue(config, _event(step))
        return Receipt(receipt.status, receipt.response, {"dedup_key": message.message_id})

    async def verify(self, _: To) -> str | None:
        return None

    async def _enqueue(self, config: PagerDutyConfig, event: dict[str, Any]) -> Receipt:
        assert config.routing_key is not None
        event = {"routing_key": config.routing_key.get_secret_value()} | event
        answer = await self._web.post(f"{self._api[config.region]}/v2/enqueue", json=event)
        if answer.json().get("status") != "success":
            raise answer.lied("PagerDuty did not say that it took the event")
        return answer.receipt()


def _event(step: Step) -> dict[str, Any]:
    event: dict[str, Any] = {"event_action": step.action, "dedup_key": step.key}
    if step.action == "trigger":
        event |= {
            "client": "Crontopus",
            "client_url": step.about.url,
            "links": [{"href": step.about.url, "text": "In Crontopus"}],
            "payload": _payload(step.about),
        }
    return event


def _payload(about: Message) -> dict[str, Any]:
    payload = {
        "summary": words.cut(words.headline(about), _MOST_SUMMARY),
        "source": "crontopus",
        "severity": "info",
        "custom_details": {"text": words.body(about)},
    }
    if isinstance(about, Notification):
        payload |= {
            "summary": words.cut(words.one_line(about.title), _MOST_SUMMARY),
            "severity": about.severity,
            "timestamp": about.opened_at.isoformat(),
            "class": about.kind,
            "custom_details": dict(words.facts(about)) | {"Incident": str(about.incident_id)},
        }
    elif isinstance(about, Digest):
        opened = [each.severity for each in about.notifications if each.event == "opened"]
        payload["severity"] = next(each for each in (*_ORDER, "info") if each in opened or each == "info")
    return payload
