"""A `git` that does not finish is no answer: nobody takes its silence for "not there"."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crontopus_api.gitstore.bare.plumbing import Plumbing
from crontopus_api.gitstore.errors import GitUnavailable

ID, OTHER = "a" * 40, "b" * 40
ASKED: dict[str, Callable[[Plumbing], Any]] = {
    "diff": lambda git: git.diff(ID, OTHER),
    "tree": lambda git: git.tree(ID),
    "ancestor": lambda git: git.is_ancestor(ID, OTHER),
    "commit": lambda git: git.has_commit(ID),
    "resolve": lambda git: git.resolve("main"),
    "read": lambda git: list(git.read([ID, OTHER], 1000)),
    "sizes": lambda git: git.sizes([ID, OTHER]),
    "log": lambda git: git.log(ID, None, 10, None),
    "last changes": lambda git: git.last_changes(None, ID),
}


def _git(directory: Path, script: str) -> Plumbing:
    program = directory / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Plumbing(directory / "none.git", {"PATH": f"{directory}:/usr/bin:/bin"})


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_a_killed_git_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Callable[[Plumbing], Any]
) -> None:
    git = _git(tmp_path, "kill -9 $$")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(GitUnavailable, match="git"):
        asked(git)


@pytest.mark.parametrize("name", ["read", "sizes"])
def test_a_git_that_stops_halfway_is_away_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    git = _git(tmp_path, f"echo {ID} blob 3\necho 'fatal: cannot map the pack' >&2\nexit 128")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(GitUnavailable, match="cannot map the pack"):
        ASKED[name](git)
