"""Buttons in Slack: believed by Slack's signature, within five minutes, for the channel that they were sent to."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import time_machine

from ..platform import Person, Platform
from .acting import fail, hush_owners, make_channel, work
from .receiver import Receiver, running
from .vendors import SIGNING_SECRET, VENDORS, point


def _signed(
    value: str, action: str, *, secret: str = SIGNING_SECRET, at: int | None = None
) -> dict[str, Any]:
    """As Slack sends it: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "grace"},
        "actions": [{"action_id": action, "value": value, "type": "button"}],
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(at or int(datetime.now(UTC).timestamp()))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "content": body,
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={digest}",
        },
    }


async def _press(platform: Platform, request: dict[str, Any]) -> httpx.Response:
    return await platform.client().post("/api/v1/slack/actions", **request)


async def _buttons(platform: Platform, person: Person, slack: Receiver) -> dict[str, str]:
    """What the buttons of an incident's message send, by their action."""
    made = await make_channel(person, point(platform, "slack", slack))
    await person.api.post(f"/api/v1/channels/{made['id']}/test")
    await hush_owners(person)
    await fail(platform, person)
    await work(platform)
    blocks = slack.asked[-1].json["blocks"]
    elements = next(each["elements"] for each in blocks if each["type"] == "actions")
    return {each["action_id"]: each["value"] for each in elements}


async def test_pressed_buttons_act(platform: Platform, ada: Person) -> None:
    async with running(Receiver(VENDORS["slack"].answers())) as slack:
        buttons = await _buttons(platform, ada, slack)
        for action, value in buttons.items():
            answer = await _press(platform, _signed(value, action))
            assert answer.status_code == 200, answer.text
        [incident] = (await ada.get("/incidents"))["items"]
        assert incident["acknowledged_by"] == "grace in Slack"
        snoozed = datetime.fromisoformat(incident["snoozed_until"]) - datetime.now(UTC)
        assert timedelta(minutes=59) < snoozed <= timedelta(hours=1)
        await work(platform)
        # The message says so, and can no longer be acknowledged.
        update = next(each.json for each in slack.asked if each.path.endswith("chat.update"))
        assert "Acknowledged by: grace in Slack" in update["blocks"][0]["text"]["text"]


@pytest.mark.parametrize("forgery", ["secret", "old", "early", "body", "value", "nonsense", "unsigned"])
async def test_what_slack_did_not_send_is_refused(platform: Platform, ada: Person, forgery: str) -> None:
    async with running(Receiver(VENDORS["slack"].answers())) as slack:
        action, value = next(iter((await _buttons(platform, ada, slack)).items()))
    now = int(datetime.now(UTC).timestamp())
    request = _signed(value, action)
    if forgery == "secret":
        request = _signed(value, action, secret="another")
    elif forgery in {"old", "early"}:
        request = _signed(value, action, at=now - 301 if forgery == "old" else now + 302)
    elif forgery == "body":
        request["content"] += b"&x=y"
    elif forgery == "value":
        request = _signed(value[:-2] + "xx", action)
    elif forgery == "nonsense":
        request["content"] = b"payload=%7B%5B"
    else:
        request["headers"] = {"content-type": "application/x-www-form-urlencoded"}
    answer = await _press(platform, request)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
    assert (await ada.get("/incidents"))["items"][0]["acknowledged_at"] is None


async def test_what_is_over_is_no_error_to_slack(platform: Platform, ada: Person) -> None:
    async with running(Receiver(VENDORS["slack"].answers())) as slack:
        action, value = next(iter((await _buttons(platform, ada, slack)).items()))
        await platform.ping((await ada.get("/jobs/default/hello"))["ping_url"])
        while await platform.services.incident_keeper.handle_changes():
            pass
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=True):
            assert (await _press(platform, _signed(value, action))).status_code == 200
