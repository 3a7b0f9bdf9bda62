"""A repository as one file, written while others write the repository; and a repository made from one.

`git bundle` takes all refs at one instant, then packs what they reach. That holds still: commits only add,
and what a rewound branch lets go of stays for two weeks (`maintenance`).
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from dulwich.repo import Repo

from crontopus_api.gitstore.bare.durable import fsync_path
from crontopus_api.gitstore.bare.plumbing import git_environment
from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.gitstore.host import BRANCH

_TIMEOUT_SECONDS = 3600
# As in a push: what is damaged or malformed does not get in.
_CHECKED = ("-c", "fetch.fsckObjects=true", "-c", "pack.threads=1", "-c", "core.fsync=committed")


class BundleFailed(GitStoreError):
    """Git could not write the bundle, or what is in it is not a whole repository of ours."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """`head` is what main is at in it; `size` in bytes."""

    head: str
    size: int


def write_bundle(repository: Path, target: Path) -> Bundle:
    """All branches and tags of the repository into the new file `target`, flushed to the disk."""
    if target.exists():
        raise BundleFailed(f"{target} exists")
    _git(repository, "bundle", "create", "--quiet", str(target.absolute()), "--branches", "--tags")
    fsync_path(target)
    return Bundle(_main_of(target), target.stat().st_size)


def unbundle(bundle: Path, directory: Path) -> str:
    """Make a bare repository of the bundle in the new `directory`; what main is at. Every object is
    checked, so this is also how a bundle is verified."""
    head = _main_of(bundle)
    Repo.init_bare(directory, mkdir=True, default_branch=BRANCH.encode()).close()
    specs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    _git(directory, *_CHECKED, "fetch", "--quiet", "--no-tags", str(bundle.absolute()), *specs)
    return head


def _main_of(bundle: Path) -> str:
    """What the bundle's list of refs says about main."""
    with bundle.open("rb") as stream:
        for line in iter(stream.readline, b"\n"):
            object_id, _, ref = line.rstrip(b"\n").partition(b" ")
            if ref == b"refs/heads/" + BRANCH.encode():
                return object_id.decode("ascii")
            if not line:
                break
    raise BundleFailed(f"{bundle} is not a bundle with a branch {BRANCH}")


def _git(repository: Path, *arguments: str) -> None:
    command = ["git", f"--git-dir={repository}", "-c", f"safe.directory={repository}", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, no shell
            command,
            capture_output=True,
            env=git_environment(),
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BundleFailed(f"git could not be run: {error}") from error
    if done.returncode:
        raise BundleFailed(done.stderr.decode("utf-8", "replace").strip()[-1000:])
