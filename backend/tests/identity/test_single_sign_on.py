"""Single sign-on against a real provider (see `provider`)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
import time_machine
from joserfc.jwk import RSAKey

from crontopus_api.identity.cookies import session_cookie
from crontopus_api.identity.oidc import Provider
from crontopus_api.kit.clock import SystemClock
from crontopus_api.settings import Settings, SettingsError

from ..platform import PASSWORD, Platform, running_platform
from .conftest import Browser, Mailbox, browser, deliver, link_token
from .provider import CLIENT_ID, CLIENT_SECRET, OidcProvider, running_provider

ADA = {"sub": "42", "email": "Ada@example.org", "email_verified": True, "preferred_username": "Ada.Lovelace"}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[OidcProvider]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # the provider's half of Authlib wants https, too
    with running_provider() as running:
        running.person = dict(ADA)
        yield running


def _settings(provider: OidcProvider, **more: Any) -> dict[str, Any]:
    return {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "Example Inc.",
    } | more


@pytest.fixture
async def sso(database_url: str, tmp_path: Path, provider: OidcProvider) -> AsyncIterator[Platform]:
    async with running_platform(database_url, tmp_path / "data", **_settings(provider)) as running:
        yield running


@pytest.fixture
async def mailed_sso(
    database_url: str, tmp_path: Path, provider: OidcProvider, mailbox: Mailbox
) -> AsyncIterator[Platform]:
    """The same with verified addresses."""
    smtp = f"smtp://127.0.0.1:{mailbox.port}"
    async with running_platform(
        database_url, tmp_path / "data", **_settings(provider, smtp_url=smtp)
    ) as running:
        yield running


async def _leave(person: Browser, return_to: str = "/") -> str:
    """To the provider: its address, with our parameters."""
    answer = await person.api.get("/api/v1/auth/oidc/start", params={"return_to": return_to})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def _at_provider(address: str) -> str:
    """Where the provider sends the browser back to."""
    async with httpx.AsyncClient() as outside:
        answer = await outside.get(address)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def _come_in(person: Browser, return_to: str = "/") -> str:
    """All of it; where the browser is in the end."""
    back = await _at_provider(await _leave(person, return_to))
    answer = await person.api.get(back)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def test_somebody_new_gets_an_account(sso: Platform) -> None:
    ada = browser(sso)
    assert (await ada.get("/options"))["sso"] == {"name": "Example Inc."}
    assert await _come_in(ada, "/jobs?status=failing") == "/jobs?status=failing"
    me = await ada.get("/me")
    assert (me["user"]["username"], me["user"]["email"]) == ("ada-lovelace", "Ada@example.org")
    assert (me["user"]["email_verified"], me["user"]["has_password"]) == (True, False)
    assert (me["tenant"]["slug"], me["tenant"]["role"]) == ("ada-lovelace", "owner")
    again = browser(sso)
    await _come_in(again)
    assert (await again.get("/me"))["user"]["id"] == me["user"]["id"]
    assert [each["action"] for each in (await ada.get("/activity"))["items"]] == [
        "session.created",
        "session.created",
        "account.registered",
    ]
    assert (await ada.post("/password", current="", new=PASSWORD)).json()["code"] == "no_password"
    assert (await browser(sso).login("ada-lovelace", "")).status_code == 401


async def test_the_browser_is_sent_with_state_nonce_and_challenge(sso: Platform) -> None:
    ada = browser(sso)
    answer = await ada.api.get("/api/v1/auth/oidc/start")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert {"state", "nonce", "code_challenge", "redirect_uri"} <= asked.keys()
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Max-Age=600" in cookie
    assert "SameSite=lax" in cookie


async def test_a_name_that_is_taken_is_made_another(sso: Platform, provider: OidcProvider) -> None:
    await browser(sso).register("ada-lovelace", email="other@example.org")
    ada = browser(sso)
    await _come_in(ada)
    assert (await ada.get("/me"))["user"]["username"] == "ada-lovelace-2"
    provider.person = {"sub": "43", "email": "ø@example.org", "email_verified": True}
    odd = browser(sso)
    await _come_in(odd)
    assert (await odd.get("/me"))["user"]["username"] == "user"


async def test_an_address_verified_at_both_sides_leads_to_its_account(
    mailed_sso: Platform, mailbox: Mailbox
) -> None:
    ada = browser(mailed_sso)
    await ada.register("ada")
    await deliver(mailed_sso)
    ((_, text),) = mailbox.take("ada@example.org")
    await ada.post("/verify-email", token=link_token(text))
    await ada.login("ada")
    me = (await ada.get("/me"))["user"]["id"]
    here = browser(mailed_sso)
    assert await _come_in(here) == "/"
    assert (await here.get("/me"))["user"]["id"] == me
    assert (await here.get("/activity"))["items"][1]["action"] == "account.identity_linked"
    await deliver(mailed_sso)
    assert [subject for subject, _ in mailbox.take("ada@example.org")] == ["Single sign-on was connected"]
    assert (await browser(mailed_sso).login("ada")).status_code == 200  # the password goes on


@pytest.mark.parametrize("verified", [True, False])
async def test_an_unverified_address_leads_to_nobodys_account(
    sso: Platform, provider: OidcProvider, verified: bool
) -> None:
    """Here it is not verified at our side (there is no email), whatever the provider says."""
    await browser(sso).register("ada", email="ada@example.org")
    provider.person = ADA | {"email_verified": verified}
    ada = browser(sso)
    assert await _come_in(ada) == "/sign-in?error=sso_address_taken"
    assert not await ada.signed_in()


async def test_an_address_that_the_provider_has_not_verified_is_nobodys(
    mailed_sso: Platform, mailbox: Mailbox, provider: OidcProvider
) -> None:
    ada = browser(mailed_sso)
    await ada.register("ada")
    await deliver(mailed_sso)
    ((_, text),) = mailbox.take("ada@example.org")
    await ada.post("/verify-email", token=link_token(text))
    provider.person = ADA | {"email_verified": False}
    assert await _come_in(browser(mailed_sso)) == "/sign-in?error=sso_address_taken"
    provider.person = {"sub": "44", "email": "new@example.org"}
    assert await _come_in(browser(mailed_sso)) == "/sign-in?error=sso_address_unverified"


async def test_new_accounts_follow_the_rules_of_registration(
    database_url: str, tmp_path: Path, provider: OidcProvider
) -> None:
    async with running_platform(
        database_url, tmp_path, **_settings(provider, registration="closed")
    ) as closed:
        assert await _come_in(browser(closed)) == "/sign-in?error=registration_closed"


async def test_who_cancels_is_told_so(sso: Platform, provider: OidcProvider) -> None:
    ada = browser(sso)
    there = await _leave(ada)
    state = parse_qs(urlsplit(there).query)["state"][0]
    answer = await ada.api.get(f"/api/v1/auth/oidc/callback?error=access_denied&state={state}")
    assert answer.headers["location"] == "/sign-in?error=sso_cancelled"


async def test_an_answer_counts_once_for_the_browser_that_asked(sso: Platform) -> None:
    """Nobody is signed in by somebody else's answer, and none is used twice."""
    eve, victim = browser(sso), browser(sso)
    back = await _at_provider(await _leave(eve))
    assert (await victim.api.get(back)).headers["location"] == "/sign-in?error=sso_expired"
    await _leave(victim)  # has begun something of its own
    assert (await victim.api.get(back)).headers["location"] == "/sign-in?error=sso_failed"
    assert not await victim.signed_in()
    kept = eve.api.cookies["crontopus_sign_on"]
    assert (await eve.api.get(back)).headers["location"] == "/"
    assert (await eve.api.get(back)).headers["location"] == "/sign-in?error=sso_expired"
    eve.api.cookies.set("crontopus_sign_on", kept)
    assert (await eve.api.get(back)).headers["location"] == "/sign-in?error=sso_failed"


@pytest.mark.parametrize("change", [{"state": "of another attempt"}, {"iss": "https://evil.example"}])
async def test_an_answer_with_another_state_or_issuer_is_not_even_tried(
    sso: Platform, change: dict[str, str]
) -> None:
    ada = browser(sso)
    back = httpx.URL(await _at_provider(await _leave(ada)))
    kept = ada.api.cookies["crontopus_sign_on"]
    answer = await ada.api.get(back.copy_merge_params(change))
    assert answer.headers["location"] == "/sign-in?error=sso_failed"
    ada.api.cookies.set("crontopus_sign_on", kept)
    assert (await ada.api.get(back)).headers["location"] == "/"  # the code has not been used


async def test_an_attempt_lasts_ten_minutes(sso: Platform) -> None:
    ada = browser(sso)
    there = await _leave(ada)
    with time_machine.travel(SystemClock().now() + timedelta(minutes=11)):
        kept = dict(ada.api.cookies)  # the browser would have dropped it
        ada.api.cookies.clear()
        answer = await ada.api.get(
            "/api/v1/auth/oidc/callback?code=x&state=" + parse_qs(urlsplit(there).query)["state"][0],
            headers={"Cookie": f"crontopus_sign_on={kept['crontopus_sign_on']}"},
        )
    assert answer.headers["location"] == "/sign-in?error=sso_expired"


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody else"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"exp": 1_000_000_000},
        {"nonce": "of another attempt"},
        {"sub": ""},
    ],
)
async def test_an_id_token_that_is_not_for_us_is_refused(
    sso: Platform, provider: OidcProvider, lies: dict[str, Any]
) -> None:
    provider.lies = lies
    ada = browser(sso)
    assert await _come_in(ada) == "/sign-in?error=sso_failed"
    assert not await ada.signed_in()


async def test_a_forged_signature_is_refused(sso: Platform, provider: OidcProvider) -> None:
    forged = RSAKey.generate_key(2048)
    provider.signing_key = RSAKey.import_key(
        forged.as_dict(private=True) | {"kid": provider.published_key.kid}
    )
    assert await _come_in(browser(sso)) == "/sign-in?error=sso_failed"


async def test_a_new_key_of_the_provider_is_fetched_and_others_are_remembered(
    sso: Platform, provider: OidcProvider
) -> None:
    for _ in range(2):
        assert await _come_in(browser(sso)) == "/"
    assert provider.asked["jwks"] == 1
    provider.change_key()
    assert await _come_in(browser(sso)) == "/"
    assert provider.asked["jwks"] == 2


async def test_what_is_not_in_the_id_token_is_asked_for(sso: Platform, provider: OidcProvider) -> None:
    provider.tells_when_asked = True
    ada = browser(sso)
    assert await _come_in(ada) == "/"
    assert (await ada.get("/me"))["user"]["email"] == "Ada@example.org"
    provider.person = {"sub": "45"}
    assert await _come_in(browser(sso)) == "/sign-in?error=sso_no_address"


@pytest.mark.parametrize(
    "return_to",
    ["https://evil.example", "//evil.example", "/\\evil.example", "jobs", "/a\nb", "/\t/evil.example", ""],
)
async def test_nobody_is_sent_to_another_site(sso: Platform, return_to: str) -> None:
    answer = await browser(sso).api.get("/api/v1/auth/oidc/start", params={"return_to": return_to})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_return_to")


async def test_a_provider_that_is_away_is_said_so(database_url: str, tmp_path: Path) -> None:
    away = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "x"}
    async with running_platform(database_url, tmp_path, **away) as platform:
        answer = await browser(platform).api.get("/api/v1/auth/oidc/start")
        assert answer.headers["location"] == "/sign-in?error=sso_unavailable"


async def test_without_a_provider_there_is_nothing(platform: Platform) -> None:
    for path in ("start", "callback?code=x&state=y"):
        answer = await browser(platform).api.get(f"/api/v1/auth/oidc/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "sso_off")


async def test_the_second_window_of_a_newcomer_makes_no_second_account(
    sso: Platform, provider: OidcProvider, database_url: str
) -> None:
    windows = [browser(sso) for _ in range(3)]
    ends = await asyncio.gather(*(_come_in(window) for window in windows))
    assert "/" in ends
    with psycopg.connect(database_url) as owner:
        owner.execute("ALTER TABLE user_identities NO FORCE ROW LEVEL SECURITY")
        assert owner.execute("SELECT count(*) FROM user_identities").fetchone() == (1,)
        owner.rollback()


def test_the_provider_is_reached_by_https_only() -> None:
    with pytest.raises(SettingsError, match="https"):
        Provider("http://sso.example", "x", None, scopes="openid", redirect_uri="x")


def test_cookies_over_https_are_bound_to_the_host() -> None:
    assert session_cookie(Settings(public_url="https://c.example")) == "__Host-crontopus_session"
    assert session_cookie(Settings(public_url="http://c.example")) == "crontopus_session"
