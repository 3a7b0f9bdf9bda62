"""What operators see of tenants: enough to help, no secret, nothing to change."""

import html
import re
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crontopus_api.composition import Services
from crontopus_api.kit.database import Scope
from crontopus_api.kit.overview import reading

from . import rows
from .conftest import csrf

Superuser = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def busy_ada(superuser: Superuser, two_tenants: list[object]) -> None:
    """ada: two jobs (one more deleted), an online and an offline endpoint (one more revoked), one open incident."""
    ada = rows.tenant_id(superuser, "ada")
    jobs = [rows.job(superuser, ada, name) for name in ("backup", "report")]
    rows.job(superuser, ada, "gone", deleted=True)
    for name, seen in (("web-1", "1 second"), ("web-2", "1 hour")):
        rows.endpoint(superuser, ada, name, seen)
    rows.endpoint(superuser, ada, "old-box", "1 second", revoked=True)
    instances = [rows.instance(superuser, ada, job) for job in jobs]
    rows.incident(superuser, ada, instances[0], "backup did not run")
    rows.incident(superuser, ada, instances[1], "report was late", state="resolved")


def cells(page: str, slug: str) -> dict[str, str]:
    """The columns of the table row that mentions `slug`."""
    for row in re.findall(r"<tr data-sa-pk.*?</tr>", page, re.DOTALL):
        found = re.findall(r'<td data-column="(\w+)".*?>(.*?)</td>', row, re.DOTALL)
        texts = {name: " ".join(re.sub(r"<[^>]+>", " ", html).split()) for name, html in found}
        if slug in texts.values():
            return texts
    raise AssertionError(f"no row of {slug}")


async def test_tenant_list_counts_what_each_tenant_has(operator: httpx.AsyncClient, busy_ada: None) -> None:
    page = (await operator.get("/tenants/list")).text
    ada, grace = cells(page, "ada"), cells(page, "grace")
    wanted = ("name", "plan", "members", "jobs", "endpoints", "open_incidents")
    assert [ada[column] for column in wanted] == ["ada", "business", "1", "2", "2", "1"]
    assert [grace[column] for column in wanted] == ["grace", "business", "1", "0", "0", "0"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", ada["created_at"])


@pytest.mark.parametrize(("order", "first"), [("jobs__desc", "ada"), ("jobs__asc", "grace")])
async def test_tenants_sort_by_any_column(
    operator: httpx.AsyncClient, busy_ada: None, order: str, first: str
) -> None:
    page = (await operator.get("/tenants/list", params={"sort": order})).text
    assert re.findall(r'data-column="slug".*?>\s*(?:<[^>]+>\s*)*(ada|grace)', page, re.DOTALL)[0] == first


async def test_search_takes_percent_signs_literally(operator: httpx.AsyncClient, busy_ada: None) -> None:
    page = (await operator.get("/tenants/list", params={"q": "RAC"})).text
    assert cells(page, "grace")
    with pytest.raises(AssertionError):
        cells(page, "ada")
    everything = (await operator.get("/tenants/list", params={"q": "%"})).text
    with pytest.raises(AssertionError):
        cells(everything, "ada")


async def test_tenant_detail(operator: httpx.AsyncClient, busy_ada: None, superuser: Superuser) -> None:
    page = (await operator.get("/tenants/detail", params={"pk": str(rows.tenant_id(superuser, "ada"))})).text
    for words in ("ada@example.org", "owner", "web-1", "web-2", "old-box", "backup did not run"):
        assert words in page, words
    assert "report was late" not in page, "resolved incidents are history"
    assert "grace" not in page


async def test_users_and_endpoints(operator: httpx.AsyncClient, busy_ada: None) -> None:
    users = (await operator.get("/users/list")).text
    assert cells(users, "grace")["email"] == "grace@example.org"
    assert cells(users, "ada")["tenants"] == "ada"
    endpoints = (await operator.get("/endpoints/list")).text
    states = {name: cells(endpoints, name)["state"] for name in ("web-1", "web-2", "old-box")}
    assert states == {"web-1": "online", "web-2": "offline", "old-box": "revoked"}


@pytest.mark.parametrize("identifier", ["1", "x' OR 1=1", "00000000-0000-0000-0000-000000000000"])
async def test_what_is_not_there_is_404(operator: httpx.AsyncClient, identifier: str) -> None:
    for key in ("tenants", "users", "endpoints"):
        assert (await operator.get(f"/{key}/detail", params={"pk": identifier})).status_code == 404


async def test_no_page_shows_a_secret(
    operator: httpx.AsyncClient, services: Services, busy_ada: None, superuser: Superuser
) -> None:
    secrets = {"argon2"}
    for row in superuser.execute("SELECT password_hash FROM users UNION SELECT password_hash FROM operators"):
        secrets |= {row["password_hash"], row["password_hash"].rsplit("$", 1)[-1]}
    for row in superuser.execute("SELECT digest, hint FROM tokens"):
        secrets |= {row["digest"].hex(), row["hint"]}
    secrets.add((services.settings.data_dir / "secret.key").read_text().strip())
    assert len(secrets) >= 1 + 2 * 3 + 2 * 2 + 1
    seen, waiting = set[str](), {"/"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        page = (await operator.get(path)).text
        assert not [secret for secret in secrets if secret in page], path
        links = {link.removeprefix("http://admin.test") for link in re.findall(r'href="([^"]+)"', page)}
        waiting |= {
            html.unescape(link).split("&_origin=")[0]
            for link in links
            if link.startswith("/") and "/static/" not in link and "sort=" not in link
        } - seen
    assert len([path for path in seen if "/detail?pk=" in path]) == 2 + 2 + 3 + 2, sorted(seen)


@pytest.mark.parametrize("key", ["tenants", "users", "endpoints"])
async def test_nothing_can_be_changed_through_a_page(
    operator: httpx.AsyncClient, busy_ada: None, superuser: Superuser, key: str
) -> None:
    before = superuser.execute(f"SELECT * FROM {key} ORDER BY id").fetchall()
    pk = before[0]["id"]
    for method, path in (
        ("GET", f"/{key}/create"),
        ("POST", f"/{key}/create"),
        ("POST", f"/{key}/edit?pk={pk}"),
        ("POST", f"/_api/{key}/inline-edit?pk={pk}&field=name"),
        ("POST", f"/_api/{key}/action?name=delete&pks={pk}"),
        ("POST", f"/_api/{key}/action?name=export&pks={pk}"),
        ("POST", f"/_api/{key}/row-action?name=delete&pk={pk}"),
        ("POST", f"/_api/{key}/import"),
    ):
        response = await operator.request(method, path, data={"name": "changed"} | csrf(operator))
        assert response.status_code >= 400, f"{method} {path}: {response.status_code}"
    assert superuser.execute(f"SELECT * FROM {key} ORDER BY id").fetchall() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants SET name = 'changed'",
        "DELETE FROM users",
        "INSERT INTO memberships SELECT * FROM memberships",
        "UPDATE jobs SET paused = true",
        "UPDATE endpoints SET revoked_at = now()",
        "UPDATE instance_status SET deadline_at = NULL",
        "DELETE FROM incidents",
        "UPDATE deliveries SET state = 'sent'",
        "DELETE FROM procrastinate_jobs",
        "DELETE FROM operators",
        "SELECT password_hash FROM users",
        "SELECT digest FROM tokens",
        "SELECT sealed FROM job_ping_keys",
        "SELECT content FROM run_outputs",
        "SELECT edits FROM git_intents",
    ],
)
def test_the_operators_role_may_not(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT set_config('role', %s, true)", [Scope(role="crontopus_operator").role])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


async def test_the_admin_reads_in_read_only_transactions(services: Services) -> None:
    """Even the one table its role may write, operators, is out of reach of a page."""
    async with reading(services.database) as session:
        with pytest.raises(DBAPIError) as refused:
            await session.execute(text("UPDATE operators SET username = 'x'"))
    assert isinstance(refused.value.orig, psycopg.errors.ReadOnlySqlTransaction)


async def test_operators_log_tells_who_signed_in_from_where(operator: httpx.AsyncClient) -> None:
    page = (await operator.get("/operators-log/list")).text
    entry = cells(page, "operator.signed_in")
    assert (entry["actor"], entry["subject"], entry["address"]) == ("olga", "olga", "127.0.0.1")
    assert cells(page, "operator.created")["actor"] == "crontopus"
