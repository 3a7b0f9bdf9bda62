"""Sentry's check-ins: the address with a query, JSON, and the envelopes that SDKs and sentry-cli send."""

import gzip
import json
from typing import Any
from uuid import uuid4

import pytest

from ...platform import Person, Platform
from .senders import runs, tenant_key

HOURLY = {"schedule": {"type": "crontab", "value": "0 * * * *"}}


async def _cron(platform: Platform, person: Person, slug: str, **options: Any) -> tuple[int, str]:
    path = f"/api/4504/cron/{slug}/{await tenant_key(person)}/"
    answer = await platform.client().request(options.pop("method", "GET"), path, **options)
    return answer.status_code, answer.text


async def _json(platform: Platform, person: Person, slug: str, **told: Any) -> tuple[int, str]:
    return await _cron(platform, person, slug, method="POST", json=told)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_in_progress_and_ok_are_one_run(platform: Platform, ada: Person, method: str) -> None:
    await ada.put_job()
    for status in ("in_progress", "ok"):
        assert await _cron(platform, ada, "hello", method=method, params={"status": status}) == (202, "")
    (run,) = await runs(ada)
    assert (run["state"], run["source"]) == ("success", "sentry")
    assert await _cron(platform, ada, "hello", params={"status": "error", "duration": "1.5"}) == (202, "")
    assert ("failure", 1.5) in [(run["state"], run["duration_seconds"]) for run in await runs(ada)]


@pytest.mark.parametrize("spelled", [str, lambda identifier: identifier.hex])
async def test_overlapping_runs_are_told_apart_by_id(platform: Platform, ada: Person, spelled: Any) -> None:
    await ada.put_job()
    first, second = spelled(uuid4()), spelled(uuid4())
    for check_in_id, status in (
        (first, "in_progress"),
        (second, "in_progress"),
        (first, "error"),
        (second, "ok"),
    ):
        answer = await _json(
            platform, ada, "hello", check_in_id=check_in_id, status=status, environment="prod"
        )
        assert answer == (202, "")
    assert sorted(run["state"] for run in await runs(ada)) == ["failure", "success"]


async def test_the_zero_id_means_the_run_in_progress(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    await _json(platform, ada, "hello", check_in_id=uuid4().hex, status="in_progress")
    await _json(platform, ada, "hello", check_in_id="0" * 32, status="ok")
    assert [run["state"] for run in await runs(ada)] == ["success"]


async def test_a_config_makes_the_job_that_is_missing(platform: Platform, ada: Person) -> None:
    config = HOURLY | {
        "checkin_margin": 5,
        "max_runtime": 30,
        "timezone": "America/Los_Angeles",
        "failure_issue_threshold": 2,
        "recovery_threshold": 3,
        "owner": "user:john@example.com",
    }
    assert await _json(platform, ada, "prod.sync", status="in_progress", monitor_config=config) == (202, "")
    assert await _json(platform, ada, "prod.sync", status="ok") == (202, "")
    await platform.services.adopter.round()
    job = await ada.get("/jobs/prod/sync")
    assert job["manifest"]["spec"] == {
        "schedule": "0 * * * *",
        "timezone": "America/Los_Angeles",
        "timeout": "30m",
        "alerts": {"failureThreshold": 2, "recoveryThreshold": 3},
    }
    assert [run["state"] for run in await runs(ada)] == ["success"]


@pytest.mark.parametrize(
    ("value", "unit", "schedule"),
    [(10, "minute", "every 10m"), (1, "day", "every 1d"), (1, "month", "every 31d")],
)
async def test_intervals(platform: Platform, ada: Person, value: int, unit: str, schedule: str) -> None:
    config = {"schedule": {"type": "interval", "value": value, "unit": unit}}
    assert (await _json(platform, ada, "sync", status="ok", monitor_config=config))[0] == 202
    await platform.services.adopter.round()
    assert (await ada.get("/jobs/default/sync"))["schedule"] == [schedule]


async def test_a_config_leaves_git_alone(platform: Platform, ada: Person) -> None:
    before = await ada.put_job(schedule="0 2 * * *")
    assert await _json(platform, ada, "hello", status="ok", monitor_config=HOURLY) == (202, "")
    await platform.services.adopter.round()
    after = await ada.get("/jobs/default/hello")
    assert (after["schedule"], after["commit"]) == (["0 2 * * *"], before["commit"])


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, 400),
        ({"status": "missed"}, 400),
        ({"status": ["ok"]}, 400),
        ({"status": "ok", "monitor_config": {}}, 400),
        (
            {
                "status": "ok",
                "monitor_config": {"schedule": {"type": "interval", "value": 1, "unit": ["day"]}},
            },
            400,
        ),
        (
            {
                "status": "ok",
                "monitor_config": {"schedule": {"type": "interval", "value": True, "unit": "day"}},
            },
            400,
        ),
        ({"status": "ok", "monitor_config": HOURLY | {"max_runtime": "long"}}, 400),
        ({"status": "ok", "monitor_config": HOURLY | {"timezone": "Mars/Olympus"}}, 400),
        ({"status": "ok"}, 404),
    ],
)
async def test_what_is_no_check_in_is_refused(
    platform: Platform, ada: Person, told: dict[str, Any], status: int
) -> None:
    answer, text = await _json(platform, ada, "nobody", **told)
    assert (answer, list(json.loads(text))) == (status, ["detail"])


async def test_broken_bodies_are_refused(platform: Platform, ada: Person) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    for body, status in ((b"{", 400), (b"[]", 400), (b"[" * 100_000, 400), (b" " * 200_000, 413)):
        assert (await _cron(platform, ada, "hello", method="POST", content=body, headers=headers))[
            0
        ] == status


def _envelope(*items: dict[str, Any], header: dict[str, Any] | None = None, lengths: bool = False) -> bytes:
    lines = [json.dumps(header if header is not None else {"event_id": "9ec79c33ec9942ab8353589fcb2e04dc"})]
    for item in items:
        payload = json.dumps(item)
        about = {"type": "check_in"} | ({"length": len(payload)} if lengths else {})
        lines += [json.dumps(about), payload]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("lengths", [True, False])
@pytest.mark.parametrize("auth", ["header", "query", "dsn"])
async def test_envelopes(platform: Platform, ada: Person, auth: str, lengths: bool) -> None:
    await ada.put_job()
    key = await tenant_key(ada)
    headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}, sentry_client=x"}
    query = {"sentry_key": key}
    dsn = {"dsn": f"https://{key}@crontopus.test/1"}
    check_in_id = uuid4().hex
    items = [
        {"check_in_id": check_in_id, "monitor_slug": "hello", "status": status, "duration": 2}
        for status in ("in_progress", "error")
    ]
    answer = await platform.client().post(
        "/api/1/envelope/",
        content=_envelope(*items, header=dsn if auth == "dsn" else None, lengths=lengths),
        headers=headers if auth == "header" else {},
        params=query if auth == "query" else {},
    )
    assert answer.status_code == 200
    assert answer.json() == ({} if auth == "dsn" else {"id": "9ec79c33ec9942ab8353589fcb2e04dc"})
    assert [(run["state"], run["duration_seconds"]) for run in await runs(ada)] == [("failure", 2.0)]


async def _post(platform: Platform, person: Person, body: bytes, **headers: str) -> int:
    query = {"sentry_key": await tenant_key(person)}
    answer = await platform.client().post("/api/1/envelope/", content=body, params=query, headers=headers)
    return answer.status_code


async def test_a_compressed_envelope_is_read_and_a_bomb_is_not(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    body = gzip.compress(_envelope({"monitor_slug": "hello", "status": "ok"}))
    assert await _post(platform, ada, body, **{"Content-Encoding": "gzip"}) == 200
    assert len(await runs(ada)) == 1
    assert await _post(platform, ada, gzip.compress(b" " * 20_000_000), **{"Content-Encoding": "gzip"}) == 413
    assert await _post(platform, ada, b"not gzip", **{"Content-Encoding": "gzip"}) == 400
    assert await _post(platform, ada, body, **{"Content-Encoding": "br"}) == 415


async def test_other_items_are_passed_over(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    event = b'{"event_id": "1"}\n{"type": "event", "length": 15}\n{"a": "\n\n{}  "}\n'
    check_in = _envelope({"monitor_slug": "hello", "status": "ok"}).split(b"\n", 1)[1]
    assert await _post(platform, ada, event + check_in) == 200
    assert len(await runs(ada)) == 1


async def test_broken_envelopes_are_refused(platform: Platform, ada: Person) -> None:
    for body in (b"", b"\n", b"[]", b"{}\nno json\n", b'{}\n{"type": "check_in", "length": 9}\n{}x'):
        assert await _post(platform, ada, body) == 400
    assert (await platform.client().post("/api/1/envelope/", content=_envelope())).status_code == 401
    many = _envelope(*({"monitor_slug": "hello", "status": "ok"} for _ in range(101)))
    await ada.put_job()
    assert await _post(platform, ada, many) == 413
