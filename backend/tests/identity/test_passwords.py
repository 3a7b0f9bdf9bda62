"""Passwords forgotten and changed, addresses changed, and what people are told."""

from datetime import timedelta

import psycopg
import pytest
import time_machine

from crontopus_api.identity import secrets
from crontopus_api.kit.clock import SystemClock
from crontopus_api.kit.mail import MailNotSent

from ..platform import PASSWORD, Platform
from .conftest import Browser, Mailbox, browser, deliver, link_token

NEW = "a new and better one"


@pytest.fixture
async def ada(mailed: Platform, mailbox: Mailbox) -> Browser:
    """At a browser, signed in, with a confirmed address."""
    person = browser(mailed)
    await person.register("ada")
    await deliver(mailed)
    ((_, said),) = mailbox.take("ada@example.org")
    await person.post("/verify-email", token=link_token(said))
    assert (await person.login("ada")).status_code == 200
    return person


async def _reset_token(mailed: Platform, mailbox: Mailbox) -> str:
    assert (await browser(mailed).post("/password/forgot", email="ada@example.org")).status_code == 202
    await deliver(mailed)
    ((subject, said),) = mailbox.take("ada@example.org")
    assert subject == "Set a new password"
    return link_token(said)


async def test_a_forgotten_password_is_set_anew_once(
    mailed: Platform, mailbox: Mailbox, ada: Browser
) -> None:
    made = await ada.api.post("/api/v1/tokens", json={"name": "ci"})
    program = mailed.client(made.json()["secret"])
    first, second = await _reset_token(mailed, mailbox), await _reset_token(mailed, mailbox)
    stranger = browser(mailed)
    assert (await stranger.post("/password/reset", token=first, password=NEW)).status_code == 204
    again = await stranger.post("/password/reset", token=second, password="yet another one")
    assert (again.status_code, again.json()["code"]) == (422, "invalid_link")
    assert not await ada.signed_in()
    assert (await program.get("/api/v1/jobs")).status_code == 200
    assert (await stranger.login("ada")).status_code == 401
    assert (await stranger.login("ada", NEW)).status_code == 200
    await deliver(mailed)
    assert [subject for subject, _ in mailbox.take("ada@example.org")] == ["Your password was changed"]


async def test_a_reset_link_lasts_an_hour(mailed: Platform, mailbox: Mailbox, ada: Browser) -> None:
    token = await _reset_token(mailed, mailbox)
    with time_machine.travel(SystemClock().now() + timedelta(minutes=61)):
        answer = await ada.post("/password/reset", token=token, password=NEW)
    assert (answer.status_code, answer.json()["code"]) == (422, "expired_link")


async def test_an_unknown_address_gets_nothing_and_the_same_answer(
    mailed: Platform, mailbox: Mailbox, ada: Browser
) -> None:
    known = await ada.post("/password/forgot", email="ada@example.org")
    unknown = await ada.post("/password/forgot", email="nobody@example.org")
    assert (
        (known.status_code, known.json())
        == (unknown.status_code, unknown.json())
        == (202, {"status": "sent"})
    )
    await deliver(mailed)
    assert [each["To"] for each in mailbox.messages] == ["ada@example.org"]


async def test_a_changed_password_ends_the_other_sessions(
    mailed: Platform, mailbox: Mailbox, ada: Browser
) -> None:
    elsewhere = browser(mailed)
    await elsewhere.login("ada")
    wrong = await ada.post("/password", current="not my password", new=NEW)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert await elsewhere.signed_in()
    assert (await ada.post("/password", current=PASSWORD, new=NEW)).status_code == 204
    assert await ada.signed_in()
    assert not await elsewhere.signed_in()
    await deliver(mailed)
    ((subject, said),) = mailbox.take("ada@example.org")
    assert subject == "Your password was changed"
    assert "If it wasn't you" in said


async def test_whoever_has_the_session_cannot_guess_the_password(mailed: Platform, ada: Browser) -> None:
    statuses = [
        (await ada.post("/password", current=f"guess number {n}", new=NEW)).status_code for n in range(11)
    ]
    assert statuses == [403] * 10 + [429]


async def test_an_address_changes_once_the_new_one_is_confirmed(
    mailed: Platform, mailbox: Mailbox, ada: Browser
) -> None:
    stale = await _reset_token(mailed, mailbox)
    wrong = await ada.post("/email", email="ada@new.example.org", password="not my password")
    assert wrong.status_code == 403
    assert (await ada.post("/email", email="ada@new.example.org", password=PASSWORD)).status_code == 202
    mailbox.refused = "ada@example.org"  # the old mailbox is gone: that must not stand in the way
    await deliver(mailed)
    mailbox.refused = None
    assert (await ada.get("/me"))["user"]["email"] == "ada@example.org"
    ((subject, said),) = mailbox.take("ada@new.example.org")
    assert subject == "Confirm your new email address"
    token = link_token(said)
    assert (await browser(mailed).post("/email/confirm", token=token)).status_code == 204
    assert (await ada.get("/me"))["user"]["email"] == "ada@new.example.org"
    assert (await ada.post("/email/confirm", token=token)).status_code == 422
    assert (await browser(mailed).login("ada@new.example.org")).status_code == 200
    # What was sent to the old address opens nothing any more.
    assert (await ada.post("/password/reset", token=stale, password=NEW)).status_code == 422


async def test_both_addresses_are_told_and_a_taken_one_stays_a_secret(
    mailed: Platform, mailbox: Mailbox, ada: Browser
) -> None:
    eve = browser(mailed)
    await eve.register("eve")
    await deliver(mailed)
    ((_, said),) = mailbox.take("eve@example.org")
    await eve.post("/verify-email", token=link_token(said))
    await eve.login("eve")
    assert (await eve.post("/email", email="ada@example.org", password=PASSWORD)).status_code == 202
    await deliver(mailed)
    assert [subject for subject, _ in mailbox.take("ada@example.org")] == ["You have an account already"]
    ((subject, said),) = mailbox.take("eve@example.org")
    assert subject == "Your email address is to be changed"
    assert "ada@example.org" in said


async def test_an_account_without_a_password_costs_the_same(
    mailed: Platform, ada: Browser, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly one argon2 verification for each log-in: right, wrong, unknown, without password, not confirmed."""
    await browser(mailed).register("pending")
    with psycopg.connect(database_url) as owner:
        owner.execute(
            "INSERT INTO users (id, username, email, created_at)"
            " VALUES (gen_random_uuid(), 'sso-only', 's@example.org', now())"
        )
    verified: list[str] = []
    real = secrets._hasher.verify

    def counting(password: str, stored: str) -> bool:
        verified.append(stored)
        return real(password, stored)

    monkeypatch.setattr(secrets._hasher, "verify", counting)
    expected = {"ada": 200, "nobody": 401, "sso-only": 401, "pending": 403, "ada@example.org": 200}
    for login, status in expected.items():
        verified.clear()
        assert (await browser(mailed).login(login)).status_code == status
        assert len(verified) == 1, login


async def test_guessing_is_slow_for_one_and_harmless_for_the_other(
    mailed: Platform, mailbox: Mailbox, ada: Browser
) -> None:
    """Five attempts a minute from one address, whichever name is used; the owner elsewhere comes in."""
    identity = mailed.services.identity

    async def attempt(login: str, password: str, address: str) -> str:
        try:
            await identity.sign_in(login=login, password=password, token_name=None, address=address)
        except Exception as error:
            return type(error).__name__
        return "in"

    for _ in range(5):
        assert await attempt("ada", "wrong password", "192.0.2.1") == "Unauthenticated"
    assert await attempt("ada", PASSWORD, "192.0.2.1") == "TooManyRequests"
    # By the other name the counter is another, but a right guess is not rewarded.
    assert await attempt("ada@example.org", PASSWORD, "192.0.2.1") == "Unauthenticated"
    assert await attempt("ada", PASSWORD, "198.51.100.1") == "in"
    for number in range(60):
        await attempt("ada", "wrong password", f"2001:db8::{number}")
    assert await attempt("ada", PASSWORD, "198.51.100.1") == "in"
    await deliver(mailed)
    assert [subject for subject, _ in mailbox.take("ada@example.org")] == ["Many failed attempts to sign in"]


async def test_without_a_mail_server_the_log_says_so(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    person = browser(platform)
    await person.register("ada")
    await person.post("/password/forgot", email="ada@example.org")
    await deliver(platform)
    assert "CRONTOPUS_SMTP_URL is not set" in capsys.readouterr().out


async def test_what_the_mail_server_refuses_is_tried_again(
    mailed: Platform, mailbox: Mailbox, ada: Browser
) -> None:
    mailbox.refused = "ada@example.org"
    me = (await ada.get("/me"))["user"]["id"]
    with pytest.raises(MailNotSent):
        await mailed.services.account_mails.send("reset", me)
