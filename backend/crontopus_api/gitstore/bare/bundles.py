"""A repository as one file, written while others write the repository; and a repository made from one.

The file is a Git bundle, but not `git bundle` writes it: a ref that moves while that runs it leaves out, without
a word. Here the refs are listed first, then what they reach is packed. That holds still: commits only add, and
what a rewound branch lets go of stays for two weeks (`maintenance`).
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dulwich.repo import Repo

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
    refs = _refs(repository)
    main = f"refs/heads/{BRANCH}"
    if main not in refs:
        raise BundleFailed(f"{repository.name} has no branch {BRANCH}")
    lines = [f"{refs[main]} HEAD", *(f"{object_id} {ref}" for ref, object_id in sorted(refs.items()))]
    try:
        with target.open("xb") as stream:
            stream.write("\n".join(["# v2 git bundle", *lines, "", ""]).encode())
            stream.flush()
            wanted = "".join(f"{object_id}\n" for object_id in set(refs.values())).encode()
            pack = ("pack-objects", "--quiet", "--stdout", "--revs", "--delta-base-offset")
            _git(repository, "-c", "pack.threads=1", *pack, stdin=wanted, stdout=stream)
            size = stream.seek(0, os.SEEK_END)
            os.fsync(stream.fileno())
    except FileExistsError as error:
        raise BundleFailed(f"{target} exists") from error
    except BundleFailed:
        target.unlink()
        raise
    return Bundle(refs[main], size)


def _refs(repository: Path) -> dict[str, str]:
    """Branches and tags by their full names. Listed twice: while a ref's file is replaced, a directory's
    listing may show neither the old one nor the new."""
    shown = ("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
    lines = [line for _ in range(2) for line in _git(repository, *shown).decode().splitlines()]
    return dict(line.rsplit(" ", 1) for line in lines)


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


def _git(
    repository: Path, *arguments: str, stdin: bytes = b"", stdout: BinaryIO | int = subprocess.PIPE
) -> bytes:
    """What it printed, unless that goes to a file."""
    command = ["git", f"--git-dir={repository}", "-c", f"safe.directory={repository}", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, no shell
            command,
            input=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=git_environment(),
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BundleFailed(f"git could not be run: {error}") from error
    if done.returncode:
        raise BundleFailed(done.stderr.decode("utf-8", "replace").strip()[-1000:])
    return done.stdout or b""
