"""Slack, by an app's bot token and by incoming webhook.

With a token an incident is one message that changes with it, and a thread below; buttons on it act. A webhook can
only say things one after another.
"""

from typing import Any

from crontopus_api.alerts.channels import words
from crontopus_api.alerts.channels.configs import SlackConfig, SlackWebhookConfig
from crontopus_api.alerts.channels.http import Answer, Web
from crontopus_api.alerts.channels.medium import To
from crontopus_api.alerts.channels.notification import DeliveryFailed, Message, Notification, Receipt
from crontopus_api.alerts.signed import Act, SignedLinks

API = "https://slack.com/api"
ACKNOWLEDGE, SNOOZE = "crontopus_acknowledge", "crontopus_snooze"
# Slack's longest for a section's text is 3,000.
_MOST_TEXT = 2_900
_HOPELESS = {
    *("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "missing_scope"),
    *(
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "no_permission",
        "restricted_action",
        "org_login_required",
    ),
    *("invalid_blocks", "invalid_arguments", "msg_too_long", "ekm_access_denied", "team_access_not_granted"),
}
_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}


class SlackError(DeliveryFailed):
    """`code`: Slack's own word for it."""

    def __init__(self, code: str, answer: Answer) -> None:
        super().__init__(
            f"Slack answered: {code}", hopeless=code in _HOPELESS, status=answer.status, response=answer.text
        )
        self.code = code


class SlackMedium:
    def __init__(self, web: Web, links: SignedLinks, api: str = API) -> None:
        self._web = web
        self._links = links
        self._api = api

    async def send(self, to: To, message: Message) -> Receipt:
        config: SlackConfig = to.config
        if isinstance(message, Notification) and message.thread is not None and "ts" in message.thread.ids:
            return await self._follow(to, config, message, message.thread.ids)
        return await self._post(config, message, _blocks(message, self._buttons(to, message)))

    async def verify(self, to: To) -> str | None:
        config: SlackConfig = to.config
        answer = await self._call(config, "auth.test", {})
        who = answer.json()
        return f"{who.get('user', 'the app')} in {who.get('team', 'the workspace')}"

    async def _follow(
        self, to: To, config: SlackConfig, message: Notification, ids: dict[str, Any]
    ) -> Receipt:
        """The message of the incident becomes what it is now, and its thread says what happened."""
        assert message.thread is not None
        if message.event == "reminded":
            # Nothing has changed but the time: the thread rings, with the buttons at hand.
            blocks = _blocks(message, self._buttons(to, message))
            return await self._post(config, message, blocks, thread_ts=ids["ts"])
        if not message.thread.shared:
            changed = {
                "channel": ids["channel"],
                "ts": ids["ts"],
                "text": words.headline(message),
                "blocks": _blocks(message, self._buttons(to, message)),
            }
            try:
                await self._call(config, "chat.update", changed)
            except SlackError as error:
                # Somebody deleted it: the news is told all the same.
                if error.code not in _GONE:
                    raise
        return await self._post(config, message, _blocks(message, None), thread_ts=ids["ts"])

    async def _post(self, config: SlackConfig, message: Message, blocks: list[Any], **more: Any) -> Receipt:
        body = {
            "channel": config.channel,
            "text": words.headline(message),
            "blocks": blocks,
            "unfurl_links": False,
            "metadata": {"event_type": "crontopus", "event_payload": {"message_id": message.message_id}},
            **more,
        }
        answer = await self._call(config, "chat.postMessage", body)
        said = answer.json()
        # A thread's first message stays the one that is followed.
        return answer.receipt(ts=more.get("thread_ts") or said.get("ts"), channel=said.get("channel"))

    async def _call(self, config: SlackConfig, method: str, body: dict[str, Any]) -> Answer:
        assert config.token is not None
        headers = {
            "authorization": f"Bearer {config.token.get_secret_value()}",
            "content-type": "application/json; charset=utf-8",
        }
        answer = await self._web.post(f"{self._api}/{method}", json=body, headers=headers)
        said = answer.json()
        if said.get("ok") is not True:
            raise SlackError(str(said.get("error", "something that is not Slack's answer"))[:100], answer)
        return answer

    def _buttons(self, to: To, message: Message) -> dict[str, Any] | None:
        """Only where what they send back can be believed."""
        if (
            not isinstance(message, Notification)
            or message.event == "resolved"
            or to.config.signing_secret is None
        ):
            return None
        act = Act(to.tenant_id, to.channel_id, message.incident_id, "slack")
        value = self._links.act(act)
        buttons = [_button(SNOOZE, "Snooze 1 h", value)]
        if message.event != "acknowledged" and message.acknowledged_by is None:
            buttons.insert(0, _button(ACKNOWLEDGE, "Acknowledge", value))
        return {"type": "actions", "elements": buttons}


class SlackWebhookMedium:
    def __init__(self, web: Web) -> None:
        self._web = web

    async def send(self, to: To, message: Message) -> Receipt:
        config: SlackWebhookConfig = to.config
        assert config.url is not None
        body = {"text": words.headline(message), "blocks": _blocks(message, None)}
        answer = await self._web.post(config.url.get_secret_value(), json=body)
        return answer.receipt()

    async def verify(self, _: To) -> str | None:
        return None


def _blocks(message: Message, buttons: dict[str, Any] | None) -> list[Any]:
    text = f"*{_escaped(words.headline(message))}*\n{_escaped(words.body(message))}"
    blocks: list[Any] = [{"type": "section", "text": {"type": "mrkdwn", "text": words.cut(text, _MOST_TEXT)}}]
    if buttons is not None:
        blocks.append(buttons)
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{message.url}|Crontopus>"}]})
    return blocks


def _button(action: str, label: str, value: str) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label},
        "value": value,
    }


def _escaped(text: str) -> str:
    """Or a job's name could mention everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
