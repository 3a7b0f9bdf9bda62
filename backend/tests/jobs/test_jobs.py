"""Definitions: changed by commits, read from the projection, safe against each other."""

import asyncio

import pytest

from ..platform import Person, Platform

YAML = b"""apiVersion: crontopus/v1
kind: Job
metadata:
  name: hello
# why this job exists
spec:
  schedule: "0 2 * * *"
"""


async def _log(platform: Platform, slug: str) -> list[tuple[str, str]]:
    commits = await platform.services.git.history(slug)
    return [(commit.author.name, commit.message.splitlines()[0]) for commit in commits]


async def test_a_change_is_a_commit_by_its_author(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    assert job["yaml"].startswith("apiVersion: crontopus/v1\nkind: Job\n")
    answer = await ada.api.put(
        "/api/v1/jobs/default/hello",
        params={"message": "Run at three"},
        json={"spec": {"schedule": "0 3 * * *"}},
    )
    assert answer.status_code == 200
    assert (await _log(platform, "ada"))[:2] == [("ada", "Run at three"), ("ada", "Add default/hello")]
    assert (await ada.get("/jobs/default/hello"))["schedule"] == ["0 3 * * *"]


async def test_a_yaml_file_is_kept_as_it_was_written(platform: Platform, ada: Person) -> None:
    headers = {"Content-Type": "application/yaml"}
    answer = await ada.api.put("/api/v1/jobs/default/hello", content=YAML, headers=headers)
    assert answer.status_code == 201
    shown = await ada.api.get("/api/v1/jobs/default/hello", headers={"Accept": "application/yaml"})
    assert (shown.content, shown.headers["etag"]) == (YAML, answer.headers["etag"])
    # The same said in JSON is no change, and costs no comment.
    assert (await ada.put_job(schedule="0 2 * * *"))["yaml"] == YAML.decode()


async def test_the_same_again_makes_no_commit(platform: Platform, ada: Person) -> None:
    first = await ada.put_job()
    assert (await ada.put_job())["commit"] == first["commit"]
    assert len(await _log(platform, "ada")) == 2


async def test_what_is_wrong_is_said_with_line_and_hint(platform: Platform, ada: Person) -> None:
    body = YAML.replace(b"schedule:", b"shedule:")
    headers = {"Content-Type": "application/yaml"}
    answer = await ada.api.put("/api/v1/jobs/default/hello", content=body, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_manifest")
    error = next(error for error in problem["errors"] if error["line"] == 7)
    assert "schedule" in error["hint"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"x", "text/html", 415),
        (b"x" * 300_000, "application/yaml", 413),
        (b"\xff", "application/yaml", 422),
    ],
)
async def test_odd_bodies_are_refused(
    platform: Platform, ada: Person, content: bytes, kind: str, status: int
) -> None:
    answer = await ada.api.put("/api/v1/jobs/default/hello", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("name", ["default/../x", ".crontopus/tenant", "default/A", "default/start"])
async def test_an_address_leads_nowhere_else(platform: Platform, ada: Person, name: str) -> None:
    path = name.replace("..", "%2e%2e")
    answer = await ada.api.put(f"/api/v1/jobs/{path}", json={"spec": {"schedule": "@daily"}})
    assert answer.status_code in {404, 405, 422}


async def test_a_stale_etag_is_a_conflict(platform: Platform, ada: Person) -> None:
    etag = (await ada.put_job())["etag"]
    await ada.put_job(schedule="0 3 * * *")
    body = {"spec": {"schedule": "0 4 * * *"}}
    stale = await ada.api.put("/api/v1/jobs/default/hello", json=body, headers={"If-Match": f'"{etag}"'})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_etag")
    exists = await ada.api.put("/api/v1/jobs/default/hello", json=body, headers={"If-None-Match": "*"})
    assert (exists.status_code, exists.json()["code"]) == (409, "already_exists")
    stale = await ada.api.delete("/api/v1/jobs/default/hello", headers={"If-Match": f'"{etag}"'})
    assert stale.status_code == 409


async def test_twenty_writers_lose_nothing(platform: Platform, ada: Person) -> None:
    await asyncio.gather(*(ada.put_job(f"default/job-{index}") for index in range(20)))
    assert len((await ada.get("/jobs"))["items"]) == 20
    assert len(await _log(platform, "ada")) == 21


async def test_twenty_writers_of_one_job_with_one_etag_let_one_win(platform: Platform, ada: Person) -> None:
    etag = (await ada.put_job())["etag"]
    answers = await asyncio.gather(
        *(
            ada.api.put(
                "/api/v1/jobs/default/hello",
                json={"spec": {"schedule": f"{minute} 2 * * *"}},
                headers={"If-Match": f'"{etag}"'},
            )
            for minute in range(1, 21)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19


async def test_a_deleted_job_keeps_its_history_and_may_come_back(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    await platform.ping(job["ping_url"])
    assert (await ada.api.delete("/api/v1/jobs/default/hello")).status_code == 204
    assert (await ada.api.get("/api/v1/jobs/default/hello")).status_code == 404
    assert (await ada.get("/runs"))["items"][0]["job"]["name"] == "hello"
    assert (await platform.ping(job["ping_url"])).status_code == 404
    back = await ada.put_job()
    assert (back["id"], back["ping_url"]) == (job["id"], job["ping_url"])
    assert (await platform.ping(job["ping_url"])).status_code == 200


async def test_jobs_are_paged_and_filtered(platform: Platform, ada: Person) -> None:
    for name in ("a/one", "a/two", "b/one"):
        await ada.put_job(name)
    await platform.ping((await ada.put_job("b/bad"))["ping_url"] + "/fail")
    first = await ada.get("/jobs", limit=3)
    rest = await ada.get("/jobs", limit=3, cursor=first["next_cursor"])
    names = [f"{job['namespace']}/{job['name']}" for job in first["items"] + rest["items"]]
    assert names == ["a/one", "a/two", "b/bad", "b/one"]
    assert [job["name"] for job in (await ada.get("/jobs", state="failing"))["items"]] == ["bad"]
    assert len((await ada.get("/jobs", namespace="a"))["items"]) == 2
    assert len((await ada.get("/jobs", q="on"))["items"]) == 2
    assert (await ada.get("/jobs", q="%"))["items"] == []
    assert (await ada.get("/namespaces"))["items"] == [
        {"name": "a", "jobs": 2},
        {"name": "b", "jobs": 2},
        {"name": "default", "jobs": 0},
    ]


async def test_a_ping_url_is_for_those_who_may_report(platform: Platform, ada: Person) -> None:
    """Whoever has it can report runs, so reading jobs alone does not show it."""
    await ada.put_job()
    made = (
        await ada.api.post("/api/v1/tokens", json={"name": "r", "scopes": ["jobs:read", "runs:read"]})
    ).json()
    enrolment = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    body = {
        "token": enrolment,
        "hostname": "web-1",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "public_key": "A" * 43 + "=",
        "machine_id": "m",
    }
    machine = (await platform.client().post("/api/v1/endpoints/enroll", json=body)).json()
    for token in (made["secret"], machine["token"]):
        answer = await platform.client(token).get("/api/v1/jobs/default/hello")
        assert (answer.status_code, answer.json()["ping_url"]) == (200, None)
    assert (await ada.get("/jobs/default/hello"))["ping_url"].startswith("http://crontopus.test/ping/")


async def test_next_runs_in_both_clocks(platform: Platform, ada: Person) -> None:
    await ada.put_job(schedule="0 12 * * *", timezone="Asia/Kathmandu")
    found = await ada.get("/jobs/default/hello/next-runs", count=2)
    assert [item["at"][10:] for item in found["items"]] == ["T06:15:00.000Z"] * 2
    assert all(item["local"].endswith("T12:00:00+05:45") for item in found["items"])
