"""Policies, alert routes and windows: files of their own, changed by commits as jobs are."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from crontopus_api.jobs.documents.kinds import WINDOW
from crontopus_api.jobs.documents.windows_service import _ended
from crontopus_api.kit.errors import Conflict
from crontopus_api.manifests.others import write_instant

from ..platform import Person, Platform

YAML = b"""apiVersion: crontopus/v1
kind: AlertRoute
metadata:
  name: oncall   # who is woken
# why this route exists
spec:
  channels: [pager]
"""
HEADERS = {"Content-Type": "application/yaml"}
WINDOW_YAML = """# the move to the new rack
apiVersion: crontopus/v1
kind: MaintenanceWindow
metadata: {{name: move}}
spec:
  start: {start}   # when the vans come
  end: {end}
"""
DOCUMENTS = [
    ("policies", {"rules": {"requiredLabels": ["team"]}}, ".crontopus/policies/one.yaml", "policy"),
    ("routes", {"channels": ["pager"]}, ".crontopus/routes/one.yaml", "alert route"),
    (
        "maintenance-windows",
        {"schedule": "0 3 * * 0", "duration": "2h"},
        ".crontopus/windows/one.yaml",
        "maintenance window",
    ),
]


def _in(**offset: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**offset)


async def _subjects(platform: Platform) -> list[str]:
    return [commit.message.splitlines()[0] for commit in await platform.services.git.history("ada")]


async def _put(person: Person, path: str, content: bytes | dict[str, Any], **options: Any) -> httpx.Response:
    if isinstance(content, bytes):
        headers = HEADERS | options.pop("headers", {})
        return await person.api.put(f"/api/v1/{path}", content=content, headers=headers, **options)
    return await person.api.put(f"/api/v1/{path}", json=content, **options)


async def _post(person: Person, path: str, body: Any, *, status: int) -> Any:
    answer = await person.api.post(f"/api/v1{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.parametrize(("collection", "spec", "path", "noun"), DOCUMENTS)
async def test_a_document_lives_by_commits(
    platform: Platform, ada: Person, collection: str, spec: dict[str, Any], path: str, noun: str
) -> None:
    made = await _put(ada, f"{collection}/one", {"spec": spec})
    assert made.status_code == 201, made.text
    one = made.json()
    assert (one["name"], one["path"], one["manifest"]["spec"], one["changed"]) == ("one", path, spec, True)
    assert made.headers["etag"] == f'"{one["etag"]}"'
    assert await ada.get(f"/{collection}/one") == {key: one[key] for key in one if key != "changed"}
    again = await _put(ada, f"{collection}/one", {"spec": spec})
    assert (again.status_code, again.json()["changed"], again.json()["commit"]) == (200, False, one["commit"])
    assert (await ada.api.delete(f"/api/v1/{collection}/one")).status_code == 204
    assert (await ada.api.get(f"/api/v1/{collection}/one")).status_code == 404
    assert (await ada.api.delete(f"/api/v1/{collection}/one")).status_code == 404
    assert (await _subjects(platform))[:2] == [f"Delete {noun} one", f"Add {noun} one"]
    assert (await platform.services.rebuilder.rebuild(ada.tenant_id)).differences == []


async def test_a_file_stays_as_its_author_wrote_it(platform: Platform, ada: Person) -> None:
    made = await _put(ada, "routes/oncall", YAML, params={"message": "Wake Ada"})
    assert made.json()["yaml"] == YAML.decode()
    text = await ada.api.get("/api/v1/routes/oncall", headers={"Accept": "application/yaml"})
    assert (text.content, text.headers["etag"]) == (YAML, made.headers["etag"])
    # What says the same leaves the comments alone.
    same = await _put(ada, "routes/oncall", {"spec": {"channels": ["pager"], "enabled": True}})
    assert (same.json()["changed"], same.json()["yaml"]) == (False, YAML.decode())
    assert (await _subjects(platform))[0] == "Wake Ada"
    assert (await platform.services.git.history("ada"))[0].author.name == "ada"


async def test_nobody_overwrites_what_they_have_not_seen(platform: Platform, ada: Person) -> None:
    first = await _put(ada, "routes/oncall", YAML)
    etag = first.headers["etag"]
    newer = YAML.replace(b"pager", b"mail")
    assert (await _put(ada, "routes/oncall", newer, headers={"If-Match": etag})).status_code == 200
    stale = await _put(ada, "routes/oncall", YAML, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_etag")
    assert "alert route" in stale.json()["detail"]
    taken = await _put(ada, "routes/oncall", YAML, headers={"If-None-Match": "*"})
    assert (taken.status_code, taken.json()["code"]) == (409, "already_exists")
    deleted = await ada.api.delete("/api/v1/routes/oncall", headers={"If-Match": etag})
    assert (deleted.status_code, deleted.json()["code"]) == (409, "stale_etag")
    assert (await ada.get("/routes/oncall"))["yaml"] == newer.decode()


@pytest.mark.parametrize(
    ("path", "content", "code", "line"),
    [
        ("routes/oncall", YAML.replace(b"channels", b"chanels"), "unknown_key", 7),
        ("routes/other", YAML, "name_mismatch", 4),
        ("policies/oncall", YAML, "wrong_kind", 2),
        ("routes/oncall", {"spec": {"channels": [1]}}, "wrong_type", None),
        ("routes/oncall", {"kind": "Policy", "spec": {}}, "wrong_kind", None),
    ],
)
async def test_what_is_wrong_is_told_by_line(
    ada: Person, path: str, content: bytes | dict[str, Any], code: str, line: int | None
) -> None:
    refused = await _put(ada, path, content)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_manifest"), refused.text
    assert (code, line) in [(error["code"], error["line"]) for error in refused.json()["errors"]]


@pytest.mark.parametrize("name", ["Up", "a_b", "x" * 64, "%2e%2e", "a%2fb", "a%00b"])
async def test_a_name_leads_nowhere_else(ada: Person, name: str) -> None:
    for collection, spec, _, _ in DOCUMENTS:
        answer = await _put(ada, f"{collection}/{name}", {"spec": spec})
        assert answer.status_code in {400, 404, 422}, answer.text
        assert (await ada.api.get(f"/api/v1/{collection}/{name}")).status_code in {400, 404}


async def test_a_document_may_be_called_test(ada: Person) -> None:
    made = await _put(ada, "routes/test", {"spec": {"channels": ["pager"]}})
    assert (made.status_code, (await ada.get("/routes/test"))["name"]) == (201, "test")


async def test_a_dry_run_tells_what_a_policy_makes_of_jobs(platform: Platform, ada: Person) -> None:
    await ada.put_job("default/hello")
    before = await _subjects(platform)
    spec = {"rules": {"requiredLabels": ["team"]}}
    plan = (await _put(ada, "policies/one", {"spec": spec}, params={"dry_run": True})).json()
    assert [file["path"] for file in plan["files"]] == [".crontopus/policies/one.yaml"]
    assert [warning["policy"] for warning in plan["warnings"]] == ["one"]
    window = {"duration_seconds": 60}
    plan = await _post(ada, "/maintenance-windows?dry_run=true", window, status=200)
    assert plan["files"][0]["action"] == "added"
    assert (await ada.api.get("/api/v1/policies/one")).status_code == 404
    assert await _subjects(platform) == before
    await _put(ada, "policies/one", {"spec": spec})
    removal = await ada.api.delete("/api/v1/policies/one", params={"dry_run": True})
    assert (removal.status_code, removal.json()["files"][0]["action"]) == (200, "removed")
    refused = await ada.api.put("/api/v1/jobs/default/other", json={"spec": {"schedule": "@daily"}})
    assert (refused.status_code, refused.json()["code"]) == (422, "policy_violation")


async def test_policies_come_in_pages(platform: Platform, ada: Person) -> None:
    names = [f"p-{number}" for number in range(5)]
    for name in names:
        await _put(
            ada, f"policies/{name}", {"spec": {"enforcement": "warn", "rules": {"minimumInterval": "1m"}}}
        )
    await _put(ada, "routes/oncall", YAML)
    found, cursor = [], None
    while True:
        page = await ada.get("/policies", limit=2, **({"cursor": cursor} if cursor else {}))
        found += [(policy["kind"], policy["name"]) for policy in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [("Policy", name) for name in names]
    assert (await ada.api.get("/api/v1/policies?cursor=nonsense")).status_code == 422


async def test_reading_takes_as_many_statements_for_many_as_for_one(platform: Platform, ada: Person) -> None:
    spec = {"enforcement": "warn", "rules": {"minimumInterval": "1m"}}
    await _put(ada, "policies/p-0", {"spec": spec})
    counts = []
    for _ in range(2):
        with _statements(platform) as statements:
            await ada.get("/policies")
            await ada.get("/policies/p-0")
        counts.append(len(statements))
        for number in range(1, 12):
            await _put(ada, f"policies/p-{number}", {"spec": spec})
    assert len((await ada.get("/policies"))["items"]) == 12
    assert counts[0] == counts[1], statements


@contextmanager
def _statements(platform: Platform) -> Iterator[list[str]]:
    engine, seen = platform.services.database.engine.sync_engine, list[str]()

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_another_tenant_sees_and_touches_nothing(platform: Platform, ada: Person) -> None:
    await _put(ada, "routes/oncall", YAML)
    move = await _post(ada, "/maintenance-windows", {"duration_seconds": 600, "name": "move"}, status=201)
    eve = await platform.register("eve")
    assert (await eve.get("/policies"))["items"] == []
    assert (await eve.api.get("/api/v1/routes/oncall")).status_code == 404
    assert (await eve.api.delete("/api/v1/routes/oncall")).status_code == 404
    await _post(eve, "/maintenance-windows/move/end", {}, status=404)
    assert (await ada.get("/maintenance-windows/move"))["yaml"] == move["yaml"]


async def test_a_window_begins_now_and_is_ended(platform: Platform, ada: Person) -> None:
    wanted = {"match": {"matchLabels": {"role": "db"}}, "reason": "new disks", "duration_seconds": 7200}
    started = await _post(ada, "/maintenance-windows", wanted, status=201)
    spec = started["manifest"]["spec"]
    start, end = (datetime.fromisoformat(spec[side]) for side in ("start", "end"))
    assert (end - start, spec["reason"], spec["match"]) == (
        timedelta(hours=2), "new disks", {"matchLabels": {"role": "db"}},
    )  # fmt: skip
    assert timedelta() <= datetime.now(UTC) - start < timedelta(minutes=1)
    assert started["name"] == f"ad-hoc-{start:%Y-%m-%d-%H%M}"
    ended = await _post(
        ada, f"/maintenance-windows/{started['name']}/end", {"message": "Done early"}, status=200
    )
    assert ended["changed"] is True
    assert datetime.fromisoformat(ended["manifest"]["spec"]["end"]) < end - timedelta(hours=1)
    assert (await _subjects(platform))[:2] == ["Done early", f"Start maintenance window {started['name']}"]


async def test_a_window_holds_for_jobs_until_it_is_ended(platform: Platform, ada: Person) -> None:
    job = await ada.put_job("default/often", schedule="*/10 * * * *")
    await platform.ping(job["ping_url"])
    wanted = {"name": "move", "start": _in(minutes=-1).isoformat(), "duration_seconds": 86_400}
    await _post(ada, "/maintenance-windows", wanted, status=201)
    during = (await ada.get("/jobs/default/often"))["instances_list"][0]["due_at"]
    assert datetime.fromisoformat(during) > _in(hours=23)
    await _post(ada, "/maintenance-windows/move/end", {}, status=200)
    after = (await ada.get("/jobs/default/often"))["instances_list"][0]["due_at"]
    assert datetime.fromisoformat(after) < _in(minutes=21)


async def test_windows_of_one_minute_get_names_of_their_own(ada: Person) -> None:
    start = _in(hours=1).replace(second=0).isoformat()
    body = {"start": start, "duration_seconds": 60}
    made = await asyncio.gather(*(_post(ada, "/maintenance-windows", body, status=201) for _ in range(4)))
    names = sorted(window["name"] for window in made)
    first = names[0]
    assert names == [first, f"{first}-2", f"{first}-3", f"{first}-4"]
    named = body | {"name": first}
    assert (await _post(ada, "/maintenance-windows", named, status=409))["code"] == "already_exists"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"duration_seconds": 60, "end": "2099-01-01T00:00:00Z"},
        {"duration_seconds": 59},
        {"end": "2020-01-01T00:00:00Z"},
        {"end": "2099-01-01T00:00:00"},
        {"start": "2099-01-02T00:00:00Z", "end": "2099-01-01T00:00:00Z"},
        {"start": "9999-12-31T23:59:59Z", "duration_seconds": 86_400},
        {"start": "0001-01-01T00:00:00+14:00", "duration_seconds": 86_400},
        {"duration_seconds": 60, "match": {"labels": {"a": "b"}}},
        {"duration_seconds": 60, "match": {"namespaces": ["No"]}},
        {"duration_seconds": 60, "reason": "x" * 1025},
        {"duration_seconds": 60, "name": "../x"},
    ],
)
async def test_a_window_that_cannot_be_is_refused(ada: Person, body: dict[str, Any]) -> None:
    await _post(ada, "/maintenance-windows", body, status=422)
    assert (await ada.get("/documents"))["items"] == []


async def test_only_a_window_that_has_begun_and_ends_is_ended(platform: Platform, ada: Person) -> None:
    for name, spec, code in (
        ("later", {"start": write_instant(_in(hours=1)), "end": write_instant(_in(hours=2))}, "not_begun"),
        ("sundays", {"schedule": "0 3 * * 0", "duration": "2h"}, "recurring_window"),
    ):
        await _put(ada, f"maintenance-windows/{name}", {"spec": spec})
        refused = await _post(ada, f"/maintenance-windows/{name}/end", {}, status=409)
        assert refused["code"] == code
    over = {"start": write_instant(_in(hours=-2)), "end": write_instant(_in(hours=-1))}
    made = (await _put(ada, "maintenance-windows/over", {"spec": over})).json()
    ended = await _post(ada, "/maintenance-windows/over/end", {}, status=200)
    assert (ended["changed"], ended["commit"]) == (False, made["commit"])


def test_the_end_is_one_value_of_the_file() -> None:
    now = datetime(2027, 1, 16, 22, 0, 0, 500_000, tzinfo=UTC)
    text = WINDOW_YAML.format(start="2027-01-16T21:00:00Z", end="2027-01-17T01:00:00+01:00  # or so")
    expected = text.replace("2027-01-17T01:00:00+01:00", '"2027-01-16T22:00:00Z"')
    assert _ended(WINDOW.target("move"), text.encode(), now).decode() == expected


@pytest.mark.parametrize("begun", [timedelta(0), timedelta(milliseconds=999)])
def test_a_window_ended_as_it_begins_lasts_a_second(begun: timedelta) -> None:
    start = datetime(2027, 1, 16, 22, tzinfo=UTC)
    text = WINDOW_YAML.format(start=write_instant(start), end="2027-01-17T00:00:00Z")
    ended = _ended(WINDOW.target("move"), text.encode(), start + begun)
    assert b'end: "2027-01-16T22:00:01Z"' in ended
    with pytest.raises(Conflict):
        _ended(WINDOW.target("move"), text.encode(), start - timedelta(seconds=1))
