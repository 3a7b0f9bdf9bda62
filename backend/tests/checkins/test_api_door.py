"""Check-ins by the REST API, from the request to the run; and runs as they are listed."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from crontopus_api.kit.ids import uuid7

from ..platform import Person, Platform


async def _runs(person: Person) -> list[dict[str, Any]]:
    return (await person.get("/runs"))["items"]


def _item(kind: str, **more: Any) -> dict[str, Any]:
    return {"event_id": str(uuid7()), "job": "default/hello", "kind": kind, **more}


async def test_a_batch_repeated_changes_nothing(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    run_id, began = str(uuid4()), datetime.now(UTC) - timedelta(hours=2)
    items = [
        _item("start", run_id=run_id, at=began.isoformat()),
        _item(
            "finish",
            run_id=run_id,
            at=(began + timedelta(seconds=90)).isoformat(),
            exit_code=7,
            output={"data": base64.b64encode(b"\xff caf\xc3\xa9").decode(), "total_bytes": 7},
        ),
        _item("finish", at=began.isoformat(), duration_seconds=0.25),
    ]
    first = (await ada.api.post("/api/v1/check-ins/batch", json={"items": items})).json()["results"]
    again = (await ada.api.post("/api/v1/check-ins/batch", json={"items": items})).json()["results"]
    assert [result["status"] for result in first] == ["accepted"] * 3
    assert [result["status"] for result in again] == ["duplicate"] * 3
    assert [result["run_id"] for result in first] == [result["run_id"] for result in again]
    runs = await _runs(ada)
    assert sorted((run["state"], run["duration_seconds"]) for run in runs) == [
        ("failure", 90.0),
        ("success", 0.25),
    ]
    failed = next(run for run in runs if run["state"] == "failure")
    assert (await ada.api.get(f"/api/v1/runs/{failed['id']}/output")).content == b"\xff caf\xc3\xa9"


async def test_the_end_may_arrive_before_the_start(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    run_id = str(uuid4())
    for item in (_item("finish", run_id=run_id, exit_code=0), _item("start", run_id=run_id)):
        assert (await ada.api.post("/api/v1/check-ins", json=item)).status_code == 200
    runs = await _runs(ada)
    assert [run["state"] for run in runs] == ["success"]
    assert (await ada.get("/jobs/default/hello"))["state"] == "healthy"


async def test_each_item_of_a_batch_is_judged_by_itself(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    old = (datetime.now(UTC) - timedelta(days=36)).isoformat()
    items = [
        _item("finish"),
        _item("finish") | {"job": "default/nothing"},
        _item("finish", at=old),
        {"kind": "finish", "job_id": str(uuid4())},
        _item("finish"),
    ]
    results = (await ada.api.post("/api/v1/check-ins/batch", json={"items": items})).json()["results"]
    assert [(result["status"], result["code"]) for result in results] == [
        ("accepted", None),
        ("rejected", "not_found"),
        ("rejected", "too_old"),
        ("rejected", "unknown_instance"),
        ("accepted", None),
    ]


async def test_words_that_the_database_cannot_hold_are_refused_at_the_door(
    platform: Platform, ada: Person
) -> None:
    await ada.put_job()
    answer = await ada.api.post("/api/v1/check-ins", json=_item("finish", message="a\x00b"))
    assert answer.status_code == 422


async def test_runs_are_paged_newest_first(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    for code in range(5):
        await platform.ping(f"{url}/{code}")
    first = await ada.get("/runs", limit=3)
    second = await ada.get("/runs", limit=3, cursor=first["next_cursor"])
    assert [run["exit_code"] for run in first["items"] + second["items"]] == [4, 3, 2, 1, 0]
    assert second["next_cursor"] is None
    assert len((await ada.get("/runs", state="success"))["items"]) == 1
    bad = await ada.api.get("/api/v1/runs", params={"cursor": "x"})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_cursor")


async def test_where_a_run_was_and_what_it_counted_is_kept(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    told = {"host": "db-1", "environment": "production", "metrics": {"rows": 42, "seconds": 1.5}}
    answer = await ada.api.post("/api/v1/check-ins", json=_item("finish", **told))
    assert answer.status_code == 200, answer.text
    (run,) = await _runs(ada)
    assert {name: run[name] for name in told} == told


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "a\nb"},
        {"host": "x" * 256},
        {"environment": ""},
        {"metrics": {"\0": 1}},
        {"metrics": {str(number): number for number in range(33)}},
        {"metrics": {"rows": "many"}},
    ],
)
async def test_what_cannot_be_shown_is_refused(
    platform: Platform, ada: Person, wrong: dict[str, Any]
) -> None:
    await ada.put_job()
    answer = await ada.api.post("/api/v1/check-ins", json=_item("finish", **wrong))
    assert answer.status_code == 422
