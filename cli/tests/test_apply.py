"""`jobs apply`: reading files and directories, one commit for all of them, and errors by file, line and column."""

import json
from pathlib import Path

import pytest
from cli_tests.fake_changes import NEW_COMMIT
from cli_tests.fake_server import FakeServer
from cli_tests.running import Crontopus

GOOD = "apiVersion: crontopus/v1\nkind: Job\nmetadata:\n  name: {name}\nspec:\n  schedule: '* * * * *'\n"
BAD = GOOD.replace("schedule:", "schedul:")


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def sent(server: FakeServer) -> dict[str, str]:
    """What the last request wanted the files to be."""
    _, _, body = server.requests[-1]
    assert isinstance(body, dict)
    return {file["path"]: file["content"] for file in body["files"]}


def test_many_files_are_one_commit(crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path) -> None:
    new = "# why: because\n" + GOOD.format(name="'on'") + "\n"
    files = [
        write(tmp_path / "a.yaml", new),
        write(tmp_path / "b.yaml", GOOD.format(name="hello")),
        write(tmp_path / "c.yaml", "# unchanged\n" + GOOD.format(name="c")),
    ]

    result = crontopus("jobs", "apply", "-f", *files, "-m", "first try", "-o", "json")

    assert (result.code, result.err) == (0, "")
    assert [request[:2] for request in signed_in.requests] == [
        ("POST", "/jobs:apply?dry_run=true"),
        ("POST", "/jobs:apply"),
    ]
    assert sent(signed_in)["default/on.yaml"] == new
    assert signed_in.requests[-1][2]["message"] == "first try"  # type: ignore[index]
    assert json.loads(result.out) == [
        {"file": file, "path": f"default/{name}.yaml", "result": what, "commit": NEW_COMMIT}
        for file, name, what in zip(
            files, ["on", "hello", "c"], ["created", "changed", "unchanged"], strict=True
        )
    ]


def test_standard_input_is_a_file_like_others(crontopus: Crontopus, signed_in: FakeServer) -> None:
    manifest = GOOD.format(name="hello")
    result = crontopus("jobs", "apply", "-f", "-", stdin=manifest)

    assert result.code == 0, result.err
    assert result.out.splitlines()[1].split() == ["changed", "default/hello", NEW_COMMIT[:7], "<stdin>"]
    assert sent(signed_in) == {"default/hello.yaml": manifest}


def test_a_file_itself_says_where_it_goes(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path
) -> None:
    own = write(tmp_path / "own.yaml", "metadata: {name: a, namespace: production}\n")
    none = write(tmp_path / "none.yaml", "metadata: {name: b}\n")
    policy = write(tmp_path / "policy.yaml", "kind: Policy\nmetadata: {name: c}\n")

    assert crontopus("jobs", "apply", "-n", "staging", "-f", own, none, policy).code == 0

    assert list(sent(signed_in)) == ["production/a.yaml", "staging/b.yaml", ".crontopus/policies/c.yaml"]


def test_a_directory_is_taken_as_a_repository(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path
) -> None:
    root = tmp_path / "jobs"
    for path in (
        "production/b.yaml",
        "default/a.yaml",
        ".crontopus/policies/p.yaml",
        "misplaced.yml",
        "notes.txt",
        ".git/x.yaml",
        ".github/workflows/ci.yaml",
        "default/.hidden.yaml",
        ".crontopus/tenant.yaml",
    ):
        write(root / path, f"# {path}: the name in it is for the server to judge\n")

    result = crontopus("jobs", "apply", "-n", "staging", "-f", str(root))

    assert result.code == 0, result.err
    assert list(sent(signed_in)) == [
        ".crontopus/policies/p.yaml",
        "default/a.yaml",
        "misplaced.yml",
        "production/b.yaml",
    ]


def test_an_empty_directory_and_a_place_named_twice_are_mistakes(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path
) -> None:
    one = write(tmp_path / "jobs/default/a.yaml", GOOD.format(name="a"))
    (tmp_path / "empty").mkdir()

    assert crontopus("jobs", "apply", "-f", str(tmp_path / "empty")).code == 2
    twice = crontopus("jobs", "apply", "-f", one, str(tmp_path / "jobs"))

    assert twice.code == 2
    assert "both are default/a.yaml" in twice.err
    assert signed_in.requests == []


def test_the_servers_findings_name_the_files_here_and_nothing_is_changed(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path
) -> None:
    bad = write(tmp_path / "bad.yaml", BAD.format(name="bad"))
    good = write(tmp_path / "good.yaml", GOOD.format(name="good"))

    result = crontopus("jobs", "apply", "-f", bad, "-f", good)

    assert (result.code, result.out) == (1, "")
    assert (
        result.err == f"{bad}:6:3: unknown key 'schedul' (did you mean 'schedule'?)\nNothing was applied.\n"
    )
    assert [path for _, path, _ in signed_in.requests] == ["/jobs:apply?dry_run=true"]


def test_dry_run_shows_the_plan_and_whether_it_would_do(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path
) -> None:
    bad = write(tmp_path / "bad.yaml", BAD.format(name="bad"))
    good = write(tmp_path / "good.yaml", GOOD.format(name="good"))

    fine = crontopus("jobs", "apply", "-f", good, "--dry-run")
    assert (fine.code, fine.out) == (0, "+ default/good\n\n1 added. Can be applied.\n")

    refused = crontopus("jobs", "apply", "-f", good, bad, "--dry-run")
    assert refused.code == 1
    assert f"  {bad}:6:3: unknown key 'schedul' (did you mean 'schedule'?)\n" in refused.out
    assert refused.out.endswith("\n2 added. Would be refused: 1 error.\n")
    assert {path for _, path, _ in signed_in.requests} == {"/jobs:apply?dry_run=true"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("metadata: {name: a}\nspec: [", "2:8: "),
        ("a: b: c\n", "1:5: "),
        ("kind: Job\n", "1:1: the manifest has no metadata"),
        ("metadata:\n  labels: {}\n", "2:3: metadata has no name"),
        ("metadata: {name: [a]}\n", "1:18: name must be text"),
        ("metadata: {name: a/b}\n", "1:18: a name has no slash"),
        ("metadata: {name: a}\n---\nmetadata: {name: b}\n", "2:1: a second document begins here"),
        ("", "1:1: the file holds no manifest"),
        ("\x00", " "),
        ("[" * 5000, " "),
    ],
)
def test_what_is_unreadable_is_found_before_anything_is_sent(
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
def test_what_is_not_a_manifests_text_is_refused(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "jobs/default").mkdir(parents=True)
    (tmp_path / "jobs/default/bad.yaml").write_bytes(content)

    assert crontopus("jobs", "apply", "-f", str(tmp_path / "jobs/default/bad.yaml")).code == 1
    assert crontopus("jobs", "apply", "-f", str(tmp_path / "jobs")).code == 1
    assert crontopus("jobs", "apply", "-f", str(tmp_path / "missing.yaml")).code == 1
    assert signed_in.requests == []
