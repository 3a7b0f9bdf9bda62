"""Two-step sign-in: codes, recovery codes, and that none works twice."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import psycopg
import pyotp
import pytest
import time_machine

from crontopus_api.kit.audit import Actor
from crontopus_api.kit.clock import SystemClock
from crontopus_api.kit.errors import Conflict, NotFound

from ..platform import PASSWORD, Person, Platform
from .conftest import Browser, Mailbox, browser, deliver, signed_in


class App:
    """An authenticator app: a new code whenever one is asked for, as if half a minute had passed."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)
        self.clock = SystemClock().now()

    def code(self) -> str:
        return self._totp.at(self.clock)

    def later(self) -> time_machine.travel:
        self.clock += timedelta(seconds=60)
        return time_machine.travel(self.clock)


async def _enable(person: Browser) -> tuple[App, list[str]]:
    started = await person.post("/totp", password=PASSWORD)
    assert started.status_code == 200, started.text
    assert started.json()["uri"].startswith("otpauth://totp/Crontopus:ada?secret=" + started.json()["secret"])
    app = App(started.json()["secret"])
    confirmed = await person.post("/totp/confirm", code=app.code())
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["recovery_codes"]


def _said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_a_code_is_asked_for_once_it_is_on(platform: Platform) -> None:
    ada = await signed_in(platform, "ada")
    assert await ada.get("/totp") == {"enabled": False, "recovery_codes_left": 0}
    assert _said(await ada.post("/totp", password="not my password")) == (403, "wrong_password")
    assert _said(await ada.post("/totp/confirm", code="123456")) == (409, "totp_not_started")
    await ada.post("/totp", password=PASSWORD)
    assert (await browser(platform).login("ada")).status_code == 200  # begun is not on
    app, codes = await _enable(ada)
    assert len(set(codes)) == 10
    assert await ada.get("/totp") == {"enabled": True, "recovery_codes_left": 10}
    assert (await ada.get("/me"))["user"]["totp_enabled"]
    assert _said(await ada.post("/totp", password=PASSWORD)) == (409, "totp_enabled")

    with app.later():
        stranger = browser(platform)
        assert _said(await stranger.login("ada", "not her password")) == (401, "invalid_credentials")
        assert _said(await stranger.login("ada")) == (401, "second_factor_required")
        assert _said(await stranger.login("ada", code="000000")) == (401, "invalid_code")
        assert (await stranger.login("ada", code=f" {app.code()[:3]} {app.code()[3:]}")).status_code == 200


async def test_a_token_asks_for_a_code_as_well(platform: Platform) -> None:
    app, _ = await _enable(await signed_in(platform, "ada"))
    assert _said(await browser(platform).login("ada", mode="token")) == (401, "second_factor_required")
    with app.later():
        elsewhere = browser(platform, address="198.51.100.7")  # five attempts a minute are used up here
        token = await elsewhere.login("ada", code=app.code(), mode="token")
        assert token.json()["token"].startswith("ctp_user_")


async def test_a_code_works_once_even_at_the_same_time(platform: Platform) -> None:
    ada = await signed_in(platform, "ada")
    app, _ = await _enable(ada)
    me = UUID((await ada.get("/me"))["user"]["id"])
    with app.later():
        # Past the password, whose cost would keep them apart.
        takes = (platform.services.second_factors.pass_with(me, app.code()) for _ in range(8))
        outcomes = await asyncio.gather(*takes, return_exceptions=True)
        assert sorted(type(each).__name__ for each in outcomes) == ["Unauthenticated"] * 7 + ["str"]
    # An earlier code than the last one taken is no good either, though its time has not passed.
    with time_machine.travel(app.clock):
        earlier = app._totp.at(app.clock - timedelta(seconds=30))
        assert _said(await browser(platform).login("ada", code=earlier)) == (401, "invalid_code")


async def test_an_old_code_is_too_old(platform: Platform) -> None:
    app, _ = await _enable(await signed_in(platform, "ada"))
    app.later()
    code = app.code()
    with time_machine.travel(app.clock + timedelta(seconds=90)):
        assert _said(await browser(platform).login("ada", code=code)) == (401, "invalid_code")


async def test_recovery_codes_work_once_each(platform: Platform) -> None:
    ada = await signed_in(platform, "ada")
    _, codes = await _enable(ada)
    answers = await asyncio.gather(
        *(browser(platform).login("ada", code=codes[0].upper().replace("-", " ")) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    assert (await ada.get("/totp"))["recovery_codes_left"] == 9
    actions = [each["action"] for each in (await ada.get("/activity"))["items"]]
    assert "totp.recovery_code_used" in actions


async def test_new_recovery_codes_void_the_old_ones(platform: Platform) -> None:
    ada = await signed_in(platform, "ada")
    app, old = await _enable(ada)
    assert _said(await ada.post("/totp/recovery-codes", password=PASSWORD, code="000000")) == (
        403,
        "invalid_code",
    )
    with app.later():
        renewed = await ada.post("/totp/recovery-codes", password=PASSWORD, code=app.code())
    new = renewed.json()["recovery_codes"]
    assert not set(old) & set(new)
    assert _said(await browser(platform).login("ada", code=old[0])) == (401, "invalid_code")
    assert (await browser(platform).login("ada", code=new[0])).status_code == 200


async def test_turning_it_off_takes_password_and_code(platform: Platform) -> None:
    ada = await signed_in(platform, "ada")
    app, codes = await _enable(ada)
    with app.later():
        assert _said(await ada.delete("/totp", password="wrong", code=app.code())) == (403, "wrong_password")
        assert _said(await ada.delete("/totp", password=PASSWORD, code="000000")) == (403, "invalid_code")
        assert (await ada.delete("/totp", password=PASSWORD, code=app.code())).status_code == 204
        assert _said(await ada.delete("/totp", password=PASSWORD, code=codes[0])) == (409, "totp_disabled")
    assert (await browser(platform).login("ada")).status_code == 200
    assert await ada.get("/totp") == {"enabled": False, "recovery_codes_left": 0}


async def test_an_operator_lets_in_who_lost_app_and_codes(platform: Platform) -> None:
    ada = await signed_in(platform, "ada")
    _, codes = await _enable(ada)
    by = Actor("system", None, "root, crontopus-server")
    reset = platform.services.second_factors.reset
    with pytest.raises(NotFound):
        await reset("grace", by)
    assert await reset(" Ada@example.org ", by) == "ada"
    assert (await browser(platform).login("ada")).status_code == 200
    assert await ada.get("/totp") == {"enabled": False, "recovery_codes_left": 0}
    latest = next(each for each in (await ada.get("/activity"))["items"] if each["action"] == "totp.disabled")
    assert latest["by"] == "root, crontopus-server"
    with pytest.raises(Conflict):
        await reset("ada", by)
    await _enable(ada)  # and on again, with codes of its own
    assert _said(await browser(platform).login("ada", code=codes[0])) == (401, "invalid_code")


async def test_the_codes_cannot_be_guessed_through_a_session(platform: Platform) -> None:
    ada = await signed_in(platform, "ada")
    await ada.post("/totp", password=PASSWORD)
    statuses = [(await ada.post("/totp/confirm", code="000000")).status_code for _ in range(10)]
    assert statuses == [403] * 9 + [429]  # the password above counts, too


async def test_neither_secret_nor_codes_are_stored_readable(platform: Platform, database_url: str) -> None:
    ada = await signed_in(platform, "ada")
    app, codes = await _enable(ada)
    secret = app._totp.secret
    with psycopg.connect(database_url) as owner:
        owner.execute("ALTER TABLE second_factors NO FORCE ROW LEVEL SECURITY")
        owner.execute("ALTER TABLE recovery_codes NO FORCE ROW LEVEL SECURITY")
        stored = owner.execute(
            "SELECT secret FROM second_factors UNION ALL SELECT digest FROM recovery_codes"
        )
        values = [bytes(row[0]) for row in stored]
        owner.rollback()
    assert len(values) == 11
    for plain in (secret, *codes):
        assert not any(
            plain.encode() in value or plain.replace("-", "").encode() in value for value in values
        )


async def test_people_are_told(mailed: Platform, mailbox: Mailbox) -> None:
    person = browser(mailed)
    await person.register("ada")
    await deliver(mailed)
    ((_, text),) = mailbox.take("ada@example.org")
    await person.post("/verify-email", token=text.split("?token=")[1].split()[0])
    await person.login("ada")
    app, codes = await _enable(person)
    await browser(mailed).login("ada", code=codes[0])
    with app.later():
        await person.delete("/totp", password=PASSWORD, code=app.code())
    await deliver(mailed)
    assert sorted(subject for subject, _ in mailbox.take("ada@example.org")) == [
        "A recovery code was used",
        "Two-step sign-in is off",
        "Two-step sign-in is on",
    ]


@pytest.mark.parametrize("method_path", [("GET", "/totp"), ("POST", "/totp"), ("DELETE", "/totp")])
async def test_an_api_token_does_not_reach_it(
    platform: Platform, ada: Person, method_path: tuple[str, str]
) -> None:
    method, path = method_path
    body = {"password": PASSWORD, "code": "1"} if method == "DELETE" else {"password": PASSWORD}
    answer = await ada.api.request(method, f"/api/v1/auth{path}", json=None if method == "GET" else body)
    assert _said(answer) == (403, "session_required")
