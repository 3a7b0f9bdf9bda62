"""A reminder in each medium's own form: it rings again, about the same incident."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from ..platform import Person, Platform
from .acting import hush_owners, make_channel, settle, states, work
from .mail import Sink
from .receiver import Asked, Receiver, running
from .vendors import VENDORS, point


@pytest.fixture
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[Receiver]:
    known = VENDORS[request.param]
    async with running(Receiver(known.answers(), known.schemas)) as receiver:
        yield receiver
    assert receiver.complaints == []


async def _reminded(platform: Platform, person: Person) -> None:
    """A job fails, and an hour later it still does."""
    await person.put_job("default/hello", alerts={"repeatEvery": "1h"})
    await platform.ping((await person.get("/jobs/default/hello"))["ping_url"] + "/fail")
    await settle(platform)
    await work(platform)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1), tick=True):
        assert await platform.services.alerts.reminders.round() == 1
        await work(platform)
    assert await states(platform, person) == {"sent": 2}


async def _asked(platform: Platform, person: Person, vendor: Receiver, kind: str) -> list[Asked]:
    made = await make_channel(person, point(platform, kind, vendor))
    assert (await person.api.post(f"/api/v1/channels/{made['id']}/test")).json()["ok"]
    await hush_owners(person)
    vendor.asked.clear()
    await _reminded(platform, person)
    return vendor.asked


@pytest.mark.parametrize(("vendor", "kind"), [(kind, kind) for kind in VENDORS], indirect=["vendor"])
async def test_every_vendor_takes_a_reminder(
    platform: Platform, ada: Person, vendor: Receiver, kind: str
) -> None:
    asked = await _asked(platform, ada, vendor, kind)
    assert len(asked) == 2
    assert "default/hello" in asked[1].body.decode()


@pytest.mark.parametrize("vendor", ["slack"], indirect=True)
async def test_slack_rings_in_the_thread_with_the_buttons_at_hand(
    platform: Platform, ada: Person, vendor: Receiver
) -> None:
    asked = await _asked(platform, ada, vendor, "slack")
    assert [each.path.rpartition("/")[2] for each in asked] == ["chat.postMessage"] * 2
    reply: dict[str, Any] = asked[1].json
    assert reply["thread_ts"] == "1700000000.000002"
    assert reply["text"] == "[Still open] default/hello is failing"
    [buttons] = [block for block in reply["blocks"] if block["type"] == "actions"]
    assert [each["text"]["text"] for each in buttons["elements"]] == ["Acknowledge", "Snooze 1 h"]


@pytest.mark.parametrize("vendor", ["pagerduty"], indirect=True)
async def test_pagerduty_is_triggered_under_the_same_key(
    platform: Platform, ada: Person, vendor: Receiver
) -> None:
    first, second = [each.json for each in await _asked(platform, ada, vendor, "pagerduty")]
    assert (first["event_action"], second["event_action"]) == ("trigger", "trigger")
    assert first["dedup_key"] == second["dedup_key"]
    assert first["payload"]["summary"] == second["payload"]["summary"]


async def test_a_mail_goes_into_the_thread_and_can_be_acknowledged(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    await _reminded(platform, ada)
    opened, reminded = sink.messages
    assert reminded["Subject"] == "[Still open] default/hello is failing"
    assert reminded["In-Reply-To"] == opened["Message-ID"] != reminded["Message-ID"]
    text = reminded.get_payload()[0].get_payload(decode=True).decode()
    assert "This is still open." in text
    assert "Acknowledge: http://crontopus.test/acknowledge?token=" in text
