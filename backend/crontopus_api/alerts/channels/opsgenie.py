"""Opsgenie's Alert API."""

from typing import Any

from crontopus_api.alerts.channels import words
from crontopus_api.alerts.channels.configs import OpsgenieConfig
from crontopus_api.alerts.channels.http import Web
from crontopus_api.alerts.channels.keyed import Step, steps
from crontopus_api.alerts.channels.medium import To
from crontopus_api.alerts.channels.notification import Message, Notification, Receipt

API = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
_PRIORITY = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}
_MOST_MESSAGE, _MOST_TEXT = 130, 15_000


class OpsgenieMedium:
    def __init__(self, web: Web, api: dict[str, str] | None = None) -> None:
        self._web = web
        self._api = api or API

    async def send(self, to: To, message: Message) -> Receipt:
        receipt = Receipt(response="nothing to say: others of the same alert are still open")
        for step in steps(message):
            receipt = await self._act(to.config, step)
        return receipt

    async def verify(self, _: To) -> str | None:
        return None

    async def _act(self, config: OpsgenieConfig, step: Step) -> Receipt:
        assert config.api_key is not None
        headers = {"authorization": f"GenieKey {config.api_key.get_secret_value()}"}
        address, body = f"{self._api[config.region]}/v2/alerts", _alert(step)
        if step.action != "trigger":
            verb = "close" if step.action == "resolve" else "acknowledge"
            address += f"/{step.key}/{verb}?identifierType=alias"
            body = {"source": "crontopus", "note": words.cut(words.headline(step.about), 1_000)}
        answer = await self._web.post(address, json=body, headers=headers)
        if "requestId" not in answer.json():
            raise answer.lied("Opsgenie did not say that it took the request")
        return answer.receipt(alias=step.key)


def _alert(step: Step) -> dict[str, Any]:
    about = step.about
    severity = about.severity if isinstance(about, Notification) else "error"
    return {
        "message": words.cut(words.headline(about), _MOST_MESSAGE),
        "alias": step.key,
        "description": words.cut(f"{words.body(about)}\n\n{about.url}", _MOST_TEXT),
        "priority": _PRIORITY.get(severity, "P3"),
        "source": "crontopus",
        "details": {"url": about.url},
    }
