"""From silence or failure to an incident, to an email, and back."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.routing import About, Router
from crontopus_api.alerts.routing.planning import Plan
from crontopus_api.checkins.scanner import scan_once

from ..platform import Person, Platform


async def _make_overdue(platform: Platform) -> None:
    """As if the deadline had come: time itself is not waited for."""
    async with platform.services.database.session() as session:
        await session.execute(text("RESET ROLE"))
        await session.execute(text("SET LOCAL ROLE crontopus_scanner"))
        await session.execute(
            text(
                "UPDATE instance_status SET due_at = now() - interval '1 hour', deadline_at = now() - interval '1 s'"
            )
        )


async def _scan(platform: Platform) -> int:
    async with await platform.services.database.connect_direct() as connection:
        return await scan_once(connection)


async def _settle(platform: Platform) -> None:
    while await platform.services.incident_keeper.handle_changes():
        pass


async def test_a_missed_run_opens_one_incident_and_the_next_run_resolves_it(
    platform: Platform, ada: Person
) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(url)
    assert await _scan(platform) == 0
    await _make_overdue(platform)
    assert await _scan(platform) == 1
    assert await _scan(platform) == 0
    await _settle(platform)
    incident = (await ada.get("/incidents", state="open"))["items"][0]
    assert (incident["kind"], incident["title"]) == ("missed", "default/hello was missed")
    assert (await ada.get("/runs", state="missed"))["items"][0]["slot_at"] is not None
    assert (await ada.get("/jobs/default/hello"))["state"] == "missed"
    await platform.ping(url)
    await _settle(platform)
    detail = await ada.get(f"/incidents/{incident['id']}")
    assert detail["state"] == "resolved"
    assert [event["kind"] for event in detail["events"]] == ["opened", "resolved"]


async def test_missed_then_failing_is_one_incident(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(url)
    await _make_overdue(platform)
    await _scan(platform)
    await platform.ping(url + "/fail")
    await _settle(platform)
    incidents = (await ada.get("/incidents"))["items"]
    assert [(each["kind"], each["state"]) for each in incidents] == [("failing", "open")]


async def test_one_tenants_trouble_does_not_keep_the_others_waiting(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await platform.register("bob")
    for person in (ada, bob):
        await platform.ping((await person.put_job())["ping_url"] + "/fail")
    plans = Router.plans

    async def broken_for_ada(
        router: Router, session: AsyncSession, about: Sequence[tuple[UUID, About]]
    ) -> list[Plan]:
        if ada.tenant_id in {tenant_id for tenant_id, _ in about}:
            raise RuntimeError("a defect")
        return await plans(router, session, about)

    monkeypatch.setattr(Router, "plans", broken_for_ada)
    with pytest.raises(RuntimeError):
        await _settle(platform)
    await _settle(platform)
    assert len((await bob.get("/incidents"))["items"]) == 1
    assert (await ada.get("/incidents"))["items"] == []
    monkeypatch.setattr(Router, "plans", plans)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2), tick=True):
        await _settle(platform)
    assert len((await ada.get("/incidents"))["items"]) == 1


@pytest.mark.parametrize("change", ["delete", "pause"])
async def test_an_incident_ends_with_what_it_was_about(platform: Platform, ada: Person, change: str) -> None:
    await platform.ping((await ada.put_job())["ping_url"] + "/fail")
    await _settle(platform)
    if change == "delete":
        assert (await ada.api.delete("/api/v1/jobs/default/hello")).status_code == 204
    else:
        await ada.put_job(paused=True)
    await _settle(platform)
    assert (await ada.get("/incidents", state="open"))["items"] == []
