"""Machines that fall silent, are copied or cannot do what they should: one incident each, which holds their jobs'."""

import time
from typing import Any

import pytest
from sqlalchemy import text

from ..platform import Person, Platform
from .acting import hush_owners, rows, settle, verified_hook, work
from .machines import Machine, miss_everything, new_machine, put_jobs, silent_for, watch
from .receiver import Receiver


@pytest.fixture
async def machine(platform: Platform, ada: Person) -> Machine:
    return await new_machine(platform, ada)


async def open_incidents(person: Person, **query: Any) -> list[dict[str, Any]]:
    return (await person.get("/incidents", state="open", limit=200, **query))["items"]


def told(hook: Receiver) -> list[tuple[str, str]]:
    return [(each["title"], each["event"]) for asked in hook.asked for each in asked.json["incidents"]]


async def test_five_hundred_jobs_of_one_machine_are_one_message_and_one_when_it_is_back(
    platform: Platform, ada: Person, machine: Machine, hook: Receiver
) -> None:
    await verified_hook(ada, hook)
    await hush_owners(ada)
    await put_jobs(ada, 500)
    await machine.heartbeat()
    await settle(platform)
    await silent_for(platform, machine, 60)
    await miss_everything(platform)
    await settle(platform)
    await work(platform)
    assert (await open_incidents(ada), hook.asked) == ([], [])  # held: its heartbeat is overdue
    await silent_for(platform, machine, 100)
    began = time.monotonic()
    await watch(platform)
    await settle(platform)
    await work(platform)
    assert time.monotonic() - began < 10
    assert told(hook) == [("web-1 is offline", "opened")]
    [incident] = await open_incidents(ada, top=True)
    assert (incident["kind"], incident["children"], incident["endpoint"]["name"]) == (
        "endpoint_offline",
        500,
        "web-1",
    )
    assert "500 jobs should run there. 500 jobs went wrong there since." in incident["cause"]
    children = await open_incidents(ada, parent=incident["id"])
    assert len(children) == 200
    assert {(each["kind"], each["parent_id"]) for each in children} == {("missed", incident["id"])}
    hook.asked.clear()
    await machine.heartbeat()
    await settle(platform)
    await work(platform)
    assert told(hook) == [("web-1 is offline", "resolved")]
    shown = await ada.get(f"/incidents/{incident['id']}")
    assert shown["state"] == "resolved"
    assert "not right yet: default/job-" in shown["cause"]
    assert "and 495 more" in shown["cause"]
    assert await rows(platform, ada, "SELECT count(*) FROM deliveries") == [(2,)]


async def _offline_with_a_missed_job(platform: Platform, ada: Person, machine: Machine) -> dict[str, Any]:
    """Declared offline; answers its incident."""
    await put_jobs(ada, 1)
    await machine.heartbeat()
    await silent_for(platform, machine, 100)
    await miss_everything(platform)
    await watch(platform)
    await settle(platform)
    [incident] = await open_incidents(ada, top=True)
    return incident


async def _report(platform: Platform, machine: Machine, exit_code: int) -> None:
    """Its job ran."""
    found = await rows_of(platform, machine, "SELECT id FROM instances")
    body = {"instance_id": str(found[0].id), "kind": "finish", "exit_code": exit_code}
    answer = await machine.api.post("/api/v1/check-ins", json=body)
    assert answer.is_success, answer.text
    await settle(platform)


async def rows_of(platform: Platform, machine: Machine, query: str) -> Any:
    person = Person("", machine.tenant_id, "", machine.api)
    return await rows(platform, person, query)


async def test_what_is_still_bad_is_told_of_only_when_it_turns_bad_anew(
    platform: Platform, ada: Person, machine: Machine, hook: Receiver
) -> None:
    await verified_hook(ada, hook)
    await hush_owners(ada)
    await _offline_with_a_missed_job(platform, ada, machine)
    await machine.heartbeat()
    await settle(platform)
    await work(platform)
    assert [event for _, event in told(hook)] == ["opened", "resolved"]
    hook.asked.clear()
    await _report(platform, machine, 1)
    await work(platform)
    assert told(hook) == [("default/job-0 is failing on web-1", "opened")]
    hook.asked.clear()
    await _report(platform, machine, 0)
    await work(platform)
    assert told(hook) == [("default/job-0 is failing on web-1", "resolved")]


async def test_a_child_that_is_well_again_is_nobodys_news(
    platform: Platform, ada: Person, machine: Machine, hook: Receiver
) -> None:
    await verified_hook(ada, hook)
    await hush_owners(ada)
    await _offline_with_a_missed_job(platform, ada, machine)
    await machine.heartbeat()
    await _report(platform, machine, 0)
    await work(platform)
    assert [event for _, event in told(hook)] == ["opened", "resolved"]
    assert await open_incidents(ada) == []


async def test_what_was_told_of_just_before_is_a_part_of_it_as_well(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    await put_jobs(ada, 1)
    await machine.heartbeat()
    await miss_everything(platform)
    await settle(platform)
    [missed] = await open_incidents(ada)
    assert missed["parent_id"] is None
    await silent_for(platform, machine, 100)
    await watch(platform)
    await settle(platform)
    [incident] = await open_incidents(ada, top=True)
    assert incident["children"] == 1
    assert "1 job went wrong there since." in incident["cause"]


async def test_a_miss_is_not_held_for_ever(platform: Platform, ada: Person, machine: Machine) -> None:
    await put_jobs(ada, 1)
    await machine.heartbeat()
    await silent_for(platform, machine, 60)
    await miss_everything(platform)
    await settle(platform)
    assert await open_incidents(ada) == []
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE endpoints SET last_seen_at = now()"))
    await settle(platform)
    assert [each["kind"] for each in await open_incidents(ada)] == ["missed"]


async def test_resolved_by_hand_it_stays_so_while_the_same_silence_lasts(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    incident = await _offline_with_a_missed_job(platform, ada, machine)
    answer = await ada.api.post(f"/api/v1/incidents/{incident['id']}/resolve", json={})
    assert answer.json()["state"] == "resolved"
    await put_jobs(ada, 2)
    await miss_everything(platform)
    await settle(platform)
    assert await open_incidents(ada, top=True) == []
    await machine.heartbeat()
    await settle(platform)
    await silent_for(platform, machine, 100)
    await watch(platform)
    await settle(platform)
    assert [each["kind"] for each in await open_incidents(ada, top=True)] == ["endpoint_offline"]


async def test_revoked_it_is_nobodys_trouble_any_more(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    await _offline_with_a_missed_job(platform, ada, machine)
    assert (await ada.api.delete(f"/api/v1/endpoints/{machine.id}")).is_success
    await settle(platform)
    assert await open_incidents(ada) == []


async def test_two_copies_are_critical_until_somebody_unlocks(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    await machine.advance()
    twin = machine.cloned()
    await machine.advance()
    await twin.advance()
    await settle(platform)
    [incident] = await open_incidents(ada)
    assert (incident["kind"], incident["severity"]) == ("clone_suspected", "critical")
    await silent_for(platform, machine, 100)
    await watch(platform)
    await settle(platform)
    assert len(await open_incidents(ada)) == 1  # it is silent because it is locked
    await ada.api.post(f"/api/v1/endpoints/{machine.id}/unlock")
    await machine.rotate()
    await machine.advance()
    await settle(platform)
    assert await open_incidents(ada) == []


async def test_stalled_and_drifted_jobs_are_one_incident_per_machine(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    await put_jobs(ada, 4)
    found = await rows(platform, ada, "SELECT id, job_id FROM instances ORDER BY id")

    def said(*types: str) -> list[dict[str, str]]:
        return [
            {
                "instance_id": str(row.id),
                "job_id": str(row.job_id),
                "type": type_,
                "reason": "NoSuchUser" if type_ == "Stalled" else "X",
                "message": "There is no user backup.",
            }
            for row, type_ in zip(found, types, strict=False)
        ]

    await machine.heartbeat(conditions=said("Stalled", "Stalled", "Drifted", "Ready"))
    await settle(platform)
    incidents = {each["kind"]: each for each in await open_incidents(ada)}
    assert {kind: each["title"] for kind, each in incidents.items()} == {
        "sync_stalled": "2 jobs cannot be scheduled on web-1",
        "drifted": "1 job drifted on web-1",
    }
    assert incidents["sync_stalled"]["cause"] == "NoSuchUser: There is no user backup."
    await machine.heartbeat(conditions=said("Stalled", "Ready", "Drifted", "Ready"))
    await settle(platform)
    titles = [each["title"] for each in await open_incidents(ada, kind="sync_stalled")]
    assert titles == ["1 job cannot be scheduled on web-1"]
    await machine.heartbeat(conditions=[])  # they are not there any more
    await settle(platform)
    assert await open_incidents(ada) == []


async def test_the_other_tenants_machine_of_the_same_name_is_not_concerned(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    bob = await platform.register("bob")
    other = await new_machine(platform, bob)
    await put_jobs(bob, 1)
    await other.heartbeat()
    await _offline_with_a_missed_job(platform, ada, machine)
    [missed] = await open_incidents(bob)
    assert (missed["kind"], missed["parent_id"]) == ("missed", None)
    [mine] = await open_incidents(ada, top=True)
    assert await open_incidents(bob, parent=mine["id"]) == []
    assert (await bob.api.get(f"/api/v1/incidents/{mine['id']}")).status_code == 404
