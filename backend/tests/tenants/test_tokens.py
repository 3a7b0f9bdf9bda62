"""Tokens: rotated with an overlap, listed and revoked by administrators, enrolment by exactly one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from crontopus_api.identity.secrets import token_digest

from ..platform import Person, Platform
from .conftest import audited

Join = Callable[[str, str], Awaitable[Person]]


async def _make(person: Person, **body: Any) -> dict[str, Any]:
    answer = await person.api.post("/api/v1/tokens", json={"name": "ci"} | body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _rotate(api: httpx.AsyncClient, token: dict[str, Any], overlap: int = 0) -> httpx.Response:
    path = f"/api/v1/tokens/{token['token']['id']}/rotate"
    return await api.post(path, json={"overlap_seconds": overlap})


async def test_rotation_without_overlap_ends_the_old_token_at_once(
    platform: Platform, ada: Person, database_url: str
) -> None:
    old = await _make(ada, scopes=["jobs:read", "runs:read"], expires_in_seconds=3600)
    answer = await _rotate(ada.api, old)
    assert answer.status_code == 201
    new = answer.json()
    assert new["secret"] != old["secret"]
    assert new["token"]["scopes"] == old["token"]["scopes"]
    assert new["token"]["name"] == "ci"
    assert new["token"]["expires_at"] is not None
    assert (await platform.client(old["secret"]).get("/api/v1/jobs")).status_code == 401
    assert (await platform.client(new["secret"]).get("/api/v1/jobs")).status_code == 200
    entry = audited(database_url, ada, "token.rotated")[0]
    assert (entry["subject_id"], entry["after"]["id"]) == (old["token"]["id"], new["token"]["id"])


async def test_with_overlap_both_work_until_it_ends(platform: Platform, ada: Person) -> None:
    old = await _make(ada)
    new = (await _rotate(ada.api, old, 600)).json()
    old_api, new_api = platform.client(old["secret"]), platform.client(new["secret"])
    for _ in range(2):  # the first use of the new one does not end the old one
        assert [(await api.get("/api/v1/jobs")).status_code for api in (new_api, old_api)] == [200, 200]
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=601), tick=False):
        assert [(await api.get("/api/v1/jobs")).status_code for api in (new_api, old_api)] == [200, 401]
        expired = await _rotate(ada.api, old)
    assert (expired.status_code, expired.json()["code"]) == (409, "expired_token")
    assert (await _rotate(ada.api, new, 7 * 86400 + 1)).status_code == 422


async def test_an_overlap_never_makes_a_token_live_longer(platform: Platform, ada: Person) -> None:
    old = await _make(ada, expires_in_seconds=60)
    await _rotate(ada.api, old, 600)
    listed = {each["id"]: each for each in (await ada.get("/tokens"))["items"]}
    assert listed[old["token"]["id"]]["expires_at"] == old["token"]["expires_at"]


async def test_a_weak_token_rotates_itself_and_nothing_stronger(platform: Platform, ada: Person) -> None:
    strong, weak = await _make(ada), await _make(ada, scopes=["jobs:read"])
    api = platform.client(weak["secret"])
    refused = await _rotate(api, strong)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert (await _rotate(api, weak)).json()["token"]["scopes"] == ["jobs:read"]
    assert (await api.get("/api/v1/jobs")).status_code == 401


async def test_a_weak_token_ends_itself_and_nothing_stronger(platform: Platform, ada: Person) -> None:
    strong, weak = await _make(ada), await _make(ada, scopes=["jobs:read"])
    api = platform.client(weak["secret"])
    refused = await api.delete(f"/api/v1/tokens/{strong['token']['id']}")
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert (await platform.client(strong["secret"]).get("/api/v1/jobs")).status_code == 200
    assert (await api.delete(f"/api/v1/tokens/{weak['token']['id']}")).status_code == 204
    assert (await api.get("/api/v1/jobs")).status_code == 401


async def test_administrators_see_and_revoke_everybodys_tokens(
    platform: Platform, ada: Person, join: Join, database_url: str
) -> None:
    grace, eve = await join("grace", "editor"), await join("eve", "viewer")
    token = await _make(grace)
    everybody = await ada.get("/tokens", all=True)
    owners = {each["id"]: each["owner"]["username"] for each in everybody["items"]}
    assert owners[token["token"]["id"]] == "grace"
    assert token["secret"] not in str(everybody)
    for other in (eve, await platform.register("mallory")):
        assert (await other.api.delete(f"/api/v1/tokens/{token['token']['id']}")).status_code == 404
        assert (await _rotate(other.api, token)).status_code == 404
    # Rotating would hand out somebody else's secret.
    assert (await _rotate(ada.api, token)).status_code == 404
    assert (await ada.api.delete(f"/api/v1/tokens/{token['token']['id']}")).status_code == 204
    assert (await platform.client(token["secret"]).get("/api/v1/jobs")).status_code == 401
    entry = audited(database_url, ada, "token.revoked")[0]
    assert (entry["actor_name"], entry["before"]["kind"]) == ("ada", "user")
    created = audited(database_url, ada, "token.created")
    [entry] = [each for each in created if each["subject_id"] == token["token"]["id"]]
    assert entry["actor_name"] == "grace"
    assert token_digest(token["secret"]).hex() not in str(created)


def _enrolment(token: str, number: int = 0) -> dict[str, str]:
    return {
        "token": token,
        "hostname": f"web-{number}",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "public_key": "A" * 43 + "=",
        "machine_id": "m",
    }


@pytest.mark.parametrize(("uses", "machines"), [(1, 10), (3, 10)])
async def test_of_ten_machines_with_one_token_as_many_enrol_as_it_is_good_for(
    platform: Platform, ada: Person, uses: int, machines: int
) -> None:
    """Each over a database connection of its own (the pool has twenty), all at once."""
    body = {"uses": uses, "labels": {"role": "web"}}
    token = (await ada.api.post("/api/v1/enrollment-tokens", json=body)).json()["secret"]
    answers = await asyncio.gather(
        *(
            platform.client().post("/api/v1/endpoints/enroll", json=_enrolment(token, number))
            for number in range(machines)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * uses + [401] * (machines - uses)
    endpoints = (await ada.get("/endpoints"))["items"]
    assert [endpoint["labels"] for endpoint in endpoints] == [{"role": "web"}] * uses


async def test_an_enrolment_token_lives_an_hour_and_a_day_at_most_and_serves_one(ada: Person) -> None:
    made = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["token"]
    life = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert (made["uses_left"], life) == (1, timedelta(hours=1))
    longer = await ada.api.post("/api/v1/enrollment-tokens", json={"expires_in_seconds": 86_401})
    assert longer.status_code == 422


async def test_an_enrolment_token_leads_into_its_own_tenant(platform: Platform, ada: Person) -> None:
    mallory = await platform.register("mallory")
    token = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    enrolled = (await mallory.api.post("/api/v1/endpoints/enroll", json=_enrolment(token))).json()
    assert enrolled["tenant_slug"] == "ada"
    assert (await mallory.get("/endpoints"))["items"] == []
