"""Copies, reinstallation, locks, silence, and what is told of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from crontopus_api.checkins.heartbeats import reachable_since
from crontopus_api.endpoints.watch import EndpointWatch
from crontopus_api.kit.database import Scope
from crontopus_api.manifests import instance_id

from ..platform import Person, Platform
from .machine import Generation, Machine, enrol, enrol_token, new_machine


async def kinds(person: Person, machine: Machine) -> list[str]:
    """Oldest first."""
    return [each["kind"] for each in (await person.get(f"/endpoints/{machine.id}/events"))["items"]][::-1]


async def silence(platform: Platform, person: Person, seconds: int) -> None:
    async with platform.services.database.tenant(person.tenant_id) as session:
        await session.execute(
            text("UPDATE endpoints SET last_seen_at = last_seen_at - make_interval(secs => :s)"),
            {"s": seconds},
        )


async def test_a_copy_locks_the_endpoint_and_its_tokens_end(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    assert (await machine.advance()).status_code == 200
    twin = machine.cloned()
    assert (await machine.advance()).status_code == 200
    answer = await twin.advance()
    assert (answer.status_code, answer.json()["code"]) == (403, "endpoint_locked")
    shown = await ada.get(f"/endpoints/{machine.id}")
    assert (shown["state"], "generation 1" in shown["lock_reason"]) == ("locked", True)
    assert (await machine.report()).status_code == 401  # neither of them goes on
    for copy in (machine, twin):
        refused = await copy.rotate()
        assert (refused.status_code, refused.json()["code"]) == (403, "endpoint_locked")
    assert await kinds(ada, machine) == ["enrolled", "clone_suspected"]
    log = (await ada.get("/audit-log"))["items"]
    assert "endpoint.locked" in [entry["action"] for entry in log]


async def test_after_an_unlock_the_first_to_come_goes_on(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    await machine.advance()
    twin = machine.cloned()
    await machine.advance()
    await twin.advance()
    unlock = f"/api/v1/endpoints/{machine.id}/unlock"
    assert (await ada.api.post(unlock)).json()["state"] != "locked"
    assert (await ada.api.post(unlock)).json()["code"] == "not_locked"
    assert (await machine.rotate()).status_code == 200
    late = await twin.rotate()
    assert (late.status_code, late.json()["code"]) == (403, "endpoint_superseded")
    assert (await machine.advance()).status_code == 200  # and the winner is not locked for it
    assert await kinds(ada, machine) == ["enrolled", "clone_suspected", "unlocked", "claimed"]


async def test_a_golden_image_with_an_enrolled_agent_is_noticed_at_its_first_report(
    ada: Person, machine: Machine
) -> None:
    twin = machine.cloned()
    assert (await machine.advance()).status_code == 200
    assert (await twin.advance()).json()["code"] == "endpoint_locked"


async def test_a_copy_that_slept_through_rotations_is_noticed_by_its_key(
    ada: Person, machine: Machine
) -> None:
    await machine.advance()
    twin = machine.cloned()
    await machine.rotate()
    await machine.advance()
    assert (await twin.report()).status_code == 401  # its token was replaced long ago
    assert (await twin.rotate(with_token=False)).json()["code"] == "endpoint_locked"
    assert (await ada.get(f"/endpoints/{machine.id}"))["state"] == "locked"


async def test_a_rotation_whose_answer_was_lost_is_repeated(ada: Person, machine: Machine) -> None:
    shown = machine.generation.next()
    for _ in range(2):
        answer = await machine.api.post("/api/v1/endpoints/self/rotate-token", json=machine.signed(shown))
        assert answer.status_code == 200
    machine.token, machine.generation = answer.json()["token"], Generation(1, shown["next"])
    assert (await machine.advance()).status_code == 200


async def test_rotations_are_signed_over_everything_they_say(ada: Person, machine: Machine) -> None:
    good = machine.signed(machine.generation.next())
    for change in (
        {"generation": {"number": 5, "mark": None, "next": good["generation"]["next"]}},
        {"generation": good["generation"] | {"next": "0" * 32}},
        {"tenant_id": str(UUID(int=7))},
        {"endpoint_id": str(UUID(int=7))},
        {"nonce": "f" * 32},
    ):
        answer = await machine.api.post("/api/v1/endpoints/self/rotate-token", json=good | change)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature"), change
    assert (await machine.api.post("/api/v1/endpoints/self/rotate-token", json=good)).status_code == 200
    replayed = await machine.api.post("/api/v1/endpoints/self/rotate-token", json=good)
    assert replayed.json()["code"] == "replayed_signature"


async def test_a_revoked_machine_is_told_so_by_its_key(ada: Person, machine: Machine) -> None:
    await ada.api.delete(f"/api/v1/endpoints/{machine.id}")
    answer = await machine.rotate(with_token=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "endpoint_revoked")


async def test_a_machine_installed_again_keeps_its_endpoint(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    await machine.advance()
    await ada.api.patch(f"/api/v1/endpoints/{machine.id}", json={"name": "the database"})
    await silence(platform, ada, 91)
    again = await new_machine(platform, ada)
    assert again.id == machine.id
    assert (await ada.get(f"/endpoints/{machine.id}"))["name"] == "the database"
    assert (await machine.report()).status_code == 401
    assert (await machine.rotate()).json()["code"] == "invalid_signature"
    assert (await again.advance()).status_code == 200
    assert "reinstalled" in await kinds(ada, again)


async def test_a_copied_machine_that_enrols_beside_a_living_one_is_another_endpoint(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    other = await new_machine(platform, ada)
    assert other.id != machine.id
    assert (await machine.advance()).status_code == 200
    # Nor does a locked or revoked one pass to whoever enrols.
    await silence(platform, ada, 91)
    await ada.api.delete(f"/api/v1/endpoints/{other.id}")
    await ada.api.delete(f"/api/v1/endpoints/{machine.id}")
    assert (await new_machine(platform, ada)).id not in {machine.id, other.id}


async def test_machines_of_other_tenants_are_never_taken_over(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    eve = await platform.register("eve")
    await silence(platform, ada, 91)
    assert (await new_machine(platform, eve)).id != machine.id
    assert (await eve.api.post(f"/api/v1/endpoints/{machine.id}/unlock")).status_code == 404
    assert (await eve.api.get(f"/api/v1/endpoints/{machine.id}/events")).status_code == 404


async def test_silence_is_noticed_once_and_its_end_too(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    watch = platform.services.endpoint_watch
    await watch.round()
    assert await kinds(ada, machine) == ["enrolled"]
    await silence(platform, ada, 91)
    await watch.round()
    await watch.round()
    shown = await ada.get(f"/endpoints/{machine.id}")
    assert (shown["state"], shown["offline_since"] is not None) == ("offline", True)
    await machine.heartbeat()
    assert await kinds(ada, machine) == ["enrolled", "offline", "online"]
    assert (await ada.get(f"/endpoints/{machine.id}"))["offline_since"] is None


@pytest.mark.parametrize(
    ("beat_ago", "outage_ended_ago", "declared"),
    [(1, None, True), (16, None, False), (1, 30, False), (1, 120, True)],
)
async def test_nobody_is_offline_because_we_were(
    platform: Platform,
    ada: Person,
    machine: Machine,
    beat_ago: int,
    outage_ended_ago: int | None,
    declared: bool,
) -> None:
    services, now = platform.services, platform.services.clock.now()
    async with services.database.session(Scope(role="crontopus_ingest")) as session:
        await session.execute(
            text("INSERT INTO ingest_heartbeats (process_id, at) VALUES (gen_random_uuid(), :at)"),
            {"at": now - timedelta(seconds=beat_ago)},
        )
        if outage_ended_ago is not None:
            ended = now - timedelta(seconds=outage_ended_ago)
            await session.execute(
                text(
                    "INSERT INTO ingest_outages (id, began_at, ended_at) VALUES (gen_random_uuid(), :began, :ended)"
                ),
                {"began": ended - timedelta(minutes=5), "ended": ended},
            )
    await silence(platform, ada, 200)
    await EndpointWatch(services.database, services.clock, reachable_since).round()
    assert ("offline" in await kinds(ada, machine)) == declared


async def test_conditions_that_change_are_told_and_shown(ada: Person, machine: Machine) -> None:
    job = await ada.put_job("default/hello", command="/bin/true", selector={"matchLabels": {"role": "db"}})
    place = str(instance_id(UUID(job["id"]), machine.id))

    def condition(type: str, reason: str = "R", message: str = "") -> dict[str, Any]:
        about = {"job_id": job["id"], "instance_id": place}
        return about | {"type": type, "reason": reason, "message": message}

    await machine.heartbeat(conditions=[condition("Ready")])  # as it should be: nothing to tell
    await machine.heartbeat(conditions=[condition("Drifted", "HandEdit", "-a +b")])
    await machine.heartbeat(conditions=[condition("Drifted", "HandEdit", "-a +b")])
    shown = await ada.get(f"/endpoints/{machine.id}")
    assert (shown["instances"], shown["conditions"]) == (1, {"Drifted": 1})
    assert [(each["type"], each["message"]) for each in shown["problems"]] == [("Drifted", "-a +b")]
    await machine.heartbeat(conditions=[condition("Reconciling")])
    await machine.heartbeat(conditions=[condition("Ready")])
    assert await kinds(ada, machine) == ["enrolled", "drifted", "ready"]
    latest = (await ada.get(f"/endpoints/{machine.id}/events", limit=1))["items"][0]
    assert (latest["job_id"], latest["instance_id"]) == (job["id"], place)


async def test_one_report_of_everything_stalled_is_bounded(ada: Person, machine: Machine) -> None:
    stalled = [
        {"job_id": str(UUID(int=n)), "instance_id": str(UUID(int=n)), "type": "Stalled", "reason": "R"}
        for n in range(1, 251)
    ]
    await machine.heartbeat(conditions=stalled)
    told = (await ada.get(f"/endpoints/{machine.id}/events", limit=200))["items"]
    assert [each["kind"] for each in told].count("stalled") == 100
    assert [each["message"] for each in told if each["kind"] == "many"] == ["150 more conditions changed."]
    assert len((await ada.get(f"/endpoints/{machine.id}"))["problems"]) == 200


async def test_the_clock_is_told_as_the_agent_measured_it(ada: Person, machine: Machine) -> None:
    async def shown(**more: Any) -> int:
        await machine.heartbeat(**more)
        return (await ada.get(f"/endpoints/{machine.id}"))["clock_offset_ms"]

    assert await shown(clock={"offset_ms": -90_000, "round_trip_ms": 40}) == -90_000
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (
        abs(await shown(clock={"offset_ms": 1, "round_trip_ms": 60_000}, sent_at=ahead) - 3_600_000) < 60_000
    )


async def test_old_events_are_forgotten(platform: Platform, ada: Person, machine: Machine) -> None:
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE endpoint_events SET at = at - interval '91 days'"))
    await enrol(platform, await enrol_token(ada), machine_id="another")
    await platform.services.endpoint_watch.remove_old()
    assert await kinds(ada, machine) == []


async def test_agents_learn_whose_signatures_to_believe(platform: Platform, ada: Person) -> None:
    token = await enrol_token(ada)
    body = (await enrol(platform, token)).json()
    published = await platform.client().get("/api/v1/signers")
    assert body["signers"] == {"current": published.json()["current"]["public_key"], "successions": []}
    own = (await platform.client(body["token"]).get("/api/v1/endpoints/self")).json()
    assert own["signers"] == body["signers"]
