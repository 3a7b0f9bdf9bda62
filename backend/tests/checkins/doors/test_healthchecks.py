"""Healthchecks' protocol: what their clients send, and what they must be answered."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from ...platform import Person, Platform
from .senders import output, runs, tenant_key

_NO_KEY = "A" * 22
NOBODYS = UUID("4f8f38a2-0e51-4d30-9c9e-6f3c1d1c6a0b")


async def test_each_action_gives_the_right_run(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    for action in ("/start", "", "/fail", "/3", "/0", "/255/"):
        answer = await platform.ping(url + action, f"said at {action}")
        assert (answer.status_code, answer.text) == (200, "OK")
        assert answer.headers["ping-body-limit"] == "65536"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "no-cache" in answer.headers["cache-control"]
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    found = await runs(ada)
    assert [(run["state"], run["exit_code"]) for run in found] == [
        ("failure", 255),
        ("success", 0),
        ("failure", 3),
        ("failure", None),
        ("success", None),
    ]
    assert found[-1]["duration_seconds"] is not None
    assert await output(ada, found[2]) == "said at /3"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("form", ["job key", "slug"])
async def test_any_method_pings(platform: Platform, ada: Person, method: str, form: str) -> None:
    job = await ada.put_job()
    url = job["ping_url"] if form == "job key" else f"/ping/{await tenant_key(ada)}/hello"
    answer = await platform.ping(url, method=method)
    assert answer.status_code == 200
    assert answer.text == ("" if method == "HEAD" else "OK")
    assert len(await runs(ada)) == 1


async def test_asking_what_is_allowed_is_no_ping(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    answer = await platform.ping(url, method="OPTIONS")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "POST" in answer.headers["access-control-allow-methods"]
    for method in ("PUT", "DELETE", "PATCH"):
        answer = await platform.ping(url, method=method)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert await runs(ada) == []


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"/ping/{NOBODYS}", 404, "not found"),
        (f"/ping/{_NO_KEY}/hello", 404, "not found"),
        ("/ping/short/hello/start", 404, "not found"),
        ("/ping/", 400, "invalid url format"),
        ("/ping/not-a-key", 400, "invalid url format"),
        (f"/ping/{NOBODYS.hex}", 400, "invalid url format"),
        (f"/ping/{NOBODYS}/256", 400, "invalid url format"),
        (f"/ping/{NOBODYS}/hello", 400, "invalid url format"),
        (f"/ping/{NOBODYS}/hello/start", 400, "invalid url format"),
        (f"/ping/{_NO_KEY}/HELLO", 400, "invalid url format"),
        (f"/ping/{_NO_KEY}/hello/256", 400, "invalid url format"),
        (f"/ping/{_NO_KEY}/hello/done", 400, "invalid url format"),
        (f"/ping/{_NO_KEY}/start", 400, "invalid url format"),
        (f"/ping/{_NO_KEY}/.hello", 400, "invalid url format"),
        (f"/ping/{NOBODYS}?rid=x", 400, "invalid uuid format"),
        (f"/ping/{NOBODYS}?rid=", 400, "invalid uuid format"),
    ],
)
async def test_what_is_no_ping_is_answered_as_healthchecks_does(
    platform: Platform, path: str, status: int, words: str
) -> None:
    answer = await platform.client().get(path)
    assert (answer.status_code, answer.text) == (status, words)


async def test_a_slug_is_a_name_with_or_without_its_namespace(platform: Platform, ada: Person) -> None:
    key = await tenant_key(ada)
    for name in ("default/only", "default/backup", "prod/backup"):
        await ada.put_job(name)
    answers = {
        slug: (await platform.ping(f"/ping/{key}/{slug}")).status_code
        for slug in ("only", "default.only", "prod.only", "backup", "prod.backup", "default.backup/start")
    }
    assert answers == {
        "only": 200,
        "default.only": 200,
        "prod.only": 404,
        "backup": 409,
        "prod.backup": 200,
        "default.backup/start": 200,
    }
    assert (await platform.ping(f"/ping/{key}/backup")).text == "ambiguous slug"
    assert [f"{run['job']['namespace']}/{run['job']['name']}" for run in await runs(ada)] == [
        "default/backup",
        "prod/backup",
        "default/only",
        "default/only",
    ]


async def test_an_underscore_of_a_slug_stands_for_a_hyphen(platform: Platform, ada: Person) -> None:
    await ada.put_job("default/my-backup")
    assert (await platform.ping(f"/ping/{await tenant_key(ada)}/my_backup")).status_code == 200


async def test_jobs_that_endpoints_run_are_not_pinged(platform: Platform, ada: Person) -> None:
    await ada.put_job(command="/bin/true", selector={"hostname": "db1"})
    assert (await platform.ping(f"/ping/{await tenant_key(ada)}/hello")).status_code == 404


async def test_the_name_counts_as_it_is_now(platform: Platform, ada: Person) -> None:
    key = await tenant_key(ada)
    await ada.put_job("default/old")
    assert (await platform.ping(f"/ping/{key}/old")).status_code == 200
    renamed = await ada.api.post(
        "/api/v1/jobs/default/old/rename", json={"namespace": "default", "name": "new"}
    )
    assert renamed.status_code == 200, renamed.text
    assert (await platform.ping(f"/ping/{key}/old")).status_code == 404
    assert (await platform.ping(f"/ping/{key}/new")).status_code == 200
    assert (await ada.api.delete("/api/v1/jobs/default/new")).status_code == 204
    assert (await platform.ping(f"/ping/{key}/new")).status_code == 404


async def test_a_key_opens_its_own_tenant_only(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    eve = await platform.register("eve")
    assert (await platform.ping(f"/ping/{await tenant_key(eve)}/hello")).status_code == 404
    assert await runs(ada) == []


async def test_a_run_id_pairs_start_and_finish_of_overlapping_runs(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    first, second = uuid4(), uuid4()
    for call in (f"/start?rid={first}", f"/start?rid={second}", f"/fail?rid={first}", f"?rid={second}"):
        assert (await platform.ping(url + call)).status_code == 200
    assert sorted(run["state"] for run in await runs(ada)) == ["failure", "success"]


async def test_a_log_belongs_to_the_open_run_and_changes_no_status(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(url + "/start")
    await platform.ping(url + "/log", "half way")
    found = await runs(ada)
    assert [run["state"] for run in found] == ["running"]
    assert await output(ada, found[0]) == "half way"
    assert (await ada.get("/jobs/default/hello"))["state"] == "running"


async def test_of_a_large_body_head_and_tail_are_kept(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(url, "first line\n" + "x" * 1_000_000 + "\nlast line")
    run = (await runs(ada))[0]
    assert run["output"]["total_bytes"] == 1_000_021
    assert run["output"]["truncated"] is True
    kept = await output(ada, run)
    assert kept.startswith("first line\nx")
    assert kept.endswith("x\nlast line")
    assert "\n… 934485 bytes left out …\n" in kept


async def test_what_is_not_utf_8_is_kept_as_it_is(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    said = b"\xff\xfe caf\xe9 \x00"
    answer = await platform.client().post(url, content=said)
    assert answer.status_code == 200
    run = (await runs(ada))[0]
    assert (await ada.api.get(f"/api/v1/runs/{run['id']}/output")).content == said


async def test_a_sender_that_goes_away_has_said_nothing(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    messages = iter(
        [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": url.removeprefix("http://crontopus.test"),
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: object) -> None:
        raise AssertionError(f"nobody is there for {message}")

    await platform.app(scope, receive, send)
    assert await runs(ada) == []


async def test_a_body_may_come_in_pieces(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]

    async def pieces(size: int, count: int) -> AsyncIterator[bytes]:
        for number in range(count):
            yield f"{number:>{size}}".encode()

    for size, count in ((10, 3), (1000, 100), (40_000, 2)):
        answer = await platform.client().post(url, content=pieces(size, count))
        assert answer.status_code == 200
    kept = [await output(ada, run) for run in reversed(await runs(ada))]
    assert kept[0] == f"{0:>10}{1:>10}{2:>10}"
    for text, size, count in ((kept[1], 1000, 100), (kept[2], 40_000, 2)):
        said = "".join(f"{number:>{size}}" for number in range(count))
        left_out = f"\n… {len(said) - 65536} bytes left out …\n"
        assert text == said[:32768] + left_out + said[-32768:]
