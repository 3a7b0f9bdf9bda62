"""Who gets in, and who does not."""

import httpx
import pytest
import time_machine

from crontopus_admin.auth import ATTEMPTS, COOKIE, SESSION_SECONDS
from crontopus_api.composition import Services

from .conftest import ADDRESS, NAME, PASSWORD, csrf, sign_in

PAGES = (
    "/",
    "/tenants/list",
    "/users/list",
    "/endpoints/list",
    "/tenants/detail?pk=00000000-0000-0000-0000-000000000000",
)


@pytest.mark.parametrize("page", PAGES)
async def test_anonymous_is_sent_to_log_in(client: httpx.AsyncClient, page: str) -> None:
    response = await client.get(page)
    assert response.status_code == 303
    assert response.headers["location"].startswith(f"{ADDRESS}/login?")


async def test_the_log_in_page_and_its_looks_are_open(client: httpx.AsyncClient) -> None:
    assert (await client.get("/login")).status_code == 200
    assert (await client.get("/static/crontopus/admin.css")).status_code == 200
    assert (await client.get("/healthz")).text == "ok"


async def test_signed_in_operator_sees_every_page(operator: httpx.AsyncClient) -> None:
    for page in PAGES[:4]:
        assert (await operator.get(page)).status_code == 200, page
    assert (await operator.get(PAGES[4])).status_code == 404


async def test_session_cookie_is_http_only_and_strict(client: httpx.AsyncClient, services: Services) -> None:
    await services.operators.create(username=NAME, password=PASSWORD)
    response = await sign_in(client, NAME, PASSWORD)
    [cookie] = [line for line in response.headers.get_list("set-cookie") if line.startswith(COOKIE)]
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    assert "secure" not in cookie.lower()


async def test_session_cookie_is_secure_over_https(client: httpx.AsyncClient, services: Services) -> None:
    await services.operators.create(username=NAME, password=PASSWORD)
    client.base_url = httpx.URL(ADDRESS.replace("http", "https"))
    response = await sign_in(client, NAME, PASSWORD)
    [cookie] = [line for line in response.headers.get_list("set-cookie") if line.startswith(COOKIE)]
    assert "secure" in cookie.lower()


@pytest.mark.parametrize("name", [NAME, "nobody"])
async def test_wrong_password_and_unknown_operator_read_the_same(
    client: httpx.AsyncClient, services: Services, name: str
) -> None:
    await services.operators.create(username=NAME, password=PASSWORD)
    response = await sign_in(client, name, "something else")
    assert response.status_code == 400
    assert "The name or password is wrong." in response.text
    assert COOKIE not in client.cookies
    assert (await client.get("/")).status_code == 303


async def test_a_tenants_user_is_no_operator(client: httpx.AsyncClient, two_tenants: list[object]) -> None:
    assert (await sign_in(client, "ada", "ada's password")).status_code == 400


async def test_log_in_needs_the_forms_own_token(client: httpx.AsyncClient, services: Services) -> None:
    await services.operators.create(username=NAME, password=PASSWORD)
    await client.get("/login")
    response = await client.post("/login", data={"username": NAME, "password": PASSWORD})
    assert response.status_code == 403


async def test_a_cookie_that_was_changed_is_worth_nothing(operator: httpx.AsyncClient) -> None:
    value = operator.cookies[COOKIE]
    operator.cookies.delete(COOKIE)
    operator.cookies.set(COOKIE, ("A" if value[0] != "A" else "B") + value[1:], domain="admin.test")
    assert (await operator.get("/")).status_code == 303


async def test_log_out(operator: httpx.AsyncClient) -> None:
    assert (await operator.post("/logout", data=csrf(operator))).status_code == 303
    assert (await operator.get("/")).status_code == 303


async def test_a_disabled_operator_is_out_at_once(operator: httpx.AsyncClient, services: Services) -> None:
    await services.operators.disable(NAME)
    assert (await operator.get("/")).status_code == 303
    assert (await sign_in(operator, NAME, PASSWORD)).status_code == 400


async def test_a_session_ends_even_when_it_is_used(client: httpx.AsyncClient, services: Services) -> None:
    await services.operators.create(username=NAME, password=PASSWORD)
    with time_machine.travel("2026-11-22T08:00:00Z", tick=False) as clock:
        await sign_in(client, NAME, PASSWORD)
        # As a thief would send it: a browser drops the cookie by itself.
        stolen = {"cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
        clock.shift(SESSION_SECONDS - 60)
        assert (await client.get("/users/list", headers=stolen)).status_code == 200
        clock.shift(61)
        assert (await client.get("/users/list", headers=stolen)).status_code == 303


async def test_attempts_are_limited(client: httpx.AsyncClient, services: Services) -> None:
    await services.operators.create(username=NAME, password=PASSWORD)
    for _ in range(ATTEMPTS.amount):
        assert (await sign_in(client, "nobody", "wrong")).status_code == 400
    refused = await sign_in(client, NAME, PASSWORD)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    assert COOKIE not in client.cookies


async def test_nobody_becomes_an_operator_over_http(operator: httpx.AsyncClient, services: Services) -> None:
    for path in ("/operators", "/operators/create", "/users/create", "/tenants/create"):
        form = {"username": "mallory", "password": "a long password"} | csrf(operator)
        response = await operator.post(path, data=form)
        assert response.status_code in {403, 404, 405}, path
    assert [each.username for each in await services.operators.all()] == [NAME]
