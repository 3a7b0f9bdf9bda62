"""Invitations: mailed, shown to whoever holds the link, used once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
import time_machine
from sqlalchemy import text

from crontopus_api.kit.database import Scope
from crontopus_api.kit.errors import Conflict
from crontopus_api.tenants.plans import PLANS, Plan

from ..platform import Person, Platform
from .conftest import Sink, audited, invite, link_token, user_id, work


async def _accept(person: Person, token: str) -> tuple[int, str | None]:
    answer = await person.api.post("/api/v1/invitations/accept", json={"token": token})
    return answer.status_code, answer.json().get("code")


async def test_an_invitation_is_mailed_previewed_and_accepted_once(
    mailing: Platform, sink: Sink, database_url: str
) -> None:
    ada = await mailing.register("ada")
    made = await ada.api.post("/api/v1/invitations", json={"email": "grace@example.org", "role": "editor"})
    assert made.status_code == 201
    assert (made.json()["link"], made.json()["sent_at"]) == (None, None)
    await work(mailing)
    assert len(sink.messages) == 1
    mail = sink.messages[0]
    assert mail["To"] == "grace@example.org"
    assert mail["Subject"] == "ada invites you to ada on Crontopus"
    words = mail.get_payload(decode=True)
    assert isinstance(words, bytes)
    token = link_token(words.decode())
    assert (await ada.get("/invitations"))["items"][0]["sent_at"] is not None

    preview = await mailing.client().post("/api/v1/invitations/preview", json={"token": token})
    assert preview.status_code == 200
    told = preview.json()
    assert (told["tenant_name"], told["role"], told["invited_by"], told["email"]) == (
        "ada",
        "editor",
        "ada",
        "grace@example.org",
    )
    invitation = await mailing.services.invitations.look_up(token)
    assert invitation is not None
    assert invitation.proves_address

    grace, eve = await mailing.register("grace"), await mailing.register("eve")
    assert await _accept(grace, token) == (200, None)
    assert await _accept(eve, token) == (422, "invalid_invitation")
    assert (
        await mailing.client().post("/api/v1/invitations/preview", json={"token": token})
    ).status_code == 422
    assert (await ada.get("/invitations"))["items"] == []
    assert [each["actor_id"] for each in audited(database_url, ada, "invitation.accepted")] == [
        UUID(await user_id(grace))
    ]


async def test_two_who_accept_at_once_are_one(platform: Platform, ada: Person) -> None:
    token = await invite(platform, ada, "grace@example.org", "viewer")
    grace, eve = await platform.register("grace"), await platform.register("eve")
    found = await platform.services.invitations.look_up(token)
    assert found is not None

    async def redeem(person: Person) -> bool:
        who = (await person.get("/auth/me"))["user"]["id"]
        try:
            async with platform.services.database.session(Scope(user_id=who)) as session:
                await platform.services.invitations.redeem(session, found, who)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(redeem(grace), redeem(eve))) == [False, True]


async def test_without_a_mail_server_the_link_is_shown_and_proves_nothing(
    platform: Platform, ada: Person
) -> None:
    token = await invite(platform, ada, "grace@example.org", "viewer")
    found = await platform.services.invitations.look_up(token)
    assert found is not None
    assert not found.proves_address
    listed = (await ada.get("/invitations"))["items"][0]
    assert listed["link"] is None
    assert "mail server" in listed["problem"]


async def test_a_mail_that_is_refused_says_so_and_is_tried_again(mailing: Platform, sink: Sink) -> None:
    ada = await mailing.register("ada")
    made = await ada.api.post("/api/v1/invitations", json={"email": "grace@example.org"})
    sink.refuse = True
    await work(mailing)
    assert "451" in (await ada.get("/invitations"))["items"][0]["problem"]
    with psycopg.connect(mailing.services.database.url) as connection:
        connection.execute("SET ROLE crontopus_queue")
        waiting = connection.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"
        ).fetchone()
    assert waiting == (1,)
    sink.refuse = False
    again = await ada.api.post(f"/api/v1/invitations/{made.json()['id']}/resend")
    assert (again.status_code, again.json()["problem"]) == (200, None)


async def test_a_withdrawn_invitation_and_an_old_one_do_not_work(platform: Platform, ada: Person) -> None:
    grace = await platform.register("grace")
    token = await invite(platform, ada, "grace@example.org", "viewer")
    identifier = (await ada.get("/invitations"))["items"][0]["id"]
    assert (await ada.api.delete(f"/api/v1/invitations/{identifier}")).status_code == 204
    assert (await ada.api.delete(f"/api/v1/invitations/{identifier}")).status_code == 404
    assert await _accept(grace, token) == (422, "invalid_invitation")
    token = await invite(platform, ada, "grace@example.org", "viewer")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=8), tick=False):
        assert await platform.services.invitations.look_up(token) is None
        # The address can be invited anew.
        assert await invite(platform, ada, "grace@example.org", "viewer")


@pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 1000])
async def test_a_forged_link_is_no_invitation(platform: Platform, ada: Person, token: str) -> None:
    assert await _accept(ada, token) == (422, "invalid_invitation")
    answer = await platform.client().post("/api/v1/invitations/preview", json={"token": token})
    assert answer.status_code == 422


async def test_invitations_belong_to_their_tenant(platform: Platform, ada: Person) -> None:
    await invite(platform, ada, "x@example.org", "viewer")
    identifier = (await ada.get("/invitations"))["items"][0]["id"]
    mallory = await platform.register("mallory")
    assert (await mallory.get("/invitations"))["items"] == []
    assert (await mallory.api.delete(f"/api/v1/invitations/{identifier}")).status_code == 404
    assert (await mallory.api.post(f"/api/v1/invitations/{identifier}/resend")).status_code == 404
    async with platform.services.database.tenant(mallory.tenant_id) as session:
        assert (await session.execute(text("SELECT 1 FROM invitations"))).all() == []


async def test_who_is_in_or_invited_is_not_invited_again(platform: Platform, ada: Person) -> None:
    again = await ada.api.post("/api/v1/invitations", json={"email": "ADA@example.org"})
    assert (again.status_code, again.json()["code"]) == (409, "already_member")
    await invite(platform, ada, "grace@example.org", "viewer")
    twice = await ada.api.post("/api/v1/invitations", json={"email": "Grace@example.org"})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_invited")
    token = await invite(platform, ada, "other@example.org", "viewer")
    assert await _accept(ada, token) == (409, "already_member")


async def test_the_plan_bounds_members_and_open_invitations(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLANS, "business", Plan("business", jobs=1, repository_bytes=1 << 20, members=2))
    token = await invite(platform, ada, "grace@example.org", "viewer")
    answer = await ada.api.post("/api/v1/invitations", json={"email": "eve@example.org"})
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_members")
    assert "business" in answer.json()["detail"]
    assert "2" in answer.json()["detail"]
    assert answer.json()["hint"]
    grace = await platform.register("grace")
    monkeypatch.setitem(PLANS, "business", Plan("business", jobs=1, repository_bytes=1 << 20, members=1))
    assert await _accept(grace, token) == (403, "quota_members")


async def test_a_narrow_token_does_not_act_for_the_person(platform: Platform, ada: Person) -> None:
    narrow = await ada.api.post("/api/v1/tokens", json={"name": "ci", "scopes": ["jobs:read"]})
    api = platform.client(narrow.json()["secret"])
    for path, body in (
        ("/invitations/accept", {"token": "x"}),
        ("/tenants", {"slug": "more"}),
        ("/tenants/current/leave", None),
    ):
        answer = await api.post(f"/api/v1{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "restricted_token")
