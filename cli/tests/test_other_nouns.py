"""`runs`, `incidents`, `endpoints`, `enroll-token`, `tokens`, `namespaces`, `documents` and `repo show|signers`."""

import json
from datetime import UTC, datetime

import pytest
from cli_tests.fake_server import FakeServer
from cli_tests.running import Crontopus

from crontopus_cli import words
from crontopus_cli.errors import UsageError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "now", lambda: NOW)


def test_runs_list_shows_outcome_and_exit_code(crontopus: Crontopus, signed_in: FakeServer) -> None:
    lines = crontopus("runs", "list").out.splitlines()

    assert lines[0].split() == ["JOB", "STATE", "STARTED", "TOOK", "ENDPOINT", "SOURCE", "ID", "MESSAGE"]
    assert lines[1].split()[:5] == ["default/hello", "success", "34h", "ago", "0.7s"]
    assert lines[2].split()[:3] == ["default/hello", "failure", "(1)"]
    assert signed_in.requests[0][1] == "/runs?limit=51"


def test_runs_list_hands_its_filters_to_the_server(crontopus: Crontopus, signed_in: FakeServer) -> None:
    crontopus(
        "runs", "list", "-j", "hello", "--since", "2h", "--until", "2026-11-22T11:00:00+01:00", "--limit", "5"
    )

    assert signed_in.requests[0][1] == (
        "/runs?job=default%2Fhello&since=2026-11-22T10%3A00%3A00Z&until=2026-11-22T10%3A00%3A00Z&limit=6"
    )


def test_runs_output_of_a_job_is_that_of_its_newest_run(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("runs", "output", "default/hello", "-o", "json")

    newest = signed_in.runs[0]["id"]
    assert json.loads(result.out) == {"id": newest, "output": "héllo\x1b]0;title\x07 \x1b[32mgreen\x1b[0m"}
    assert signed_in.requests[0][1] == "/runs?job=default%2Fhello&limit=1"


def test_runs_output_without_output_is_exit_1(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert crontopus("runs", "output", "no-such-run").err == "Error: this run kept no output\n"

    signed_in.runs = []
    assert crontopus("runs", "output", "default/hello").code == 1


def test_runs_export_prints_the_file_as_it_comes(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("runs", "export", "-l", "team=db", "-l", "tier=1", "--state", "failure")

    assert result.out.splitlines() == ["id", *(run["id"] for run in signed_in.runs)]
    assert signed_in.requests[0][1] == "/runs?format=csv&label=team%3Ddb&label=tier%3D1&state=failure"


def test_runs_output_follows_bytes_to_the_end(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("runs", "output", "default/hello", "--follow")

    assert result.out == "hé one\nagain\\x07"
    assert result.err == "the output begins again\n"
    assert signed_in.requests[1][1] == f"/runs/{signed_in.runs[0]['id']}/output/tail"


def test_what_is_odd_about_a_job_is_told_with_it(crontopus: Crontopus, signed_in: FakeServer) -> None:
    warning = {"code": "slow", "message": "It took 3 h, usually 10 m.", "at": "2026-11-22T11:00:00Z"}
    odd = [
        {"endpoint": {"id": "e", "name": "db-1"}, "warnings": [warning]},
        {"endpoint": None, "warnings": []},
    ]
    signed_in.jobs[0]["instances_list"] = odd

    lines = crontopus("jobs", "get", "default/hello").out.splitlines()

    assert "Odd        It took 3 h, usually 10 m. (60m ago, on db-1)" in lines


def test_incidents_are_the_open_ones_unless_asked(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert "production/nightly-backup did not run at 02:00" in crontopus("incidents", "list").out
    crontopus("incidents", "list", "--state", "all")

    assert [path for _, path, _ in signed_in.requests] == [
        "/incidents?state=open&limit=51",
        "/incidents?limit=51",
    ]


def test_endpoints_that_lag_behind_are_marked(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.endpoints[0]["fetched_commit"] = "ffffff"

    line = crontopus("endpoints", "list").out.splitlines()[1]

    assert line.split()[:2] == ["db-1", "online"]
    assert "1a2b3c4 (behind)" in line


def test_enroll_token_prints_only_the_command_to_run(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("enroll-token", "create", "--uses", "3", "--expires-in", "1h30m", "-l", "role=db")

    assert result.out == f"crontopus-agent enroll --server {signed_in.url} --token ctp_enr_abc\n"
    assert "shown once, for 3 machines, valid 1h30m" in result.err
    assert signed_in.requests[0][2] == {"uses": 3, "expires_in_seconds": 5400, "labels": {"role": "db"}}


def test_tokens_create_prints_only_the_secret(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("tokens", "create", "ci", "-s", "jobs:read", "--expires-in", "30d")

    assert result.out == "ctp_user_new\n"
    assert signed_in.requests[0][2] == {
        "name": "ci",
        "scopes": ["jobs:read"],
        "expires_in_seconds": 2_592_000,
    }


def test_tokens_list_and_revoke(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert "never" in crontopus("tokens", "list").out

    result = crontopus("tokens", "revoke", "nope", "tk1")

    assert result.code == 1
    assert result.out.splitlines()[1].split() == ["revoked", "tk1"]
    assert result.err == "nope: there is no such token\n"
    assert signed_in.requests[-1][:2] == ("DELETE", "/tokens/tk1")


def test_namespaces_are_listed_added_and_removed(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert crontopus("namespaces", "list").out.split() == [
        "NAMESPACE",
        "JOBS",
        "default",
        "1",
        "production",
        "1",
    ]
    assert crontopus("namespaces", "add", "new").out.splitlines()[1].split() == ["created", "new"]
    assert crontopus("namespaces", "add", "default").code == 1
    assert crontopus("namespaces", "remove", "empty", "-o", "json").code == 0
    refused = crontopus("namespaces", "remove", "production")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "Error: production is not empty\n  → move its jobs first\n"
    assert signed_in.requests[1] == ("POST", "/namespaces", {"name": "new"})


def test_documents_are_listed_by_kind(crontopus: Crontopus, signed_in: FakeServer) -> None:
    policy = crontopus("documents", "list").out.splitlines()[1].split()
    assert policy[:2] + policy[-1:] == ["Policy", "sane", ".crontopus/policies/sane.yaml"]
    assert json.loads(crontopus("documents", "list", "--kind", "AlertRoute", "-o", "json").out) == []
    assert signed_in.requests[1][1] == "/documents?kind=AlertRoute&limit=200"


def test_repo_show_names_what_is_not_in_force(crontopus: Crontopus, signed_in: FakeServer) -> None:
    out = crontopus("repo", "show").out

    assert "Jobs       2 of 100\n" in out
    assert "Invalid 1  default/bad.yaml:2:1: is wrong\n" in out
    assert signed_in.requests[0][1] == "/repository"


def test_repo_signers_is_the_file_itself(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert crontopus("repo", "signers").out == 'crontopus namespaces="git" ssh-ed25519 AAAA\n'
    assert signed_in.requests


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("7d", 604_800)]
)
def test_durations(text: str, seconds: int) -> None:
    assert words.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1y", "1.5h", "-1h", "1h 30m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError):
        words.seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0s"),
        (0.734, "0.7s"),
        (9.96, "10s"),
        (42, "42s"),
        (200.1, "3m20s"),
        (600, "10m"),
        (3600, "60m"),
        (7200, "2h"),
        (86_400, "24h"),
        (86_400 * 12, "12d"),
        (None, ""),
    ],
)
def test_spans(seconds: float | None, shown: str) -> None:
    assert words.span(seconds) == shown
