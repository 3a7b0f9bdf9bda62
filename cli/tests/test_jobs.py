"""`jobs`: reading manifests, applying them, and errors that name file, line and column."""

import json
from pathlib import Path

import pytest
import yaml
from cli_tests.fake_server import FakeServer, job
from cli_tests.running import Crontopus

GOOD = "apiVersion: crontopus/v1\nkind: Job\nmetadata:\n  name: {name}\nspec:\n  schedule: '* * * * *'\n"


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


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


def test_apply_sends_the_text_as_it_is(crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path) -> None:
    text = "# why: because\n" + GOOD.format(name="'on'")
    result = crontopus(
        "jobs", "apply", "-f", write(tmp_path / "a.yaml", text), "-m", "first try", "-o", "json"
    )

    assert result.code == 0, result.err
    assert signed_in.requests == [("PUT", "/jobs/default/on?message=first+try", text)]
    assert json.loads(result.out)[0] | {"file": ""} == {
        "file": "",
        "job": "default/on",
        "result": "created",
        "commit": "1a2b3c4d5e6f708192a3b4c5d6e7f80919a2b3c4",
        "path": "default/on.yaml",
        "ping_url": None,
    }


def test_apply_reads_standard_input_and_says_what_it_did(crontopus: Crontopus, signed_in: FakeServer) -> None:
    manifest = GOOD.format(name="hello")
    result = crontopus("jobs", "apply", "-f", "-", stdin=manifest)

    assert result.code == 0, result.err
    assert result.out.splitlines()[1].split() == ["applied", "default/hello", "1a2b3c4", "<stdin>"]
    assert signed_in.requests[0][2] == manifest


def test_apply_takes_the_namespace_of_the_file_before_that_of_the_option(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path
) -> None:
    own = write(tmp_path / "own.yaml", "metadata: {name: a, namespace: production}\n")
    none = write(tmp_path / "none.yaml", "metadata: {name: b}\n")

    assert crontopus("jobs", "apply", "-n", "staging", "-f", own, none).code == 0

    assert [path for _, path, _ in signed_in.requests] == ["/jobs/production/a", "/jobs/staging/b"]


def test_apply_tells_the_servers_findings_as_file_line_column(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path
) -> None:
    bad = write(tmp_path / "bad.yaml", GOOD.format(name="bad").replace("schedule:", "schedul:"))
    good = write(tmp_path / "good.yaml", GOOD.format(name="good"))

    result = crontopus("jobs", "apply", "-f", bad, "-f", good)

    assert result.code == 1
    assert result.err == f"{bad}:6:3: unknown key 'schedul' (did you mean 'schedule'?)\n"
    assert "default/good" in result.out
    assert "bad" not in result.out
    assert len(signed_in.requests) == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("metadata: {name: a}\nspec: [", "2:8: "),
        ("a: b: c\n", "1:5: "),
        ("kind: Job\n", "1:1: the manifest has no metadata"),
        ("metadata:\n  labels: {}\n", "2:3: metadata has no name"),
        ("metadata: {name: [a]}\n", "1:18: name must be text"),
        ("kind: Policy\nmetadata: {name: a}\n", "1:7: kind Policy is not applied"),
        ("metadata: {name: a}\n---\nmetadata: {name: b}\n", "2:1: a second document begins here"),
        ("", "1:1: the file holds no manifest"),
        ("\x00", " "),
        ("[" * 5000, " "),
    ],
)
def test_apply_finds_what_is_unreadable_before_it_sends_anything(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path, text: str, complaint: str
) -> None:
    good = write(tmp_path / "good.yaml", GOOD.format(name="good"))
    bad = write(tmp_path / "bad.yaml", text)

    result = crontopus("jobs", "apply", "-f", good, "-f", bad)

    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"{bad}:{complaint}")
    assert result.err.endswith("\nNothing was applied.\n")
    assert result.err.count("\n") == 2
    assert signed_in.requests == []


@pytest.mark.parametrize("content", [b"metadata: {name: \xff}\n", b"#" * (1024 * 1024 + 1)])
def test_apply_refuses_what_is_not_a_manifests_text(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)

    assert crontopus("jobs", "apply", "-f", str(tmp_path / "bad.yaml")).code == 1
    assert crontopus("jobs", "apply", "-f", str(tmp_path / "missing.yaml")).code == 1
    assert crontopus("jobs", "apply", "-f", str(tmp_path)).code == 1
    assert signed_in.requests == []


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
