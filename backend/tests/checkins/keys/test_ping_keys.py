"""The tenant's ping key: made once, rotated, shown to those who may report."""

import re

import pytest

from crontopus_api.identity.scopes import BY_ROLE

from ...platform import Person, Platform

PATH = "/api/v1/ping-key"


async def _token(person: Person, *scopes: str) -> str:
    answer = await person.api.post("/api/v1/tokens", json={"name": "t", "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    return answer.json()["secret"]


async def test_the_key_stays_until_it_is_rotated(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    first = await ada.get("/ping-key")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", first["key"])
    assert first["url"] == f"http://crontopus.test/ping/{first['key']}"
    assert await ada.get("/ping-key") == first
    second = (await ada.api.post(f"{PATH}/rotate")).json()
    assert second["key"] != first["key"]
    assert await ada.get("/ping-key") == second
    assert (await platform.ping(first["url"] + "/hello")).status_code == 404
    assert (await platform.ping(second["url"] + "/hello")).status_code == 200


async def test_each_tenant_has_its_own(platform: Platform, ada: Person) -> None:
    eve = await platform.register("eve")
    assert (await ada.get("/ping-key"))["key"] != (await eve.get("/ping-key"))["key"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_only_who_may_report_sees_it(platform: Platform, ada: Person, method: str) -> None:
    path = PATH if method == "GET" else f"{PATH}/rotate"
    editor = await _token(ada, *BY_ROLE["editor"])
    viewer = await _token(ada, *BY_ROLE["viewer"])
    assert (await platform.client(editor).request(method, path)).status_code == 200
    assert (await platform.client(viewer).request(method, path)).status_code == 403
    assert (await platform.client().request(method, path)).status_code == 401
