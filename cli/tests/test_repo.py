"""`repo clone` with the real git: the log-in is git's credential and stays out of the clone."""

import subprocess
from pathlib import Path

import pytest
from cli_tests.fake_server import PASSWORD, FakeServer
from cli_tests.running import script


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """The server with a tenant's repository of one commit, and nobody logged in."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    work, bare = tmp_path / "work", tmp_path / "srv/crontopus/job-manifests-ada.git"
    git("init", "-q", "-b", "main", str(work))
    (work / "hello.yaml").write_text("kind: Job\n")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    git("-C", str(work), "add", ".")
    git("-C", str(work), *identity, "commit", "-qm", "jobs: say hello")
    git("clone", "-q", "--bare", str(work), str(bare))
    git("-C", str(bare), "update-server-info")
    server.git_root = tmp_path / "srv"
    return server


def test_clone_and_later_fetch_use_the_stored_log_in(repository: FakeServer, tmp_path: Path) -> None:
    script("login", "--server", repository.url, "-u", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    clone = tmp_path / "clone"

    result = script("repo", "clone", str(clone))

    assert (result.code, result.out) == (0, f"{clone}\n"), result.err
    assert (clone / "hello.yaml").read_text() == "kind: Job\n"
    assert "ctp_" not in (clone / ".git/config").read_text()
    git("-C", str(clone), "fetch", "-q")

    script("logout")
    refused = subprocess.run(
        ["git", "-C", str(clone), "-c", "core.askPass=true", "fetch"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert "not logged in to" in refused.stderr


def test_a_clone_that_git_refuses_is_exit_1(repository: FakeServer, tmp_path: Path) -> None:
    script("login", "--server", repository.url, "-u", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()

    result = script("repo", "clone", str(tmp_path / "taken"))

    assert (result.code, result.out) == (1, "")
    assert "already exists" in result.err


def test_without_git_it_says_so(repository: FakeServer, tmp_path: Path) -> None:
    script("login", "--server", repository.url, "-u", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")

    result = script("repo", "clone", str(tmp_path / "clone"), PATH="/nonexistent")

    assert (result.code, result.out) == (1, "")
    assert "git is not installed" in result.err
