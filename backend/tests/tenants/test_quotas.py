"""What a plan leaves room for, said and kept."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from crontopus_api.tenants.plans import PLANS, Plan

from ..platform import Person, Platform
from .conftest import audited, invite

Join = Callable[[str, str], Awaitable[Person]]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Plan:
    plan = Plan("business", jobs=3, repository_bytes=1 << 20, endpoints=2, members=4, run_days=5)
    monkeypatch.setitem(PLANS, "business", plan)
    return plan


async def _enrol(platform: Platform, token: str) -> httpx.Response:
    body = {
        "token": token,
        "hostname": "web-1",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "public_key": "A" * 43 + "=",
        "machine_id": "m",
    }
    return await platform.client().post("/api/v1/endpoints/enroll", json=body)


async def _usage(person: Person) -> dict[str, Any]:
    usage = await person.get("/usage")
    assert usage["plan"] == "business"
    return {each["name"]: (each["used"], each["limit"], each["unit"]) for each in usage["items"]}


async def test_endpoints_within_the_plan_however_many_come_at_once(
    platform: Platform, ada: Person, small: Plan
) -> None:
    # Two tokens: of one alone, only one machine at a time takes a use.
    made = [(await ada.api.post("/api/v1/enrollment-tokens", json={"uses": 9})).json() for _ in range(2)]
    secrets = [each["secret"] for each in made]
    answers = await asyncio.gather(*(_enrol(platform, secret) for secret in secrets * 3))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 403, 403, 403, 403]
    refused = next(answer.json() for answer in answers if answer.status_code == 403)
    assert refused["code"] == "quota_endpoints"
    assert refused["detail"] == "The plan business has room for 2 endpoints, and no more."
    assert "operator" in refused["hint"]
    # What was refused has not used the tokens up.
    tokens = (await ada.get("/enrollment-tokens"))["items"]
    assert sum(token["uses_left"] for token in tokens) == 16
    gone = (await ada.get("/endpoints"))["items"][0]["id"]
    assert (await ada.api.delete(f"/api/v1/endpoints/{gone}")).status_code == 204
    assert (await _enrol(platform, secrets[0])).status_code == 201


async def test_usage_says_what_is_used_of_what_there_is(
    platform: Platform, ada: Person, join: Join, small: Plan
) -> None:
    empty = await _usage(ada)
    assert empty["jobs"] == (0, 3, "count")
    assert empty["repository_bytes"] == (0, 1 << 20, "bytes")
    await ada.put_job()
    viewer = await join("grace", "viewer")
    await invite(platform, ada, "eve@example.org", "viewer")
    token = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    assert (await _enrol(platform, token)).status_code == 201
    seen = await _usage(viewer)
    assert seen["jobs"] == (1, 3, "count")
    assert seen["endpoints"] == (1, 2, "count")
    assert seen["members"] == (3, 4, "count")
    assert seen["run_days"] == (None, 5, "days")
    assert seen["check_ins_per_minute"] == (None, 6000, "per_minute")
    assert seen["repository_bytes"][0] > 100
    # Somebody else's tenant is not counted.
    assert (await _usage(await platform.register("mallory")))["members"] == (1, 4, "count")


async def test_usage_is_for_people_who_may_read(platform: Platform, ada: Person) -> None:
    assert (await platform.client().get("/api/v1/usage")).status_code == 401
    narrow = await ada.api.post("/api/v1/tokens", json={"name": "ci", "scopes": ["checkins:write"]})
    refused = await platform.client(narrow.json()["secret"]).get("/api/v1/usage")
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")


async def test_plans_grow() -> None:
    free, team, business = PLANS["free"], PLANS["team"], PLANS["business"]
    for limit in ("jobs", "endpoints", "members", "channels", "check_ins_per_minute", "run_days"):
        assert getattr(free, limit) < getattr(team, limit) < getattr(business, limit)


async def test_what_happens_to_endpoints_and_keys_is_in_the_log(
    platform: Platform, ada: Person, database_url: str
) -> None:
    made = (await ada.api.post("/api/v1/enrollment-tokens", json={"labels": {"role": "db"}})).json()
    endpoint = (await _enrol(platform, made["secret"])).json()["endpoint_id"]
    await ada.api.patch(f"/api/v1/endpoints/{endpoint}", json={"labels": {"role": "web"}})
    await ada.api.patch(f"/api/v1/endpoints/{endpoint}", json={"labels": {"role": "web"}})
    for _ in range(2):
        await ada.api.delete(f"/api/v1/endpoints/{endpoint}")
    await ada.api.post("/api/v1/ping-key/rotate")
    enrolled = audited(database_url, ada, "endpoint.enrolled")[0]
    assert (enrolled["actor_kind"], str(enrolled["actor_id"])) == ("endpoint", endpoint)
    assert enrolled["after"]["enrolment_token"] == made["token"]["id"]
    changed = audited(database_url, ada, "endpoint.changed")
    assert [(each["before"], each["after"]) for each in changed] == [
        ({"labels": {"role": "db"}}, {"labels": {"role": "web"}})
    ]
    assert len(audited(database_url, ada, "endpoint.revoked")) == 1
    assert len(audited(database_url, ada, "ping_key.rotated")) == 1
