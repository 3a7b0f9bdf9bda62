"""Which runs a list shows, page by page and as a file."""

import csv
import io
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from crontopus_api.checkins.runs import repository, service

from ...platform import Person, Platform
from .history import ago, put_runs, run_of

LABELLED = {"metadata": {"labels": {"team": "db", "tier": "1"}}}


@pytest.fixture
async def jobs(ada: Person) -> dict[str, str]:
    """Three jobs' ids by name; one in another namespace, one with labels."""
    plain = await ada.put_job("default/plain")
    other = await ada.put_job("other/plain")
    body = LABELLED | {"spec": {"schedule": "@daily"}}
    labelled = (await ada.api.put("/api/v1/jobs/default/labelled", json=body)).json()
    return {"plain": plain["id"], "other": other["id"], "labelled": labelled["id"]}


@pytest.fixture
async def history(platform: Platform, ada: Person, jobs: dict[str, str]) -> list[dict[str, Any]]:
    """Runs over three years, many of them at the same instant; oldest first."""
    runs = [
        run_of(
            ada,
            jobs[("plain", "other", "labelled")[each % 3]],
            ago(days=(59 - each // 2) ** 2 / 3),
            state="failure" if each % 5 == 0 else "success",
        )
        for each in range(120)
    ]
    await put_runs(platform, runs)
    await platform.services.partitions.round()
    return sorted(runs, key=lambda run: (run["partition_at"], run["id"]), reverse=True)


async def _all(person: Person, **query: Any) -> list[str]:
    """The ids of every page."""
    found: list[str] = []
    while True:
        page = await person.get("/runs", limit=7, **query)
        found += [run["id"] for run in page["items"]]
        if page["next_cursor"] is None:
            return found
        assert len(page["items"]) == 7
        query["cursor"] = page["next_cursor"]


@pytest.mark.parametrize(
    ("query", "names", "state"),
    [
        ({}, ("plain", "other", "labelled"), None),
        ({"job": "default/plain"}, ("plain",), None),
        ({"namespace": "default"}, ("plain", "labelled"), None),
        ({"label": "team=db"}, ("labelled",), None),
        ({"label": ["team=db", "tier=2"]}, (), None),
        ({"label": ["team=other", "team=db"]}, (), None),
        ({"label": "team=db", "job": "default/plain"}, (), None),
        ({"state": "failure"}, ("plain", "other", "labelled"), "failure"),
        ({"namespace": "default", "state": "failure"}, ("plain", "labelled"), "failure"),
        ({"endpoint_id": str(uuid4())}, (), None),
    ],
)
async def test_every_filter_pages_through_all_of_its_runs_once(
    ada: Person,
    jobs: dict[str, str],
    history: list[dict[str, Any]],
    query: dict[str, Any],
    names: tuple[str, ...],
    state: str | None,
) -> None:
    wanted = [
        str(run["id"])
        for run in history
        if str(run["job_id"]) in {jobs[name] for name in names} and state in {None, run["state"]}
    ]
    assert await _all(ada, **query) == wanted


async def test_many_jobs_are_found_by_walking(
    ada: Person, jobs: dict[str, str], history: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_look_each = await _all(ada, namespace="default")
    monkeypatch.setattr(repository, "_MOST_LOOKS", 1)
    assert await _all(ada, namespace="default") == one_look_each
    assert len(one_look_each) == 80


async def test_since_is_inclusive_and_until_is_not(
    ada: Person, history: list[dict[str, Any]], jobs: dict[str, str]
) -> None:
    newest, oldest = history[20]["partition_at"], history[90]["partition_at"]
    wanted = [str(run["id"]) for run in history if oldest <= run["partition_at"] < newest]
    assert await _all(ada, since=oldest.isoformat(), until=newest.isoformat()) == wanted
    assert await _all(ada, since=newest.isoformat(), until=oldest.isoformat()) == []


@pytest.mark.parametrize("label", ["team", "=x", "a=b=c"])
async def test_what_is_no_label_is_refused(ada: Person, label: str) -> None:
    answer = await ada.api.get("/api/v1/runs", params={"label": label})
    assert answer.status_code == 422


async def test_exports_hold_every_run(
    ada: Person, history: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_EXPORT_PAGE", 50)
    ids = [str(run["id"]) for run in history]
    by_address = await ada.api.get("/api/v1/runs", params={"format": "csv", "limit": 1})
    assert by_address.headers["content-type"].startswith("text/csv")
    assert by_address.headers["content-disposition"] == 'attachment; filename="runs.csv"'
    rows = list(csv.DictReader(io.StringIO(by_address.text, newline="")))
    assert [row["id"] for row in rows] == ids
    assert {row["job"] for row in rows} == {"plain", "labelled"}
    by_accept = await ada.api.get("/api/v1/runs", headers={"Accept": "application/x-ndjson, */*;q=0.1"})
    assert [json.loads(line)["id"] for line in by_accept.text.splitlines()] == ids
    listed = (await ada.get("/runs", limit=1))["items"][0]
    assert json.loads(by_accept.text.splitlines()[0]) == listed


async def test_an_export_of_nothing_and_of_what_is_not_there(ada: Person) -> None:
    empty = await ada.api.get("/api/v1/runs", params={"format": "csv"})
    assert len(empty.text.splitlines()) == 1
    missing = await ada.api.get("/api/v1/runs", params={"format": "csv", "job": "default/none"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("message", ["=1+2", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", '"=1', "a\n=b", "ok"])
async def test_no_cell_is_a_formula(platform: Platform, ada: Person, message: str) -> None:
    job = await ada.put_job()
    await put_runs(platform, [run_of(ada, job["id"], ago(hours=1), message=message, exit_code=-1)])
    text = (await ada.api.get("/api/v1/runs", params={"format": "csv"})).text
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row["message"][0] not in "=+-@\t\r\n"
    assert row["message"].lstrip("'") == message
    assert row["exit_code"] == "-1"


async def test_a_run_is_found_by_its_id_whatever_its_month(
    platform: Platform, ada: Person, history: list[dict[str, Any]]
) -> None:
    for run in (history[0], history[-1]):
        assert (await ada.get(f"/runs/{run['id']}"))["id"] == str(run["id"])
    assert (await ada.api.get(f"/api/v1/runs/{uuid4()}")).status_code == 404


def test_stretches_cover_all_time_once() -> None:
    until, since = datetime(2026, 11, 22, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    for oldest in (
        since,
        until - timedelta(days=3),
        until - timedelta(days=100),
        until,
        until + timedelta(1),
    ):
        parts = list(repository._stretches(until, oldest))
        if oldest >= until:
            assert parts == []
            continue
        assert (parts[0][1], parts[-1][0]) == (until, oldest)
        assert all(newer[0] == older[1] for newer, older in itertools.pairwise(parts))
