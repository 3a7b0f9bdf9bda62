"""`jobs list|get|next-runs|delete`."""

import json

import yaml
from cli_tests.fake_server import FakeServer, job
from cli_tests.running import Crontopus


def test_list_goes_through_all_pages(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.jobs = [job(f"job-{number:03}", "healthy") for number in range(450)]

    names = [item["name"] for item in json.loads(crontopus("jobs", "list", "-o", "json").out)]

    assert names == [f"job-{number:03}" for number in range(450)]
    assert [path for _, path, _ in signed_in.requests] == [
        "/jobs?limit=200",
        "/jobs?limit=200&cursor=200",
        "/jobs?limit=200&cursor=400",
    ]


def test_list_hands_its_filters_to_the_server(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "list", "-n", "production", "--state", "failing", "-q", "a b&c", "-o", "yaml")

    assert [item["name"] for item in yaml.safe_load(result.out)] == ["nightly-backup"]
    assert signed_in.requests[0][1] == "/jobs?namespace=production&state=failing&q=a+b%26c&limit=200"


def test_get_shows_a_bare_name_in_default(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "get", "hello")

    assert result.code == 0
    assert signed_in.requests[0][1] == "/jobs/default/hello"
    assert "State      healthy" in result.out
    assert "0 2 * * * (Europe/London)" in result.out


def test_get_manifest_is_the_file_to_the_byte(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "get", "default/hello", "--manifest")

    assert result.out == "# by hand\nkind: Job\nmetadata:\n  name: hello\n"
    assert signed_in.requests


def test_a_job_that_is_not_there_is_exit_1(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "get", "nope")

    assert (result.code, result.out) == (1, "")
    assert result.err == "Error: there is no job default/nope\n"
    assert signed_in.requests


def test_delete_goes_on_after_a_job_that_is_not_there(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "delete", "nope", "hello", "--yes", "-o", "json")

    assert result.code == 1
    assert json.loads(result.out) == [{"job": "default/hello", "result": "deleted"}]
    assert result.err == "default/nope: there is no job default/nope\n"
    assert [item["name"] for item in signed_in.jobs] == ["nightly-backup"]


def test_delete_does_not_guess_without_a_terminal(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "delete", "hello")

    assert result.code == 2
    assert "--yes" in result.err
    assert signed_in.requests == []


def test_what_the_server_says_cannot_steer_the_terminal(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.jobs[0]["timezone"] = "\x1b]0;owned\x07"

    for arguments in (("jobs", "list"), ("jobs", "get", "hello")):
        out = crontopus(*arguments).out
        assert "\x1b" not in out
        assert "\\x1b]0;owned\\x07" in out


def test_delete_takes_a_message(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert crontopus("jobs", "delete", "hello", "-y", "-m", "not needed").code == 0

    assert signed_in.requests[0][:2] == ("DELETE", "/jobs/default/hello?message=not+needed")


def test_delete_dry_run_is_one_plan_and_misses_what_is_not_there(
    crontopus: Crontopus, signed_in: FakeServer
) -> None:
    result = crontopus("jobs", "delete", "hello", "nope", "--dry-run")

    assert result.code == 1
    assert result.out == "- default/hello\n\n1 removed. Can be applied.\n"
    assert result.err == "default/nope: there is no such job\n"
    assert [path for _, path, _ in signed_in.requests] == ["/jobs:apply?dry_run=true"]
    assert len(signed_in.jobs) == 2

    assert crontopus("jobs", "delete", "hello", "--dry-run").code == 0


def test_next_runs_are_told_in_both_times(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "next-runs", "hello", "--count", "2")

    assert signed_in.requests[0][1] == "/jobs/default/hello/next-runs?count=2"
    lines = result.out.splitlines()
    assert lines[0] == "Schedule  At 07:45 every day, in Asia/Kathmandu"
    assert lines[4].startswith("Mon 2026-11-23 02:00Z  Mon 2026-11-23 07:45+05:45")
    assert lines[-2:] == ["When the clocks change", "  02:30 is skipped on 28 March."]
    assert (
        json.loads(crontopus("jobs", "next-runs", "hello", "-o", "json").out)["timezone"] == "Asia/Kathmandu"
    )
    assert crontopus("jobs", "next-runs", "hello", "--count", "0").code == 2
