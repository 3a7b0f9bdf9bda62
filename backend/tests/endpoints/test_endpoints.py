"""A machine's life: enrolment, heartbeat, rotation of its token, revocation."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from crontopus_api.endpoints.service import TOKEN_LIFE
from crontopus_api.manifests import instance_id

from ..platform import Person, Platform
from .machine import Machine, enrol, enrol_token


async def test_enrolment_gives_a_machine_what_it_needs(platform: Platform, ada: Person) -> None:
    token = await enrol_token(ada, labels={"role": "db"})
    answer = await enrol(platform, token, labels={"role": "web", "zone": "a"})
    assert answer.status_code == 201
    body = answer.json()
    assert body["labels"] == {"role": "db", "zone": "a"}  # the token's maker decides
    assert body["token"].startswith("ctp_ep_")
    assert body["repository"]["url"].endswith("/git/crontopus/job-manifests-ada.git")
    shown = (await ada.get("/endpoints"))["items"]
    assert [(each["hostname"], each["state"]) for each in shown] == [("web-1", "online")]


async def test_ten_machines_with_one_use_enrol_once(platform: Platform, ada: Person) -> None:
    token = await enrol_token(ada, uses=1)
    answers = await asyncio.gather(*(enrol(platform, token, f"web-{index}") for index in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 9
    assert len((await ada.get("/endpoints"))["items"]) == 1


async def test_a_revoked_enrolment_token_enrols_nobody(platform: Platform, ada: Person) -> None:
    made = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()
    assert (await ada.api.delete(f"/api/v1/enrollment-tokens/{made['token']['id']}")).status_code == 204
    answer = await enrol(platform, made["secret"])
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_enrollment_token")


async def test_a_heartbeat_reports_and_is_told_where_head_is(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    job = await ada.put_job("default/hello", command="/bin/true", selector={"matchLabels": {"role": "db"}})
    place = instance_id(UUID(job["id"]), machine.id)
    condition = {"job_id": job["id"], "instance_id": str(place), "type": "Ready", "reason": "Applied"}
    answer = await machine.heartbeat(applied_commit=job["commit"], conditions=[condition])
    assert answer["head_commit"] == job["commit"]
    instances = (await ada.get("/instances", job="default/hello"))["items"]
    assert [(each["id"], each["condition"]["type"]) for each in instances] == [(str(place), "Ready")]
    assert (await ada.get(f"/endpoints/{machine.id}"))["instances"] == 1
    await machine.heartbeat(conditions=[])
    assert (await ada.get("/instances"))["items"][0]["condition"] is None


async def test_labels_decide_where_a_job_is_expected(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    await ada.put_job("default/hello", command="/bin/true", selector={"matchLabels": {"role": "web"}})
    assert (await ada.get("/jobs/default/hello"))["state"] == "none"
    answer = await ada.api.patch(f"/api/v1/endpoints/{machine.id}", json={"labels": {"role": "web"}})
    assert answer.status_code == 200
    assert (await ada.get("/jobs/default/hello"))["instances"]["total"] == 1
    assert (await ada.api.delete(f"/api/v1/endpoints/{machine.id}")).status_code == 204
    assert (await ada.get("/jobs/default/hello"))["state"] == "none"


async def test_a_machine_reports_runs_of_its_own_instances_only(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    job = await ada.put_job("default/hello", command="/bin/true", selector={"matchLabels": {"role": "db"}})
    pinged = await ada.put_job("default/other")
    finish = {"kind": "finish", "exit_code": 0}
    own = await machine.api.post("/api/v1/check-ins", json=finish | {"job_id": job["id"]})
    assert own.status_code == 200
    foreign = str(instance_id(UUID(pinged["id"]), None))
    answer = await machine.api.post("/api/v1/check-ins", json=finish | {"instance_id": foreign})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_instance")
    run = (await ada.get("/runs"))["items"][0]
    assert (run["source"], run["endpoint"]["name"]) == ("agent", "web-1")


async def test_a_token_is_rotated_with_overlap(platform: Platform, ada: Person, machine: Machine) -> None:
    answer = await machine.api.post("/api/v1/endpoints/self/rotate-token", json=machine.rotation())
    assert answer.status_code == 200
    fresh = platform.client(answer.json()["token"])
    assert (await machine.api.get("/api/v1/endpoints/self")).status_code == 200  # not used yet: both work
    assert (await fresh.get("/api/v1/endpoints/self")).status_code == 200
    assert (await machine.api.get("/api/v1/endpoints/self")).status_code == 401


async def test_a_rotation_is_signed_fresh_and_used_once(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    async def code(body: dict[str, str]) -> str:
        answer = await machine.api.post("/api/v1/endpoints/self/rotate-token", json=body)
        assert answer.status_code == 401
        return answer.json()["code"]

    foreign = replace(machine, key=Ed25519PrivateKey.generate())
    assert await code(foreign.rotation()) == "invalid_signature"
    assert await code(machine.rotation(datetime.now(UTC) - timedelta(minutes=6))) == "stale_signature"
    body = machine.rotation()
    assert (await machine.api.post("/api/v1/endpoints/self/rotate-token", json=body)).status_code == 200
    assert await code(body) == "replayed_signature"


async def test_a_machine_that_was_off_for_long_comes_back_by_its_key(
    platform: Platform, ada: Person, machine: Machine
) -> None:
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(
            text("UPDATE tokens SET expires_at = now() - :life WHERE kind = 'endpoint'"), {"life": TOKEN_LIFE}
        )
    assert (await machine.api.get("/api/v1/endpoints/self")).status_code == 401
    answer = await machine.api.post("/api/v1/endpoints/self/rotate-token", json=machine.rotation())
    fresh = platform.client(answer.json()["token"])
    assert (await fresh.get("/api/v1/endpoints/self")).status_code == 200


async def test_a_revoked_machine_is_out_at_once(platform: Platform, ada: Person, machine: Machine) -> None:
    await ada.api.delete(f"/api/v1/endpoints/{machine.id}")
    assert (await machine.api.get("/api/v1/endpoints/self")).status_code == 401
    rotate = await machine.api.post("/api/v1/endpoints/self/rotate-token", json=machine.rotation())
    assert rotate.status_code == 401
    assert (await ada.get("/endpoints"))["items"][0]["state"] == "revoked"


@pytest.mark.parametrize("path", ["/tokens", "/auth/me", "/endpoints", "/runs", "/enrollment-tokens"])
async def test_a_machine_is_not_a_person(platform: Platform, machine: Machine, path: str) -> None:
    answer = await machine.api.get(f"/api/v1{path}")
    allowed = path == "/endpoints"  # what it may read of jobs, it may read of its fellow endpoints
    assert answer.status_code == (200 if allowed else 403)
