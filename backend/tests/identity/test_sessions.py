"""Sessions in all of a person's tenants: seen, ended, moved; and what the account's log tells."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crontopus_api.identity.agents import agent_name
from crontopus_api.kit.database import Scope
from crontopus_api.tenants.models import Membership

from ..platform import PASSWORD, Person, Platform
from .conftest import Browser, browser, signed_in


async def _join(platform: Platform, tenant_id: UUID, user_id: UUID, role: str) -> None:
    async with platform.services.database.tenant(tenant_id, user_id) as session:
        session.add(
            Membership(
                tenant_id=tenant_id, user_id=user_id, role=role, created_at=platform.services.clock.now()
            )
        )


async def _member(platform: Platform, ada: Person) -> Browser:
    """Grace, at a browser, with a tenant of her own and a viewer in ada's."""
    grace = await signed_in(platform, "grace")
    await _join(platform, ada.tenant_id, UUID((await grace.get("/me"))["user"]["id"]), "viewer")
    return grace


async def test_sessions_are_listed_and_ended(platform: Platform) -> None:
    here = await signed_in(platform, "ada")
    phone = browser(platform, "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1")
    await phone.login("ada")
    third = browser(platform, "curl/8.5.0")
    await third.login("ada")
    listed = (await here.get("/sessions"))["items"]
    assert [each["name"] for each in listed] == ["curl/8.5.0", "Safari on iPhone", "Firefox on Linux"]
    assert [each["current"] for each in listed] == [False, False, True]
    assert {(each["tenant"], each["address"]) for each in listed} == {("ada", "192.0.2.9")}
    assert (await here.delete(f"/sessions/{listed[1]['id']}")).status_code == 204
    assert [await each.signed_in() for each in (here, phone, third)] == [True, False, True]
    assert (await here.delete(f"/sessions/{listed[1]['id']}")).status_code == 404
    assert (await here.delete("/sessions")).status_code == 204
    assert [await each.signed_in() for each in (here, phone, third)] == [True, False, False]
    assert [each["current"] for each in (await here.get("/sessions"))["items"]] == [True]


async def test_the_list_comes_in_pages(platform: Platform) -> None:
    here = await signed_in(platform, "ada")
    for _ in range(4):
        await browser(platform).login("ada")
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = await here.get(f"/sessions?limit=2{cursor}")
        seen += [each["id"] for each in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert len(set(seen)) == 5
    assert page["next_cursor"] is None


async def test_somebody_elses_session_is_not_found(platform: Platform, ada: Person) -> None:
    mine, hers = await signed_in(platform, "eve"), await signed_in(platform, "grace")
    theirs = (await hers.get("/sessions"))["items"][0]["id"]
    assert (await mine.delete(f"/sessions/{theirs}")).status_code == 404
    assert await hers.signed_in()


async def test_one_switches_between_ones_tenants(platform: Platform, ada: Person) -> None:
    await ada.put_job("default/hello")
    grace = await _member(platform, ada)
    before = (await grace.get("/sessions"))["items"][0]
    old = grace.api.cookies["crontopus_session"]
    switched = await grace.post("/switch", tenant="ada")
    assert switched.status_code == 200, switched.text
    assert (switched.json()["tenant"]["slug"], switched.json()["tenant"]["role"]) == ("ada", "viewer")
    assert switched.json()["scopes"] == ["jobs:read", "runs:read"]
    jobs = (await grace.api.get("/api/v1/jobs")).json()["items"]
    assert [job["name"] for job in jobs] == ["hello"]
    (now,) = (await grace.get("/sessions"))["items"]
    assert (now["tenant"], now["expires_at"]) == ("ada", before["expires_at"])
    assert (await platform.client(old).get("/api/v1/auth/me")).status_code == 401
    # From here all of one's sessions are seen, and ended, as well.
    elsewhere = browser(platform)
    await elsewhere.login("grace")
    assert {each["tenant"] for each in (await grace.get("/sessions"))["items"]} == {"ada", "grace"}
    assert (await grace.delete("/sessions")).status_code == 204
    assert not await elsewhere.signed_in()


async def test_one_does_not_switch_where_one_is_no_member(platform: Platform, ada: Person) -> None:
    eve = await signed_in(platform, "eve")
    for slug in ("ada", "nowhere"):
        assert (await eve.post("/switch", tenant=slug)).status_code == 404
    answer = await ada.api.post("/api/v1/auth/switch", json={"tenant": "ada"})
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_who_has_no_tenant_any_more_gets_one(platform: Platform, ada: Person) -> None:
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("DELETE FROM memberships WHERE tenant_id = :id"), {"id": ada.tenant_id})
    session_out = (await browser(platform).login("ada")).json()
    assert session_out["tenant"]["slug"] == "ada-2"


async def test_the_account_tells_what_was_done_to_it(platform: Platform, ada: Person) -> None:
    grace = await _member(platform, ada)
    await grace.post("/switch", tenant="ada")
    await browser(platform).login("grace", mode="token", token_name="laptop")
    await grace.post("/password", current=PASSWORD, new="a new and better one")
    entries = (await grace.get("/activity"))["items"]
    assert [each["action"] for each in entries] == [
        "account.password_changed",
        "account.token_created",
        "session.switched",
        "session.created",
        "account.registered",
    ]
    assert (entries[2]["before"], entries[2]["after"]) == ({"tenant": "grace"}, {"tenant": "ada"})
    assert entries[1]["subject"] == "laptop"
    assert not any("ctp_" in str(each) or PASSWORD in str(each) for each in entries)
    first = await grace.get("/activity?limit=3")
    rest = await grace.get(f"/activity?limit=3&cursor={first['next_cursor']}")
    assert [each["id"] for each in (*first["items"], *rest["items"])] == [each["id"] for each in entries]
    eve = await signed_in(platform, "eve")
    assert {each["action"] for each in (await eve.get("/activity"))["items"]} == {
        "account.registered",
        "session.created",
    }


async def test_the_tenant_tells_of_tokens_made_by_signing_in(platform: Platform, ada: Person) -> None:
    await ada.api.post("/api/v1/auth/logout")
    async with platform.services.database.tenant(ada.tenant_id) as session:
        rows = await session.execute(
            text(
                "SELECT action, actor_name FROM audit_log WHERE tenant_id = :id AND subject_kind = 'token' ORDER BY id"
            ),
            {"id": ada.tenant_id},
        )
        of_tokens = [tuple(row) for row in rows if row.action.startswith("token.")]
        assert of_tokens == [("token.created", "ada"), ("token.revoked", "ada")]


async def test_the_database_shows_people_their_own_only(platform: Platform, ada: Person) -> None:
    """Whatever a query forgets: no other person's sessions, second factor, codes or identities."""
    grace = await _member(platform, ada)
    me = UUID((await grace.get("/me"))["user"]["id"])
    async with platform.services.database.session(Scope(user_id=me)) as session:
        owners = await session.scalars(text("SELECT DISTINCT user_id FROM tokens"))
        assert set(owners) == {me}
        kinds = await session.scalars(text("SELECT DISTINCT kind FROM tokens"))
        assert set(kinds) == {"session"}
    for table in ("second_factors", "recovery_codes", "user_identities"):
        async with platform.services.database.tenant(ada.tenant_id, me) as session:
            assert (await session.execute(text(f"SELECT * FROM {table}"))).all() == []
    with pytest.raises(DBAPIError, match="row-level security"):
        async with platform.services.database.session(Scope(user_id=me)) as session:
            await session.execute(
                text(
                    "INSERT INTO tokens (tenant_id, id, kind, user_id, name, hint, digest, scopes, labels, created_at)"
                    " VALUES (:tenant, gen_random_uuid(), 'session', :me, 'x', 'x', 'x', '{}', '{}', now())"
                ),
                {"tenant": ada.tenant_id, "me": me},
            )


async def test_nobody_is_signed_in_by_another_site(platform: Platform, ada: Person) -> None:
    eve = browser(platform)
    eve.api.headers["Origin"] = "https://evil.example"
    for answer in (await eve.login("ada"), await eve.register("eve")):
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (None, "unknown"),
        ("  ", "unknown"),
        ("crontopus/0.1 (linux)", "crontopus/0.1"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/140.0 Safari/537.36", "Chrome on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("x" * 500, "x" * 60),
    ],
)
def test_a_session_is_called_after_the_browser(agent: str | None, name: str) -> None:
    assert agent_name(agent) == name


async def test_sessions_that_ended_a_month_ago_are_taken_away(platform: Platform) -> None:
    here = await signed_in(platform, "ada")
    tenant = UUID((await here.get("/me"))["tenant"]["id"])
    for column in ("revoked_at", "expires_at"):
        for days in (29, 31):
            name = f"{column}-{days}"
            await browser(platform, name).login("ada")
            # The database's own time decides, so it is the row that has to be old.
            async with platform.services.database.tenant(tenant) as session:
                await session.execute(
                    text(f"UPDATE tokens SET {column} = now() - interval '{days} days' WHERE name = :name"),
                    {"name": name},
                )
    await platform.services.account_upkeep.round()
    async with platform.services.database.tenant(tenant) as session:
        left = set(await session.scalars(text("SELECT name FROM tokens WHERE kind = 'session'")))
    assert left == {"Firefox on Linux", "revoked_at-29", "expires_at-29"}
    assert await here.signed_in()
