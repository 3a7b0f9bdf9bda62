"""The main commands against the real service: what the fake server cannot know, the shapes and rules of the API."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_tests.real_server import Ok
from cli_tests.running import Crontopus, script

JOB = "apiVersion: crontopus/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec:\n  schedule: {schedule}\n"


def write(root: Path, **jobs: str) -> str:
    """A directory laid out like a repository; `ns__name=schedule`."""
    for key, schedule in jobs.items():
        namespace, _, name = key.partition("__")
        (root / namespace).mkdir(parents=True, exist_ok=True)
        (root / namespace / f"{name}.yaml").write_text(JOB.format(name=name, schedule=schedule))
    return str(root)


def commits(ok: Ok, job: str) -> list[dict[str, str]]:
    found = ok.data("jobs", "history", job)
    assert isinstance(found, list)
    return found


def test_apply_is_all_or_none(ok: Ok, crontopus: Crontopus, tmp_path: Path) -> None:
    root = write(tmp_path, production__report="0 2 * * *", staging__report="0 3 * * *")
    planned = ok("jobs", "apply", "-f", root, "--dry-run")
    assert planned.startswith("+ production/report\n    schedule: At 02:00 every day")
    assert ok.data("jobs", "list") == []

    assert "created" in ok("jobs", "apply", "-f", root, "-m", "both")
    assert "unchanged" in ok("jobs", "apply", "-f", root)
    both = [commits(ok, "production/report"), commits(ok, "staging/report")]
    assert both[0][0]["commit"] == both[1][0]["commit"]
    assert [len(each) for each in both] == [1, 1]

    write(tmp_path, production__report="0 25 * * *", staging__report="0 4 * * *")
    refused = crontopus("jobs", "apply", "-f", root)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"{root}/production/report.yaml:5:")
    assert refused.err.endswith("Nothing was applied.\n")
    assert len(commits(ok, "staging/report")) == 1


def test_apply_keeps_every_byte(ok: Ok) -> None:
    text = "\n# a line above, and one below\n" + JOB.format(name="a", schedule="0 2 * * *") + "\n"
    ok("jobs", "apply", "-f", "-", stdin=text)

    assert ok("jobs", "get", "a", "--manifest") == text


def test_versions_and_moves(ok: Ok, tmp_path: Path) -> None:
    root = write(tmp_path, default__a="0 2 * * *")
    ok("jobs", "apply", "-f", root, "-m", "first")
    ok("jobs", "apply", "-f", write(tmp_path, default__a="0 3 * * *"), "-m", "second")
    newest, oldest = commits(ok, "a")
    assert (newest["message"], oldest["message"]) == ("second", "first")

    difference = ok("jobs", "diff", "a", "--from", oldest["commit"][:8])
    assert "-  schedule: 0 2 * * *\n+  schedule: 0 3 * * *\n" in difference
    assert "spec.schedule" in ok("jobs", "rollback", "a", oldest["commit"][:8], "--dry-run")
    ok("jobs", "rollback", "a", oldest["commit"][:8])
    assert "schedule: 0 2 * * *" in ok("jobs", "get", "a", "--manifest")

    assert "→ default/a → production/b\n" in ok("jobs", "rename", "a", "production/b", "--dry-run")
    ok("jobs", "rename", "a", "production/b")
    assert [commit["action"] for commit in commits(ok, "production/b")] == [
        "renamed",
        "changed",
        "changed",
        "created",
    ]
    ok("jobs", "pause", "production/b", "-m", "for now")
    assert "State      paused" in ok("jobs", "get", "production/b")
    ok("jobs", "resume", "production/b")

    assert "- production/b\n" in ok("jobs", "delete", "production/b", "--dry-run")
    ok("jobs", "delete", "production/b", "--yes")
    assert ok.data("jobs", "list") == []
    ok("jobs", "rollback", "production/b", commits(ok, "production/b")[1]["commit"])
    assert "At 02:00 every day" in ok("jobs", "next-runs", "production/b", "--count", "1")


def test_edit_overwrites_nobody(
    ok: Ok, crontopus: Crontopus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    ok("jobs", "apply", "-f", "-", stdin=JOB.format(name="a", schedule="0 2 * * *"))
    monkeypatch.setenv("EDITOR", "sed -i 's/0 2/0 3/'")
    ok("jobs", "edit", "a")
    assert "schedule: 0 3 * * *" in ok("jobs", "get", "a", "--manifest")

    meanwhile = f"{sys.executable} -m crontopus_cli jobs pause a"
    (tmp_path / "editor").write_text(f'#!/bin/sh\n{meanwhile} >&2 && sed -i "s/0 3/0 4/" "$1"\n')
    (tmp_path / "editor").chmod(0o755)
    monkeypatch.setenv("EDITOR", str(tmp_path / "editor"))
    stale = crontopus("jobs", "edit", "a")
    assert (stale.code, stale.out) == (1, "")
    assert "The job was changed since you fetched it." in stale.err
    assert "schedule: 0 3 * * *" in ok("jobs", "get", "a", "--manifest")
    (draft,) = tmp_path.glob("*/a.yaml")
    assert "schedule: 0 4 * * *" in draft.read_text()


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_plan_of_a_branch(
    ok: Ok, crontopus: Crontopus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok("jobs", "apply", "-f", write(tmp_path / "first", default__a="0 2 * * *"))
    assert (
        script("repo", "clone", str(tmp_path / "clone")).code == 0
    )  # git writes to the process's own stderr
    monkeypatch.chdir(tmp_path / "clone")
    Path("signers").write_text(ok("repo", "signers"))
    git("-c", "gpg.ssh.allowedSignersFile=signers", "verify-commit", "HEAD")

    git("switch", "-qc", "feature/x")
    write(Path(), default__b="0 3 * * *")
    git("add", "default")
    git("commit", "-qm", "Add b")
    git("push", "-qu", "origin", "feature/x")
    assert ok("plan").startswith("+ default/b\n")

    Path("default/b.yaml").write_text(JOB.format(name="b", schedule="0 3 * *"))
    git("commit", "-qam", "Break b")
    git("push", "-q")
    refused = crontopus("plan", "feature/x")
    assert refused.code == 1
    assert "  default/b.yaml:5:" in refused.out
    assert refused.out.endswith("Would be refused: 1 error.\n")
    assert crontopus("plan", "nowhere").code == 1


def test_import_and_the_rest(ok: Ok, crontopus: Crontopus, tmp_path: Path) -> None:
    text = "# nightly\n0 2 * * * /opt/backup.sh\n@reboot /x\n"
    arguments = ("import", "-", "--kind", "crontab", "-n", "production", "--timezone", "Asia/Tokyo")
    preview = ok(*arguments, "-l", "role=db", "--dry-run", stdin=text)
    assert "+ production/backup  line 2: 0 2 * * * /opt/backup.sh\n" in preview
    assert "  line 3: @reboot /x\n" in preview
    assert "production/backup" in ok(*arguments, "--yes", stdin=text)
    assert "timezone: Asia/Tokyo" in ok("jobs", "get", "production/backup", "--manifest")

    policy = (
        "apiVersion: crontopus/v1\nkind: Policy\nmetadata: {name: p}\nspec: {rules: {requiredLabels: [x]}}\n"
    )
    ok("jobs", "apply", "-f", "-", stdin=policy)
    assert ".crontopus/policies/p.yaml" in ok("documents", "list", "--kind", "Policy")
    assert "Jobs       1 of " in ok("repo", "show")
    ok("namespaces", "add", "empty")
    ok("namespaces", "remove", "empty")
    assert crontopus("namespaces", "remove", "production").code == 1
    assert "There is no job discovered/x" in crontopus("jobs", "adopt", "x").err
