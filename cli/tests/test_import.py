"""`import`: what is sent, what is shown, and that nothing is added unasked."""

import base64
import json
from pathlib import Path

import pytest
from cli_tests.fake_changes import NEW_COMMIT, plan
from cli_tests.fake_server import FakeServer
from cli_tests.running import Crontopus, on_terminal

CRONTAB = "MAILTO=x\n\n0 2 * * * /opt/backup.sh\n@reboot /x\n"
PREVIEW = """\
+ production/backup  line 3: 0 2 * * * /opt/backup.sh
    kind: Job
    spec: {}
    Warning: its output is thrown away

Cannot become a job
  line 4: @reboot /x
    has no time (give it one)

Settings
  line 1: MAILTO=x
    nothing

1 job, 1 problem.
"""


@pytest.fixture
def crontab(tmp_path: Path) -> str:
    file = tmp_path / "crontab.txt"
    file.write_text(CRONTAB)
    return str(file)


def test_dry_run_shows_and_does_nothing(crontopus: Crontopus, signed_in: FakeServer, crontab: str) -> None:
    result = crontopus("import", crontab, "--kind", "crontab", "-n", "production", "--dry-run")

    assert (result.code, result.out, result.err) == (0, PREVIEW, "")
    assert [path for _, path, _ in signed_in.requests] == ["/jobs:import?dry_run=true"]


def test_the_file_arrives_byte_for_byte_with_every_option(
    crontopus: Crontopus, signed_in: FakeServer
) -> None:
    result = crontopus(
        "import", "-", "--kind", "system-crontab", "--namespace", "production", "--timezone", "Asia/Tokyo",
        "--label", "role=db", "-l", "a=b", "--hostname", "db-*", "--user", "root", "-m", "hello", "--yes",
        stdin=CRONTAB,
    )  # fmt: skip

    assert result.code == 0, result.err
    assert result.out.splitlines()[1].split() == ["created", "production/backup", NEW_COMMIT[:7]]
    assert result.err == PREVIEW
    assert [path for _, path, _ in signed_in.requests] == ["/jobs:import?dry_run=true", "/jobs:import"]
    assert (
        signed_in.requests[0][2]
        == signed_in.requests[1][2]
        == {
            "kind": "system-crontab",
            "base64": base64.b64encode(CRONTAB.encode()).decode(),
            "namespace": "production",
            "timezone": "Asia/Tokyo",
            "match_labels": {"role": "db", "a": "b"},
            "hostname": "db-*",
            "user": "root",
            "message": "hello",
        }
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_export_of_the_task_scheduler_is_recognised(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path, encoding: str
) -> None:
    data = '<?xml version="1.0"?>\n<Tasks><Task/></Tasks>'.encode(encoding)
    (tmp_path / "tasks.xml").write_bytes(data)

    assert crontopus("import", str(tmp_path / "tasks.xml"), "--dry-run", "-o", "json").code == 0

    body = signed_in.requests[0][2]
    assert isinstance(body, dict)
    assert (body["kind"], base64.b64decode(body["base64"])) == ("task-scheduler", data)


def test_nothing_is_sent_when_kind_or_file_is_unclear(
    crontopus: Crontopus, signed_in: FakeServer, crontab: str, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(b"#" * 1_000_001)

    assert crontopus("import", crontab, "--dry-run").code == 2
    assert crontopus("import", crontab, "--kind", "crontab").code == 2  # no terminal to ask on
    assert crontopus("import", str(tmp_path / "none"), "--kind", "crontab").code == 1
    assert crontopus("import", str(tmp_path / "large"), "--kind", "crontab").code == 1
    assert signed_in.requests == []


def test_it_asks_before_it_adds(signed_in: FakeServer, crontab: str) -> None:
    arguments = ("import", crontab, "--kind", "crontab")

    code, shown = on_terminal(*arguments, columns=80, replies=[("Add 1 job?", "n")])
    assert code == 1
    assert "@reboot /x" in shown
    assert [path for _, path, _ in signed_in.requests] == ["/jobs:import?dry_run=true"]

    code, _ = on_terminal(*arguments, columns=80, replies=[("Add 1 job?", "y")])
    assert code == 0
    assert signed_in.requests[-1][1] == "/jobs:import"


@pytest.mark.parametrize("more", [("--yes",), ("--dry-run",)])
def test_what_would_be_refused_is_not_tried(
    crontopus: Crontopus, signed_in: FakeServer, crontab: str, more: tuple[str, ...]
) -> None:
    error = {"file": "default/backup.yaml", "line": 3, "column": 1, "code": "c", "message": "too often"}
    change = {"action": "added"}
    for answer, said in (
        (plan(), "Nothing in this file can become a job.\n"),
        (plan(change, errors=[error]), "default/backup.yaml:3:1: too often\n"),
    ):
        signed_in.plan = answer
        result = crontopus("import", crontab, "--kind", "crontab", *more)
        assert result.code == 1
        assert said in result.err
    assert {path for _, path, _ in signed_in.requests} == {"/jobs:import?dry_run=true"}


def test_data_is_the_apis_own(crontopus: Crontopus, signed_in: FakeServer, crontab: str) -> None:
    done = json.loads(crontopus("import", crontab, "--kind", "crontab", "-y", "-o", "json").out)

    assert (done["commit"], done["jobs"][0]["path"]) == (NEW_COMMIT, "default/backup.yaml")
    assert len(signed_in.requests) == 2
