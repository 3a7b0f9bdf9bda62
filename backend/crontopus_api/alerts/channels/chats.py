"""The smaller chats: Microsoft Teams, Discord, Telegram, ntfy."""

from datetime import timedelta
from typing import Any

import msgspec

from crontopus_api.alerts.channels import words
from crontopus_api.alerts.channels.configs import DiscordConfig, NtfyConfig, TeamsConfig, TelegramConfig
from crontopus_api.alerts.channels.http import Answer, Web
from crontopus_api.alerts.channels.medium import To
from crontopus_api.alerts.channels.notification import DeliveryFailed, Message, Notification, Receipt

TELEGRAM = "https://api.telegram.org"
_COLOURS = {"critical": 0xB91C1C, "error": 0xDC2626, "warning": 0xD97706, "info": 0x2563EB}
_GREEN = 0x16A34A
_NTFY_PRIORITY = {"critical": 5, "error": 4, "warning": 3, "info": 2}


class _NoQuestion:
    async def verify(self, _: To) -> str | None:
        return None


class TeamsMedium(_NoQuestion):
    """An Adaptive Card to a workflow."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def send(self, to: To, message: Message) -> Receipt:
        config: TeamsConfig = to.config
        assert config.url is not None
        answer = await self._web.post(config.url.get_secret_value(), json=_card(message))
        return answer.receipt()


def _card(message: Message) -> dict[str, Any]:
    texts = [
        {"type": "TextBlock", "text": _plain(words.headline(message)), "weight": "Bolder", "wrap": True},
        *(
            {"type": "TextBlock", "text": _plain(line), "wrap": True, "spacing": "Small"}
            for line in words.cut(words.body(message), 15_000).splitlines()
        ),
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": texts,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in Crontopus", "url": message.url}],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _plain(text: str) -> str:
    """A TextBlock reads Markdown: what would be a link or an emphasis is told as it is."""
    return "".join(f"\\{each}" if each in "\\*_[]()`" else each for each in text)


class DiscordMedium(_NoQuestion):
    """A message that changes with its incident, and another one that says so: changing one rings no bell."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def send(self, to: To, message: Message) -> Receipt:
        config: DiscordConfig = to.config
        assert config.url is not None
        address, said = config.url.get_secret_value().rstrip("/"), _embed(message)
        thread = message.thread if isinstance(message, Notification) else None
        changed = isinstance(message, Notification) and message.event != "reminded"
        if thread is not None and changed and not thread.shared and "id" in thread.ids:
            try:
                await self._web.post(f"{address}/messages/{int(thread.ids['id'])}", json=said, method="PATCH")
            except DeliveryFailed as error:
                # Somebody deleted it.
                if error.status != 404:
                    raise
        answer = await self._web.post(f"{address}?wait=true", json=said)
        found = answer.json().get("id")
        if not isinstance(found, str) or not found.isdigit():
            raise answer.lied("What answered is not Discord")
        return answer.receipt(id=thread.ids.get("id") if thread else found)


def _embed(message: Message) -> dict[str, Any]:
    colour = _GREEN
    if isinstance(message, Notification) and message.event != "resolved":
        colour = _COLOURS.get(message.severity, _COLOURS["info"])
    embed = {
        "title": words.cut(words.headline(message), 250),
        "description": words.cut(words.body(message), 4_000),
        "url": message.url,
        "color": colour,
    }
    # Nothing in a job's name may mention anybody.
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


class TelegramMedium:
    def __init__(self, web: Web, api: str = TELEGRAM) -> None:
        self._web = web
        self._api = api

    async def send(self, to: To, message: Message) -> Receipt:
        config: TelegramConfig = to.config
        text = f"{words.headline(message)}\n{words.body(message)}\n\n{message.url}"
        body: dict[str, Any] = {
            "chat_id": config.chat_id,
            "text": words.cut(text, 4_000),
            "link_preview_options": {"is_disabled": True},
        }
        thread = message.thread if isinstance(message, Notification) else None
        if thread is not None and "message_id" in thread.ids:
            answering = {"message_id": thread.ids["message_id"], "allow_sending_without_reply": True}
            body["reply_parameters"] = answering
        answer = await self._call(config, "sendMessage", body)
        said = answer.json().get("result", {}).get("message_id")
        return answer.receipt(message_id=thread.ids.get("message_id", said) if thread else said)

    async def verify(self, to: To) -> str | None:
        answer = await self._call(to.config, "getMe", {})
        return f"the bot {answer.json().get('result', {}).get('username', '?')}"

    async def _call(self, config: TelegramConfig, method: str, body: dict[str, Any]) -> Answer:
        assert config.token is not None
        address = f"{self._api}/bot{config.token.get_secret_value()}/{method}"
        try:
            answer = await self._web.post(address, json=body)
        except DeliveryFailed as error:
            error.retry_after = error.retry_after or _asked_to_wait(error.response)
            raise
        if answer.json().get("ok") is not True:
            raise answer.lied(f"Telegram answered: {words.cut(answer.text, 200)}")
        return answer


def _asked_to_wait(response: str | None) -> timedelta | None:
    """Telegram says it in the body, not in a header."""
    try:
        found = msgspec.json.decode(response or "")["parameters"]["retry_after"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        return None
    return timedelta(seconds=found) if isinstance(found, int) and 0 < found < 86_400 else None


class NtfyMedium(_NoQuestion):
    def __init__(self, web: Web) -> None:
        self._web = web

    async def send(self, to: To, message: Message) -> Receipt:
        config: NtfyConfig = to.config
        resolved = isinstance(message, Notification) and message.event == "resolved"
        severity = message.severity if isinstance(message, Notification) else "warning"
        body = {
            "topic": config.topic,
            "title": words.cut(words.headline(message), 250),
            "message": words.cut(words.body(message), 3_500),
            "click": message.url,
            "priority": 3 if resolved else _NTFY_PRIORITY.get(severity, 3),
            "tags": ["white_check_mark" if resolved else "warning"],
        }
        headers = {"authorization": f"Bearer {config.token.get_secret_value()}"} if config.token else {}
        answer = await self._web.post(f"{config.url.rstrip('/')}/", json=body, headers=headers)
        if "id" not in answer.json():
            raise answer.lied("What answered is not ntfy")
        return answer.receipt(id=str(answer.json()["id"]))
