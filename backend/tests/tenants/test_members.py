"""Members come by invitation, have roles, and go; a tenant always keeps an owner."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from crontopus_api.identity.roles_docs import PAGE, render
from crontopus_api.identity.scopes import BY_ROLE, MEANINGS

from ..platform import Person, Platform
from .conftest import audited, enter_tenant, invite, user_id

Join = Callable[[str, str], Awaitable[Person]]


async def _roles(person: Person) -> dict[str, str]:
    return {each["username"]: each["role"] for each in (await person.get("/members"))["items"]}


async def _set(actor: Person, whom: Person, role: str) -> httpx.Response:
    return await actor.api.patch(f"/api/v1/members/{await user_id(whom)}", json={"role": role})


def test_the_page_about_roles_is_what_the_table_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == render(), "run `python -m crontopus_api.identity.roles_docs`"
    assert {scope for scopes in BY_ROLE.values() for scope in scopes} <= set(MEANINGS)


async def test_every_member_sees_everybody_and_only_administrators_change_anything(
    ada: Person, join: Join
) -> None:
    grace, eve, max_ = await join("grace", "admin"), await join("eve", "editor"), await join("max", "viewer")
    everybody = {"ada": "owner", "grace": "admin", "eve": "editor", "max": "viewer"}
    for person in (ada, grace, eve, max_):
        assert await _roles(person) == everybody
    for person in (eve, max_):
        for answer in (
            await _set(person, max_, "editor"),
            await person.api.delete(f"/api/v1/members/{await user_id(eve)}"),
            await person.api.post("/api/v1/invitations", json={"email": "x@example.org"}),
            await person.api.get("/api/v1/invitations"),
            await person.api.patch("/api/v1/tenants/current", json={"name": "x"}),
            await person.api.get("/api/v1/tokens?all=true"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert (await _set(grace, max_, "admin")).status_code == 200


async def test_nobody_gives_or_takes_a_role_above_their_own(ada: Person, join: Join) -> None:
    grace, eve = await join("grace", "admin"), await join("eve", "editor")
    invited = await grace.api.post("/api/v1/invitations", json={"email": "x@example.org", "role": "owner"})
    refused = [
        await _set(grace, eve, "owner"),
        await _set(grace, ada, "viewer"),
        await grace.api.delete(f"/api/v1/members/{await user_id(ada)}"),
        invited,
    ]
    assert {(each.status_code, each.json()["code"]) for each in refused} == {(403, "role_above_own")}
    transfer = await grace.api.post("/api/v1/tenants/current/transfer", json={"user_id": await user_id(eve)})
    assert (transfer.status_code, transfer.json()["code"]) == (403, "missing_scope")


async def test_a_role_takes_effect_at_once_for_sessions_and_tokens(
    database_url: str, platform: Platform, ada: Person, join: Join
) -> None:
    grace = await join("grace", "editor")
    token = (await grace.api.post("/api/v1/tokens", json={"name": "ci"})).json()["secret"]
    body = {"spec": {"schedule": "@daily"}}
    assert (await _set(ada, grace, "viewer")).json()["role"] == "viewer"
    for api in (grace.api, platform.client(token)):
        assert (await api.put("/api/v1/jobs/default/x", json=body)).status_code == 403
    assert (await _set(ada, grace, "admin")).status_code == 200
    assert (await grace.api.put("/api/v1/jobs/default/x", json=body)).status_code == 201
    assert (await grace.api.get("/api/v1/invitations")).status_code == 200
    changes = audited(database_url, ada, "member.role_changed")
    assert [(each["before"], each["after"]) for each in changes] == [
        ({"role": "editor"}, {"role": "viewer"}),
        ({"role": "viewer"}, {"role": "admin"}),
    ]
    assert (changes[0]["actor_name"], changes[0]["subject_name"]) == ("ada", "grace")


async def test_who_is_removed_is_out_at_once(
    database_url: str, platform: Platform, ada: Person, join: Join
) -> None:
    grace = await join("grace", "admin")
    token = (await grace.api.post("/api/v1/tokens", json={"name": "ci"})).json()["secret"]
    enrol = (await grace.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    await invite(platform, grace, "friend@example.org", "viewer")
    assert (await ada.api.delete(f"/api/v1/members/{await user_id(grace)}")).status_code == 204
    assert (await grace.api.get("/api/v1/jobs")).status_code == 401
    assert (await platform.client(token).get("/api/v1/jobs")).status_code == 401
    assert (await _enrol(platform, enrol)).status_code == 401
    assert (await ada.get("/invitations"))["items"] == []
    assert await _roles(ada) == {"ada": "owner"}
    assert len(audited(database_url, ada, "member.removed")) == 1
    # What is theirs elsewhere is untouched.
    again = await platform.client().post(
        "/api/v1/auth/login", json={"login": "grace", "password": "correct horse battery"}
    )
    assert again.json()["tenant"]["slug"] == "grace"


async def test_the_last_owner_stays(ada: Person, join: Join) -> None:
    grace = await join("grace", "owner")
    assert (await _set(grace, ada, "viewer")).status_code == 200
    own = await user_id(grace)
    refused = [
        await _set(grace, grace, "admin"),
        await grace.api.delete(f"/api/v1/members/{own}"),
        await grace.api.post("/api/v1/tenants/current/leave"),
    ]
    assert {(each.status_code, each.json()["code"]) for each in refused} == {(409, "last_owner")}


@pytest.mark.parametrize("attempt", range(3))
async def test_two_owners_who_demote_each_other_at_once_leave_one(
    ada: Person, join: Join, attempt: int
) -> None:
    grace = await join("grace", "owner")
    first, second = await asyncio.gather(_set(ada, grace, "admin"), _set(grace, ada, "admin"))
    codes = sorted([first.status_code, second.status_code])
    # Whoever comes second is no owner any more, or is the last one.
    assert codes[0] == 200
    assert codes[1] in {403, 409}
    assert sorted((await _roles(ada)).values()) == ["admin", "owner"]


async def test_an_owner_hands_the_tenant_over(database_url: str, ada: Person, join: Join) -> None:
    grace = await join("grace", "viewer")
    answer = await ada.api.post("/api/v1/tenants/current/transfer", json={"user_id": await user_id(grace)})
    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert await _roles(ada) == {"ada": "admin", "grace": "owner"}
    assert (await grace.api.patch("/api/v1/tenants/current", json={"name": "Grace & Co"})).status_code == 200
    again = await ada.api.post("/api/v1/tenants/current/transfer", json={"user_id": await user_id(ada)})
    assert again.status_code == 403
    assert len(audited(database_url, ada, "member.role_changed")) == 2


async def test_a_member_leaves_and_their_session_ends(ada: Person, join: Join) -> None:
    grace = await join("grace", "editor")
    assert (await grace.api.post("/api/v1/tenants/current/leave")).status_code == 204
    assert (await grace.api.get("/api/v1/members")).status_code == 401
    assert await _roles(ada) == {"ada": "owner"}


async def test_nobody_leaves_their_only_tenant(platform: Platform, ada: Person, join: Join) -> None:
    await join("grace", "owner")
    answer = await ada.api.post("/api/v1/tenants/current/leave")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_tenant")
    await ada.api.post("/api/v1/tenants", json={"slug": "second"})
    assert (await ada.api.post("/api/v1/tenants/current/leave")).status_code == 204


async def test_members_of_other_tenants_are_not_found(platform: Platform, ada: Person, join: Join) -> None:
    await join("grace", "viewer")
    mallory = await platform.register("mallory")
    for whom in (ada, mallory):
        actor = mallory if whom is ada else ada
        assert (await _set(actor, whom, "viewer")).status_code == 404
        assert (await actor.api.delete(f"/api/v1/members/{await user_id(whom)}")).status_code == 404
    assert set(await _roles(mallory)) == {"mallory"}


async def test_machines_and_strangers_see_no_members(platform: Platform, ada: Person) -> None:
    enrol = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    machine = platform.client((await _enrol(platform, enrol)).json()["token"])
    for path in ("/members", "/tenants", "/tenants/current", "/tokens"):
        refused = await machine.get(f"/api/v1{path}")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_a_user")
        assert (await platform.client().get(f"/api/v1{path}")).status_code == 401


async def test_the_same_person_has_a_role_per_tenant(platform: Platform, ada: Person, join: Join) -> None:
    grace_here = await join("grace", "viewer")
    tenants = (await grace_here.get("/tenants"))["items"]
    assert [(each["slug"], each["role"]) for each in tenants] == [("grace", "owner"), ("ada", "viewer")]
    again = await enter_tenant(platform, grace_here, ada)
    assert (await again.get("/tenants/current"))["role"] == "viewer"


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
