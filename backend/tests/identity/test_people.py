from uuid import UUID

import httpx
import pytest

from crontopus_api.identity import secrets
from crontopus_api.identity.principal import system_principal
from crontopus_api.kit.audit import SYSTEM, Actor

from ..platform import PASSWORD, Person, Platform


async def test_registration_makes_a_personal_tenant_with_an_owner(platform: Platform) -> None:
    body = {"username": "Ada", "email": "ada@example.org", "password": PASSWORD, "mode": "token"}
    answer = await platform.client().post("/api/v1/auth/register", json=body)
    assert answer.status_code == 201
    session = answer.json()
    assert session["user"]["username"] == "ada"
    assert (session["tenant"]["slug"], session["tenant"]["role"]) == ("ada", "owner")
    assert session["repository"]["clone_url"] == "http://crontopus.test/git/crontopus/job-manifests-ada.git"
    assert session["token"].startswith("ctp_user_")


@pytest.mark.parametrize(
    ("change", "code"),
    [({"username": "ada"}, "username_taken"), ({"email": "ADA@example.org"}, "email_taken")],
)
async def test_a_taken_name_or_address_is_a_conflict(
    platform: Platform, ada: Person, change: dict[str, str], code: str
) -> None:
    body = {"username": "grace", "email": "grace@example.org", "password": PASSWORD} | change
    answer = await platform.client().post("/api/v1/auth/register", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "change",
    [{"username": "a"}, {"username": "-ada"}, {"email": "nope"}, {"password": "short"}, {"more": "1"}],
)
async def test_registration_says_what_is_wrong(platform: Platform, change: dict[str, str]) -> None:
    body = {"username": "grace", "email": "grace@example.org", "password": PASSWORD} | change
    answer = await platform.client().post("/api/v1/auth/register", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == next(iter(change))


async def test_the_browser_gets_a_cookie_it_cannot_read_and_no_token(platform: Platform, ada: Person) -> None:
    browser = platform.client()
    answer = await browser.post("/api/v1/auth/login", json={"login": "ada@example.org", "password": PASSWORD})
    assert answer.json()["token"] is None
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await browser.get("/api/v1/auth/me")).json()["user"]["username"] == "ada"
    assert (await browser.post("/api/v1/auth/logout")).status_code == 204
    browser.cookies.set("crontopus_session", cookie.split("=", 1)[1].split(";")[0])
    assert (await browser.get("/api/v1/auth/me")).status_code == 401


async def test_a_cookie_changes_nothing_for_another_site(platform: Platform, ada: Person) -> None:
    browser = platform.client()
    await browser.post("/api/v1/auth/login", json={"login": "ada", "password": PASSWORD})
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await browser.post("/api/v1/tokens", json={"name": "x"}, headers=header)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")
    own = {"Origin": "http://crontopus.test", "Sec-Fetch-Site": "same-origin"}
    assert (await browser.post("/api/v1/tokens", json={"name": "x"}, headers=own)).status_code == 201


async def test_a_wrong_password_and_a_wrong_name_look_alike_and_cost_one_verification_each(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = secrets._hasher.verify

    def counting(password: str, stored: str) -> bool:
        verified.append(stored)
        return real(password, stored)

    monkeypatch.setattr(secrets._hasher, "verify", counting)
    answers = [
        await platform.client().post(
            "/api/v1/auth/login", json={"login": login, "password": "wrong password"}
        )
        for login in ("ada", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert len(verified) == 2


async def test_tokens_are_shown_once_and_die_when_revoked(platform: Platform, ada: Person) -> None:
    made = (await ada.api.post("/api/v1/tokens", json={"name": "ci", "scopes": ["jobs:read"]})).json()
    reader = platform.client(made["secret"])
    assert (await reader.get("/api/v1/jobs")).status_code == 200
    refused = await reader.put("/api/v1/jobs/default/x", json={"spec": {"schedule": "@daily"}})
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    listed = await ada.get("/tokens")
    assert made["secret"] not in str(listed)
    assert {token["name"] for token in listed["items"]} == {"API token", "ci"}
    assert (await ada.api.delete(f"/api/v1/tokens/{made['token']['id']}")).status_code == 204
    assert (await reader.get("/api/v1/jobs")).status_code == 401


async def test_tokens_come_in_pages(ada: Person) -> None:
    for name in "abcde":
        await ada.api.post("/api/v1/tokens", json={"name": name, "scopes": ["jobs:read"]})
    seen, cursor = [], ""
    while cursor is not None:
        page = (await ada.api.get(f"/api/v1/tokens?all=true&limit=2{cursor and f'&cursor={cursor}'}")).json()
        assert len(page["items"]) <= 2
        seen += [each["name"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [*"edcba", "API token"]


async def test_a_token_cannot_make_a_stronger_one(platform: Platform, ada: Person) -> None:
    made = (await ada.api.post("/api/v1/tokens", json={"name": "ci", "scopes": ["jobs:read"]})).json()
    weak = platform.client(made["secret"])
    wanted = {"name": "more", "scopes": ["jobs:write"]}
    assert (await weak.post("/api/v1/tokens", json=wanted)).status_code == 403
    default = (await weak.post("/api/v1/tokens", json={"name": "same"})).json()
    assert default["token"]["scopes"] == ["jobs:read"]
    unknown = await ada.api.post("/api/v1/tokens", json={"name": "odd", "scopes": ["jobs:fly"]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_scope")


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic abc", "Bearer ctp_user_" + "0" * 36, ""])
async def test_what_is_no_token_is_refused(platform: Platform, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    answer = await platform.client().get("/api/v1/jobs", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_enrolment_token_is_for_nothing_else(platform: Platform, ada: Person) -> None:
    made = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()
    answer: httpx.Response = await platform.client(made["secret"]).get("/api/v1/jobs")
    assert answer.status_code == 401


def test_a_typo_is_told_from_a_token() -> None:
    token = secrets.new_token("user")
    assert secrets.token_kind(token) == "user"
    assert secrets.token_kind(token[:-1] + ("0" if token[-1] != "0" else "1")) is None
    assert secrets.token_kind(token[:-1]) is None
    assert token not in secrets.token_hint(token)
    assert len(secrets.token_hint(token)) < 20


async def test_the_audit_log_knows_who_a_token_belongs_to(platform: Platform, ada: Person) -> None:
    enrol = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    body = {
        "token": enrol,
        "hostname": "web-1",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "public_key": "A" * 43 + "=",
        "machine_id": "m",
    }
    endpoint = (await platform.client().post("/api/v1/endpoints/enroll", json=body)).json()
    person = await platform.services.identity.authenticate(ada.token)
    machine = await platform.services.identity.authenticate(endpoint["token"])
    assert person.actor() == Actor("user", person.user_id, "ada", person.token_id)
    assert machine.actor() == Actor("endpoint", UUID(endpoint["endpoint_id"]), "web-1", machine.token_id)
    assert system_principal(ada.tenant_id, "ada").actor() == SYSTEM
