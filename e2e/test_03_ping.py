"""Ping mode: anything that can do an HTTP request reports its runs."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from harness.narrative import Story
from harness.stack import Stack
from harness.tenant import Tenant, ping
from harness.waiting import Stopwatch, eventually

Register = Callable[[str], Tenant]
JOB = "default/hello"


def the_run(tenant: Tenant, state: str) -> dict[str, Any]:
    """The job's one run in that state, once it is there."""

    def found() -> dict[str, Any] | None:
        runs = [run for run in tenant.runs(JOB) if run["state"] == state]
        assert len(runs) <= 1, runs
        return runs[0] if runs else None

    return eventually(found, f"a run in state {state}", within=5)


def test_pings_make_runs(register: Register, story: Story) -> None:
    """curl of the ping URL: start, success, failure and exit code are runs"""
    tenant = register("pinger")
    url = tenant.put_job(JOB, {"schedule": "0 3 * * *"})["ping_url"]

    watch = Stopwatch()
    assert ping(url, "start").text == "OK"
    running = the_run(tenant, "running")
    story.took("/start → running", watch.seconds)
    assert running["exit_code"] is None
    assert running["finished_at"] is None

    watch = Stopwatch()
    answer = ping(url, body="42 rows copied\n")
    done = the_run(tenant, "success")
    story.took("bare → success", watch.seconds)
    assert (answer.status_code, answer.text) == (200, "OK")
    assert int(answer.headers["Ping-Body-Limit"]) > 0
    assert done["id"] == running["id"], "the success closes the run that /start opened"
    assert done["duration_seconds"] is not None
    assert done["duration_seconds"] >= 0
    output = tenant.api.get(f"/runs/{done['id']}/output")
    assert output.text == "42 rows copied\n"
    assert output.headers["content-type"] == "text/plain; charset=utf-8"

    assert ping(url, "fail").text == "OK"
    failed = the_run(tenant, "failure")
    assert failed["exit_code"] is None
    story.tell("/fail → failure")

    assert ping(url, "3").text == "OK"
    codes = eventually(
        lambda: [run["exit_code"] for run in tenant.runs(JOB, state="failure") if run["exit_code"]],
        "the run with exit code 3",
        within=5,
    )
    story.tell(f"/3 → failure, exit code {codes[0]}")
    assert codes == [3]
    assert len(tenant.runs(JOB)) == 3
    assert tenant.get(f"/jobs/{JOB}")["state"] == "failing"


def test_overlapping_runs_are_told_apart(register: Register, story: Story) -> None:
    """?rid= tells overlapping runs apart"""
    tenant = register("overlap")
    url = tenant.put_job(JOB, {"schedule": "0 3 * * *"})["ping_url"]
    first, second = str(uuid4()), str(uuid4())

    for rid in (first, second):
        ping(url, "start", rid=rid)
    ping(url, rid=second)
    ping(url, "7", rid=first)

    runs = eventually(
        lambda: (found := tenant.runs(JOB)) and all(run["finished_at"] for run in found) and found,
        "both runs have ended",
        within=5,
    )
    story.tell(", ".join(f"{run['state']} (exit code {run['exit_code']})" for run in runs))
    assert sorted(run["state"] for run in runs) == ["failure", "success"]


def test_unknown_keys_and_malformed_urls(stack: Stack, story: Story) -> None:
    """An unknown key is 404, a malformed address 400"""
    answers = {
        path: ping(f"{stack.url}/ping/{path}")
        for path in (str(uuid4()), f"{uuid4()}/start", f"{uuid4()}/999", "nonsense")
    }
    for path, answer in answers.items():
        story.tell(f"/ping/{path[:8]}…{path[36:]} → {answer.status_code} {answer.text}")
    assert [answer.status_code for answer in answers.values()] == [404, 404, 400, 400]
    assert [answer.text for answer in answers.values()][:2] == ["not found", "not found"]
