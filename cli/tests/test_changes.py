"""`jobs pause|resume|rename|adopt|history|diff|rollback|edit`."""

import json
from pathlib import Path

import pytest
from cli_tests.fake_changes import NEW_COMMIT, OLD_COMMIT
from cli_tests.fake_server import COMMIT, FakeServer
from cli_tests.running import Crontopus, on_terminal


def editor(folder: Path, script: str) -> str:
    file = folder / "editor"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


def test_pause_and_resume_go_on_after_a_job_that_is_not_there(
    crontopus: Crontopus, signed_in: FakeServer
) -> None:
    result = crontopus("jobs", "pause", "nope", "hello", "-m", "for now", "-o", "json")

    assert result.code == 1
    assert json.loads(result.out) == [{"job": "default/hello", "result": "paused", "commit": NEW_COMMIT}]
    assert result.err == "default/nope: there is no job default/nope\n"
    assert signed_in.requests[1] == ("POST", "/jobs/default/hello/pause", {"message": "for now"})

    assert crontopus("jobs", "resume", "hello").out.splitlines()[1].split()[:2] == [
        "resumed",
        "default/hello",
    ]


def test_rename_wants_to_be_told_the_namespace(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert crontopus("jobs", "rename", "hello", "bye").code == 2
    assert signed_in.requests == []

    result = crontopus("jobs", "rename", "hello", "production/bye")

    assert result.out.splitlines()[1].split() == ["renamed", "production/bye", NEW_COMMIT[:7]]
    assert signed_in.requests[-1] == (
        "POST",
        "/jobs/default/hello/rename?dry_run=false",
        {"namespace": "production", "name": "bye", "message": None},
    )


def test_adopt_moves_out_of_discovered(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.jobs[0]["namespace"] = "discovered"

    assert crontopus("jobs", "adopt", "discovered/hello", "--as", "production/hi").code == 0
    adopt = crontopus("jobs", "adopt", "hello", "--dry-run", "--command", "/opt/in-full")
    assert adopt.out == "Nothing would change. Can be applied.\n"

    assert [(path, body) for _, path, body in signed_in.requests] == [
        (
            "/jobs/discovered/hello/adopt?dry_run=false",
            {"namespace": "production", "name": "hi", "message": None},
        ),
        (
            "/jobs/discovered/hello/adopt?dry_run=true",
            {"namespace": "default", "name": "hello", "message": None, "command": "/opt/in-full"},
        ),
    ]


def test_history_is_newest_first_with_one_line_of_the_message(
    crontopus: Crontopus, signed_in: FakeServer
) -> None:
    lines = crontopus("jobs", "history", "hello").out.splitlines()

    assert lines[1].split()[:2] == [COMMIT[:10], "renamed"]
    assert "Later" in lines[1]
    assert "because" not in lines[1]
    assert signed_in.requests[0][1] == "/jobs/default/hello/history?limit=51"


def test_diff_takes_the_beginning_of_a_commit(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "diff", "hello", "--from", OLD_COMMIT[:6].upper(), "--to", COMMIT)

    assert result.code == 0
    assert result.out.startswith("--- a/default/hello.yaml\n")
    assert "\x1b" not in result.out
    assert "\\u202e2" in result.out
    assert signed_in.requests[-1][1] == f"/jobs/default/hello/diff?from={OLD_COMMIT}&to={COMMIT}"


@pytest.mark.parametrize(
    ("commit", "code", "said"),
    [
        ("main", 2, "is not a commit"),
        ("abc", 2, "is not a commit"),
        ("abcd", 1, "is no commit of default/hello"),
        ("9f8e", 1, "is more than one commit of default/hello"),
    ],
)
def test_a_commit_that_is_none_is_told_apart_from_one_that_is_unclear(
    crontopus: Crontopus, signed_in: FakeServer, commit: str, code: int, said: str
) -> None:
    for arguments in (("diff", "hello", "--to", commit), ("rollback", "hello", commit)):
        result = crontopus("jobs", *arguments)
        assert (result.code, result.out) == (code, "")
        assert said in result.err
    assert all("history" in path for _, path, _ in signed_in.requests)


def test_diff_is_coloured_on_a_terminal_and_empty_where_nothing_differs(
    crontopus: Crontopus, signed_in: FakeServer
) -> None:
    _, shown = on_terminal("jobs", "diff", "hello", columns=80)
    assert "\x1b[31m-a: 1\x1b[0m\n" in shown

    same = crontopus("jobs", "diff", "hello", "--from", COMMIT)
    assert (same.code, same.out, same.err) == (0, "", "Nothing differs.\n")


def test_rollback_names_the_whole_commit(crontopus: Crontopus, signed_in: FakeServer) -> None:
    result = crontopus("jobs", "rollback", "hello", OLD_COMMIT[:7], "-m", "back")

    assert result.out.splitlines()[1].split() == ["rolled", "back", "default/hello", NEW_COMMIT[:7]]
    assert signed_in.requests[-1] == (
        "POST",
        "/jobs/default/hello/rollback?dry_run=false",
        {"commit": OLD_COMMIT, "message": "back"},
    )
    assert crontopus("jobs", "rollback", "hello", OLD_COMMIT, "--dry-run").code == 0
    assert signed_in.requests[-1][1] == "/jobs/default/hello/rollback?dry_run=true"


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "drafts"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("VISUAL", raising=False)
    return folder


def test_edit_sends_what_was_saved(
    crontopus: Crontopus, signed_in: FakeServer, drafts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = editor(drafts.parent, 'echo "# $2" >> "$2"')
    monkeypatch.setenv("EDITOR", f"{script} --wait")

    result = crontopus("jobs", "edit", "hello", "-m", "by hand")

    assert result.code == 0, result.err
    method, path, text = signed_in.requests[-1]
    assert (method, path) == ("PUT", "/jobs/default/hello?message=by+hand")
    assert str(text).startswith("# by hand\nkind: Job\n")
    assert str(text).endswith("/hello.yaml\n")
    assert list(drafts.iterdir()) == []


def test_edit_without_a_change_does_nothing(
    crontopus: Crontopus, signed_in: FakeServer, drafts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", "true")

    result = crontopus("jobs", "edit", "hello")

    assert (result.code, result.out, result.err) == (0, "", "Nothing changed.\n")
    assert [method for method, _, _ in signed_in.requests] == ["GET"]
    assert list(drafts.iterdir()) == []


@pytest.mark.parametrize("wanted", ["false", "/nonexistent", "'"])
def test_an_editor_that_fails_changes_nothing(
    crontopus: Crontopus, signed_in: FakeServer, drafts: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setenv("EDITOR", wanted)

    result = crontopus("jobs", "edit", "hello")

    assert (result.code, result.out) == (1, "")
    assert "editor" in result.err
    assert [method for method, _, _ in signed_in.requests] == ["GET"]
    assert list(drafts.iterdir()) == []


def test_what_is_refused_can_be_edited_again_or_is_kept(
    crontopus: Crontopus, signed_in: FakeServer, drafts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'grep -q schedul: "$1" && sed -i s/schedul:/schedule:/ "$1" || echo "schedul: x" >> "$1"'
    monkeypatch.setenv("EDITOR", editor(drafts.parent, script))

    code, shown = on_terminal("jobs", "edit", "hello", columns=80, replies=[("again?", "y")])
    assert code == 0, shown
    assert "hello.yaml:5:3: unknown key 'schedul'" in shown
    assert str(signed_in.requests[-1][2]).endswith("schedule: x\n")
    assert list(drafts.iterdir()) == []

    given_up = crontopus("jobs", "edit", "hello")
    assert given_up.code == 1
    (draft,) = drafts.glob("*/hello.yaml")
    assert draft.read_text().endswith("schedul: x\n")
    assert f"Your version is kept in {draft}" in given_up.err
