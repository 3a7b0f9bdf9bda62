"""The health page shows what is in the database, and judges it."""

import html
import re
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest

from crontopus_admin.app import create_app
from crontopus_admin.health import judgements
from crontopus_admin.health.words import ago, size
from crontopus_api.composition import Services, compose
from crontopus_api.server.migrations import head_revision
from crontopus_api.settings import Settings
from crontopus_api.worker.figures import AlertFigures, Backlog, DatabaseFigures, QueueFigures

from . import rows

Superuser = psycopg.Connection[dict[str, Any]]


async def figures(operator: httpx.AsyncClient) -> dict[str, tuple[str, str, str]]:
    """Title → value, level, words."""
    page = (await operator.get("/")).text
    found = re.findall(
        r'data-figure="([^"]+)" data-level="(\w+)">.*?figure-value">(.*?)</dd>.*?figure-says">(.*?)</dd>',
        page,
        re.DOTALL,
    )
    return {title: (value, level, html.unescape(says)) for title, level, value, says in found}


async def test_an_idle_installation(operator: httpx.AsyncClient, services: Services) -> None:
    found = await figures(operator)
    values = {title: value for title, (value, _, _) in found.items()}
    head = head_revision()
    assert values["Migration"] == f"{head} of {head}"
    assert values["PostgreSQL"].split(".")[0] in {"15", "16", "17", "18"}
    assert values["Replication lag"] == "n/a"
    for title in (
        "Overdue instances",
        "Unclaimed status changes",
        "Check-ins",
        "Runs",
        "Queue",
        "Failed jobs",
    ):
        assert values[title] == "0", title
    for title in ("Pending changes", "Pending", "Failed, 24 hours", "Workers alive"):
        assert values[title] == "0", title
    assert values["Unprojected repositories"] == "0 of 0"
    looks = {title for title, (_, level, _) in found.items() if level == "look"} - {"Disk free"}
    assert looks == {"Workers alive"}
    assert "crontopus-server worker" in found["Workers alive"][2]


def trouble(superuser: Superuser) -> None:
    """Something of everything that the page counts, in two tenants."""
    ada, grace = rows.tenant_id(superuser, "ada"), rows.tenant_id(superuser, "grace")
    for tenant, deadline in ((ada, rows.ago("2 hours 3 minutes")), (grace, rows.ago("5 minutes"))):
        instance = rows.instance(superuser, tenant, rows.job(superuser, tenant, "backup"), deadline)
        rows.status_change(superuser, tenant, instance, 1, rows.ago("42 minutes"))
    rows.instance(superuser, ada, rows.job(superuser, ada, "later"), "clock_timestamp() + interval '1 hour'")
    superuser.execute(
        "UPDATE status_changes SET claimed_at = clock_timestamp() WHERE tenant_id = %s", [grace]
    )
    for at in ("1 minute", "59 minutes", "61 minutes"):
        rows.run_key(superuser, ada, rows.ago(at))
    for state in ("success", "failure", "missed", "running"):
        rows.run(superuser, grace, state, rows.ago("10 minutes"))
    rows.run(superuser, grace, "failure", rows.ago("2 hours"))
    incident = rows.incident(superuser, ada, instance_of(superuser, ada), "backup did not run")
    for state, at in (
        ("pending", "3 hours"),
        ("failed", "23 hours"),
        ("failed", "25 hours"),
        ("sent", "1 hour"),
    ):
        rows.delivery(superuser, ada, incident, state, rows.ago(at), "550 no such mailbox")
    for state, at in (("pending", "7 minutes"), ("pending", "1 second"), ("done", "1 hour")):
        rows.git_intent(superuser, ada, state, rows.ago(at))
    rows.queued(superuser, "todo", deferred=rows.ago("5 hours 1 minute"))
    rows.queued(superuser, "todo", scheduled=rows.ago("4 minutes"), deferred=rows.ago("1 day"))
    rows.queued(superuser, "todo", scheduled="clock_timestamp() + interval '1 hour'")
    rows.queued(superuser, "doing")
    for _ in range(3):
        rows.queued(superuser, "failed")
    for at in ("1 second", "1 second", "12 seconds", "12 seconds", "2 minutes"):  # two for each worker
        rows.insert(superuser, "procrastinate_workers", {"last_heartbeat": rows.ago(at)})


async def test_figures_are_those_in_the_database(
    operator: httpx.AsyncClient, services: Services, superuser: Superuser, two_tenants: list[object]
) -> None:
    trouble(superuser)
    found = await figures(operator)
    values = {title: (value, level) for title, (value, level, _) in found.items()}
    assert values["Overdue instances"] == ("2, oldest 2 h 3 min", "look")
    assert values["Unclaimed status changes"] == ("1, oldest 42 min", "look")
    assert values["Check-ins"] == ("2", "fine")
    assert values["Runs"] == ("4", "fine")
    assert found["Runs"][2].startswith("2 of them failed")
    assert values["Pending"] == ("1, oldest 3 h", "look")
    assert values["Failed, 24 hours"] == ("1", "look")
    assert "1 were sent" in found["Failed, 24 hours"][2]
    assert "550 no such mailbox" in found["Failed, 24 hours"][2]
    assert values["Pending changes"] == ("2, oldest 7 min", "look")
    assert values["Queue"] == ("2, oldest 5 h 1 min", "look")
    assert values["Failed jobs"] == ("3", "look")
    assert values["Workers alive"] == ("2", "fine")
    assert values["Unprojected repositories"] == ("2 of 2", "look")
    assert found["Unprojected repositories"][2].startswith("2 not made yet")


def instance_of(superuser: Superuser, tenant: Any) -> Any:
    row = superuser.execute("SELECT id FROM instances WHERE tenant_id = %s LIMIT 1", [tenant]).fetchone()
    assert row is not None
    return row["id"]


async def test_a_repository_behind_its_head_is_counted(
    operator: httpx.AsyncClient, services: Services, superuser: Superuser, two_tenants: list[object]
) -> None:
    for slug in ("ada", "grace"):
        tenant = rows.tenant_id(superuser, slug)
        await services.changes.ensure_repository(tenant)
        await services.projector.project(tenant)
    assert (await figures(operator))["Unprojected repositories"][:2] == ("0 of 2", "fine")
    superuser.execute("UPDATE repositories SET projected_commit = %s WHERE slug = 'ada'", ["0" * 40])
    value, level, says = (await figures(operator))["Unprojected repositories"]
    assert (value, level) == ("1 of 2", "look")
    assert "1 behind HEAD" in says


async def test_an_older_schema_says_what_to_run(operator: httpx.AsyncClient, superuser: Superuser) -> None:
    superuser.execute("UPDATE alembic_version SET version_num = '0001'")
    value, level, says = (await figures(operator))["Migration"]
    assert (value, level) == (f"0001 of {head_revision()}", "look")
    assert "crontopus-server migrate" in says


async def test_one_area_that_cannot_be_read_hides_no_other(
    operator: httpx.AsyncClient, superuser: Superuser
) -> None:
    superuser.execute("REVOKE SELECT ON status_changes FROM crontopus_operator")
    found = await figures(operator)
    assert found["Figures"][:2] == ("not read", "look")
    assert "status_changes" in found["Figures"][2]
    assert found["Runs"][0] == "0"


async def test_a_database_that_is_away_is_one_line(services: Services) -> None:
    settings = services.settings.model_copy(update={"database_url": "postgresql://x@127.0.0.1:1/x"})
    away = compose(Settings.model_validate(settings.model_dump()), "postgresql://x@127.0.0.1:1/x")
    app = create_app(away)
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin.test") as client:
        await services.operators.create(username="olga", password="a password for the tests")
        await client.get("/login")
        form = {"username": "olga", "password": "a password for the tests"}
        await client.post("/login", data=form | {"csrftoken": client.cookies["starlette_admin_csrftoken"]})
        cookies = client.cookies
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://admin.test", cookies=cookies
    ) as client:
        response = await client.get("/")
    assert response.status_code == 503
    assert response.text.startswith("The database does not answer: ")
    assert response.text.count("\n") == 1


GOOD = DatabaseFigures(
    version="15.4 (Debian)",
    size_bytes=1,
    connections=10,
    max_connections=100,
    standbys=0,
    replay_lag_seconds=None,
    revision="0005",
)


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"version": "14.9"}, "PostgreSQL"),
        ({"connections": 81}, "Connections"),
        ({"revision": "0004"}, "Migration"),
        ({"revision": None}, "Migration"),
        ({"revision": "0006"}, "Migration"),
    ],
)
def test_database_judgements(change: dict[str, Any], title: str) -> None:
    assert judgements.database(GOOD, "0005").level == "fine"
    area = judgements.database(replace(GOOD, **change), "0005")
    assert [figure.title for figure in area.figures if figure.level == "look"] == [title]


def test_waiting_shortly_is_fine_and_waiting_long_is_not() -> None:
    calm = QueueFigures(Backlog(5, 59.0), 0, 0, 0, 1, 1.0)
    assert judgements.queue(calm).level == "fine"
    assert judgements.queue(replace(calm, due=Backlog(1, 61.0))).level == "look"
    retrying = AlertFigures(Backlog(2, 599.0), 0, 0, "421 try later")
    assert judgements.alerts(retrying).level == "fine"
    assert judgements.alerts(replace(retrying, pending=Backlog(2, 601.0))).level == "look"


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [(50 * 2**30, 100 * 2**30, "fine"), (9 * 2**30, 100 * 2**30, "look"), (2**29, 2**30, "look")],
)
def test_disk_judgement(free: int, total: int, level: str) -> None:
    assert judgements.disk(free, total, "/data").level == level


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3661, "1 h 1 min"),
        (3601, "1 h"),
        (90_061, "1 d 1 h"),
        (-3, "0 s"),
    ],
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert ago(seconds) == words


@pytest.mark.parametrize(
    ("amount", "words"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3 * 2**40, "3.0 TiB")]
)
def test_sizes(amount: int, words: str) -> None:
    assert size(amount) == words
