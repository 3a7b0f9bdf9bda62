"""The vendors, as far as we use them: what each answers to what, kept in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crontopus_api.alerts.channels.chats import TelegramMedium
from crontopus_api.alerts.channels.http import Web
from crontopus_api.alerts.channels.medium import Medium
from crontopus_api.alerts.channels.opsgenie import OpsgenieMedium
from crontopus_api.alerts.channels.pagerduty import PagerDutyMedium
from crontopus_api.alerts.channels.slack import SlackMedium
from crontopus_api.alerts.signed import SignedLinks

from ..platform import Platform
from .receiver import Asked, Receiver, Reply, said

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


class Slack:
    """https://docs.slack.dev/reference/methods: `ok` says how it went, the status does not."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != "Bearer xoxb-right":
            return said({"ok": False, "error": "invalid_auth"})
        if asked.path.endswith("auth.test"):
            return said({"ok": True, "user": "crontopus", "team": "Ada & Co"})
        if asked.path.endswith("chat.update"):
            return said({"ok": True, "channel": asked.json["channel"], "ts": asked.json["ts"]})
        self.count += 1
        return said({"ok": True, "channel": "C0123456789", "ts": f"1700000000.{self.count:06}"})


def pagerduty(asked: Asked) -> Reply:
    """https://developer.pagerduty.com/docs/send-alert-event: 202."""
    return said(
        {"status": "success", "message": "Event processed", "dedup_key": asked.json["dedup_key"]}, 202
    )


def opsgenie(_: Asked) -> Reply:
    """https://docs.opsgenie.com/docs/alert-api: 202, done later."""
    return said({"result": "Request will be processed", "took": 0.1, "requestId": "43a29c5c"}, 202)


def slack_webhook(_: Asked) -> Reply:
    return Reply(200, b"ok")


def teams(_: Asked) -> Reply:
    return Reply(202)


class Discord:
    def __init__(self) -> None:
        self.count = 1000

    def __call__(self, asked: Asked) -> Reply:
        self.count += 1
        return said({"id": str(self.count if asked.method == "POST" else 0), "type": 0})


class Telegram:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, asked: Asked) -> Reply:
        if asked.path.endswith("getMe"):
            return said({"ok": True, "result": {"id": 1, "is_bot": True, "username": "crontopus_bot"}})
        self.count += 1
        return said({"ok": True, "result": {"message_id": self.count}})


def ntfy(asked: Asked) -> Reply:
    return said({"id": "sPs71M8A2T", "event": "message", "topic": asked.json["topic"]})


@dataclass(frozen=True)
class Vendor:
    """`config`: of a channel, by the receiver's address. `medium`: where the address is the vendor's own."""

    answers: Callable[[], Callable[[Asked], Reply]]
    schemas: dict[str, str]
    config: Callable[[str], dict[str, Any]]
    medium: Callable[[Web, SignedLinks, str], Medium] | None = None


VENDORS: dict[str, Vendor] = {
    "slack": Vendor(
        Slack,
        {
            "chat.postMessage": "slack_post_message.json",
            "chat.update": "slack_update.json",
            "auth.test": "slack_auth_test.json",
        },
        lambda _: {
            "kind": "slack",
            "channel": "#ops",
            "token": "xoxb-right",
            "signing_secret": SIGNING_SECRET,
        },
        SlackMedium,
    ),
    "slack_webhook": Vendor(
        lambda: slack_webhook,
        {"/services/T0/B0/x": "slack_webhook.json"},
        lambda url: {"kind": "slack_webhook", "url": f"{url}/services/T0/B0/x"},
    ),
    "pagerduty": Vendor(
        lambda: pagerduty,
        {"/v2/enqueue": "pagerduty_enqueue.json"},
        lambda _: {"kind": "pagerduty", "routing_key": "R0123456789012345678901234567890"},
        lambda web, _, url: PagerDutyMedium(web, {"us": url, "eu": url}),
    ),
    "opsgenie": Vendor(
        lambda: opsgenie,
        {
            "/v2/alerts": "opsgenie_create.json",
            "/close": "opsgenie_act.json",
            "/acknowledge": "opsgenie_act.json",
        },
        lambda _: {"kind": "opsgenie", "api_key": "eb243592-faa2-4ba2-a551q-1afdf565c889"},
        lambda web, _, url: OpsgenieMedium(web, {"us": url, "eu": url}),
    ),
    "teams": Vendor(
        lambda: teams,
        {"/workflows/x": "teams_message.json"},
        lambda url: {"kind": "teams", "url": f"{url}/workflows/x?sig=abc"},
    ),
    "discord": Vendor(
        Discord,
        {"": "discord_message.json"},
        lambda url: {"kind": "discord", "url": f"{url}/api/webhooks/1/token"},
    ),
    "telegram": Vendor(
        Telegram,
        {"sendMessage": "telegram_send.json", "getMe": "telegram_me.json"},
        lambda _: {"kind": "telegram", "chat_id": "-100123", "token": "123456:ABC-DEF1234ghIkl"},
        lambda web, _, url: TelegramMedium(web, url),
    ),
    "ntfy": Vendor(
        lambda: ntfy,
        {"/": "ntfy_publish.json"},
        lambda url: {
            "kind": "ntfy",
            "url": url,
            "topic": "alerts",
            "token": "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2",
        },
    ),
}


def point(platform: Platform, kind: str, receiver: Receiver) -> dict[str, Any]:
    """Have the platform take `receiver` for that vendor; the config of a channel that leads there."""
    vendor, alerts = VENDORS[kind], platform.services.alerts
    if vendor.medium is not None:
        alerts.media[kind] = vendor.medium(alerts.web, alerts.links, receiver.url)
    return vendor.config(receiver.url)
