"""Accounts where addresses are verified, and where not everybody may make one."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from crontopus_api.kit.clock import SystemClock

from ..platform import PASSWORD, Platform, running_platform
from .conftest import Browser, Mailbox, browser, deliver, link_token

SENT = {"status": "verification_sent"}


async def _confirm(mailbox: Mailbox, person: Browser, address: str) -> None:
    ((subject, text_),) = mailbox.take(address)
    assert subject == "Confirm your email address"
    assert (await person.post("/verify-email", token=link_token(text_))).status_code == 204


async def test_an_account_begins_when_its_address_is_confirmed(mailed: Platform, mailbox: Mailbox) -> None:
    ada = browser(mailed)
    answer = await ada.register("ada")
    assert (answer.status_code, answer.json()) == (202, SENT)
    assert "set-cookie" not in answer.headers
    refused = await ada.login("ada")
    assert (refused.status_code, refused.json()["code"]) == (403, "email_unverified")
    await deliver(mailed)
    await _confirm(mailbox, ada, "ada@example.org")
    session = (await ada.login("ada")).json()
    assert (session["tenant"]["slug"], session["tenant"]["role"]) == ("ada", "owner")
    assert session["user"]["email_verified"]
    assert session["user"]["has_password"]


async def test_a_link_works_once_for_seven_days_for_its_purpose(mailed: Platform, mailbox: Mailbox) -> None:
    ada = browser(mailed)
    await ada.register("ada")
    await deliver(mailed)
    ((_, text_),) = mailbox.take("ada@example.org")
    token = link_token(text_)
    with time_machine.travel(SystemClock().now() + timedelta(days=8)):
        late = await ada.post("/verify-email", token=token)
    assert (late.status_code, late.json()["code"]) == (422, "expired_link")
    for wrong in (token[:-2] + "xx", "nonsense", "a.b.c"):
        answer = await ada.post("/verify-email", token=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_link")
    other = await ada.post("/password/reset", token=token, password=PASSWORD)
    assert (other.status_code, other.json()["code"]) == (422, "invalid_link")
    assert (await ada.post("/verify-email", token=token)).status_code == 204
    again = await ada.post("/verify-email", token=token)
    assert (again.status_code, again.json()["code"]) == (422, "invalid_link")


async def test_nobody_learns_who_has_an_account(mailed: Platform, mailbox: Mailbox) -> None:
    """Neither registration, nor a log-in with what was registered, nor the names that are taken afterwards tell."""
    ada = browser(mailed)
    await ada.register("ada")
    await deliver(mailed)
    await _confirm(mailbox, ada, "ada@example.org")
    seen = []
    for number, address in enumerate(("ADA@example.org", "free@example.org")):
        spy = browser(mailed)
        name = f"spy{number}"
        first = await spy.register(name, email=address, password="a password of mine")
        by_name = await spy.login(name, "a password of mine")
        by_address = await spy.login(address, "a password of mine")
        taken = await spy.register(name, email="other@example.org")
        forgot = await spy.post("/password/forgot", email=address)
        resend = await spy.post("/verify-email/resend", email=address)
        seen.append(
            [(each.status_code, each.json()) for each in (first, by_name, by_address, taken, forgot, resend)]
        )
    assert seen[0] == seen[1]
    assert [status for status, _ in seen[0]] == [202, 403, 401, 409, 202, 202]
    await deliver(mailed)
    told = [subject for subject, _ in mailbox.take("ADA@example.org")]
    assert "You have an account already" in told
    assert "Confirm your email address" not in told
    assert (await ada.login("ada@example.org")).status_code == 200


async def test_an_address_belongs_to_who_confirms_it_first(mailed: Platform, mailbox: Mailbox) -> None:
    """Somebody who registers another's address beforehand gains nothing and takes nothing away."""
    thief, owner = browser(mailed), browser(mailed)
    await thief.register("thief", email="ada@example.org", password="the thief's password")
    await deliver(mailed)
    ((_, early),) = mailbox.take("ada@example.org")
    assert "thief" in early
    await owner.register("ada")
    await deliver(mailed)
    await _confirm(mailbox, owner, "ada@example.org")
    late = await thief.post("/verify-email", token=link_token(early))
    assert (late.status_code, late.json()["code"]) == (409, "email_taken")
    assert (await owner.login("ada@example.org")).json()["user"]["username"] == "ada"


async def test_the_link_is_sent_again_but_not_without_end(mailed: Platform, mailbox: Mailbox) -> None:
    ada = browser(mailed)
    await ada.register("ada")
    for _ in range(10):
        assert (await ada.post("/verify-email/resend", email="ada@example.org")).status_code == 202
    await deliver(mailed)
    assert len(mailbox.take("ada@example.org")) == 5


async def test_the_personal_tenant_gets_another_name_when_its_own_is_gone(
    mailed: Platform, mailbox: Mailbox
) -> None:
    ada = browser(mailed)
    await ada.register("ada")
    async with mailed.services.database.engine.begin() as connection:
        await connection.execute(
            text("SET LOCAL ROLE crontopus_app"),
        )
        tenant = UUID(int=7)
        await connection.execute(
            text("SELECT set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant)}
        )
        await connection.execute(
            text(
                "INSERT INTO tenants (id, slug, name, plan, created_at) VALUES (:id, 'ada', 'Ada', 'free', now())"
            ),
            {"id": tenant},
        )
    await deliver(mailed)
    await _confirm(mailbox, ada, "ada@example.org")
    assert (await ada.login("ada")).json()["tenant"]["slug"] == "ada-2"


async def test_registrations_that_nobody_confirms_are_removed(mailed: Platform, mailbox: Mailbox) -> None:
    ada, eve = browser(mailed), browser(mailed)
    await ada.register("ada")
    await deliver(mailed)
    await _confirm(mailbox, ada, "ada@example.org")
    await eve.register("eve")
    upkeep = mailed.services.account_upkeep
    with time_machine.travel(SystemClock().now() + timedelta(days=6)):
        await upkeep.round()
    assert (await eve.login("eve")).status_code == 403
    with time_machine.travel(SystemClock().now() + timedelta(days=8)):
        await upkeep.round()
    assert (await eve.login("eve")).status_code == 401
    assert (await ada.login("ada")).status_code == 200
    assert (await eve.register("eve")).status_code == 202  # the name is free again


@pytest.mark.parametrize(
    ("registration", "code"), [("closed", "registration_closed"), ("invite", "invitation_required")]
)
async def test_not_everybody_may_register(
    database_url: str, tmp_path: Path, registration: str, code: str
) -> None:
    async with running_platform(database_url, tmp_path, registration=registration) as platform:
        stranger = browser(platform)
        answer = await stranger.register("ada")
        assert (answer.status_code, answer.json()["code"]) == (403, code)
        assert (await stranger.get("/options"))["registration"] == registration


async def test_the_options_are_for_anybody(platform: Platform) -> None:
    assert await browser(platform).get("/options") == {
        "registration": "open",
        "email_verification": False,
        "sso": None,
    }


async def test_an_invitation_opens_the_door_and_proves_the_address(
    database_url: str, tmp_path: Path, mailbox: Mailbox
) -> None:
    smtp = f"smtp://127.0.0.1:{mailbox.port}"
    async with running_platform(database_url, tmp_path / "a", smtp_url=smtp) as platform:
        ada = browser(platform)
        await ada.register("ada")
        await deliver(platform)
        await _confirm(mailbox, ada, "ada@example.org")
    async with running_platform(
        database_url, tmp_path / "a", smtp_url=smtp, registration="invite"
    ) as platform:
        ada = browser(platform)
        await ada.login("ada")
        invited = await ada.api.post(
            "/api/v1/invitations", json={"email": "Grace@example.org", "role": "editor"}
        )
        assert invited.status_code == 201, invited.text
        await deliver(platform)
        ((_, text_),) = mailbox.take("Grace@example.org")
        found = re.search(r"token=([^\s]+)|/invitations?/([^\s]+)", text_)
        assert found is not None, text_
        token = found[1] or found[2]
        grace = browser(platform)
        bad = await grace.register("grace", invitation="bad")
        assert (bad.status_code, bad.json()["code"]) == (422, "invalid_invitation")
        other = await grace.register("grace", email="eve@example.org", invitation=token)
        assert (other.status_code, other.json()["code"]) == (422, "invitation_address")
        answer = await grace.register("grace", invitation=token)
        assert answer.status_code == 201, answer.text
        session = answer.json()
        assert (session["tenant"]["slug"], session["tenant"]["role"]) == ("ada", "editor")
        assert {each["slug"] for each in session["tenants"]} == {"ada", "grace"}
        assert session["user"]["email_verified"]
        again = await browser(platform).register("eve", email="grace@example.org", invitation=token)
        assert again.status_code == 422
