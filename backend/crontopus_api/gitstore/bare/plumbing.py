"""Questions about whole trees and histories, asked of `git` itself: one short process each.

dulwich would answer them too, but reads every tree and blob header into Python for it.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from crontopus_api.gitstore.errors import BlobTooLarge, GitUnavailable, HistoryRewound, ObjectMissing
from crontopus_api.gitstore.host import Author, CommitInfo
from crontopus_api.gitstore.paths import is_object_id

_TIMEOUT_SECONDS = 60
_ABSENT = "0" * 40
_COMMIT_FORMAT = "%H%n%P%n%an%n%ae%n%at%n%B"


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What `git` gets to see: no user's or machine's configuration decides what it does here."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        **(extra or {}),
    }


@dataclass(frozen=True, slots=True)
class RawChange:
    """One line of a tree diff; modes are octal as Git prints them, ids `None` on the absent side."""

    path: bytes
    old_mode: int
    new_mode: int
    old_id: str | None
    new_id: str | None


@dataclass(frozen=True, slots=True)
class RawEntry:
    path: bytes
    mode: int
    object_id: str
    size: int


class Plumbing:
    """`git` on one bare repository. `env` points it elsewhere, e.g. at a push's quarantine."""

    def __init__(self, repository: Path, env: Mapping[str, str] | None = None) -> None:
        self._command = ["git", f"--git-dir={repository}", "-c", f"safe.directory={repository}"]
        self._env = git_environment(env)

    def diff(self, old: str | None, new: str) -> list[RawChange]:
        """Every path that differs, folders and renames resolved to files; all of `new` if no `old`."""
        if old is None:
            return [RawChange(e.path, 0, e.mode, None, e.object_id) for e in self.tree(new)]
        command = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new, "--"]
        done = self.run(command)
        if done.returncode:
            raise HistoryRewound(old) if not self.has_commit(old) else ObjectMissing(f"commit {new}")
        fields = done.stdout.split(b"\0")
        return [_raw_change(fields[i], fields[i + 1]) for i in range(0, len(fields) - 1, 2)]

    def tree(self, commit: str) -> list[RawEntry]:
        done = self.run(["ls-tree", "-r", "-l", "-z", "--full-tree", commit])
        if done.returncode:
            raise ObjectMissing(f"commit {commit}")
        return [_raw_entry(line) for line in done.stdout.split(b"\0") if line]

    def is_ancestor(self, old: str, new: str) -> bool:
        done = self.run(["merge-base", "--is-ancestor", old, new])
        if done.returncode in {0, 1}:
            return done.returncode == 0
        if not self.has_commit(new):
            raise ObjectMissing(f"commit {new}")
        return False

    def has_commit(self, commit: str) -> bool:
        return self.run(["cat-file", "-e", f"{commit}^{{commit}}"]).returncode == 0

    def commit_info(self, commit: str) -> CommitInfo:
        done = self.run(["show", "-s", "-z", f"--format={_COMMIT_FORMAT}", f"{commit}^{{commit}}", "--"])
        if done.returncode:
            raise ObjectMissing(f"commit {commit}")
        return _commit_info(done.stdout.rstrip(b"\0"))

    def resolve(self, ref: str) -> str | None:
        """The commit of a whole commit id or of a branch's name; nothing else of Git's ref syntax."""
        if is_object_id(ref):
            return ref if self.has_commit(ref) else None
        # As an argument of its own after `--verify` a name cannot become an option or an expression.
        done = self.run(["show-ref", "--verify", "--hash", "--", f"refs/heads/{ref}"])
        return None if done.returncode else done.stdout.decode("ascii").strip()

    def read(self, ids: Sequence[str], limit: int) -> Iterator[tuple[str, bytes]]:
        """The blobs, in order. Sizes are known before contents: nothing over `limit` bytes is read.

        Raises `BlobTooLarge`, `ObjectMissing`.
        """
        if not ids:
            return
        unique = list(dict.fromkeys(ids))
        request = "".join(f"{object_id}\n" for object_id in unique).encode()
        headers = self._batch("--batch-check", request).splitlines()
        for object_id, header in zip(unique, headers, strict=True):
            _check_header(object_id, header, limit)
        answer = self._batch("--batch", request)
        at = 0
        for object_id in unique:
            end = answer.index(b"\n", at)
            size = int(answer[at:end].rsplit(b" ", 1)[1])
            yield object_id, answer[end + 1 : end + 1 + size]
            at = end + 1 + size + 1

    def sizes(self, ids: Iterable[str]) -> dict[str, int]:
        """The sizes of blobs, without reading them. Missing ones raise `ObjectMissing`."""
        unique = list(dict.fromkeys(ids))
        if not unique:
            return {}
        request = "".join(f"{object_id}\n" for object_id in unique).encode()
        headers = self._batch("--batch-check", request).splitlines()
        return {i: _check_header(i, header, None) for i, header in zip(unique, headers, strict=True)}

    def log(self, start: str, path: str | None, limit: int, before: str | None) -> list[CommitInfo]:
        """Newest first. Reads on from `before` by walking past it, so that merged side branches
        appear on exactly one page."""
        wanted = ["log", "-z", f"--format={_COMMIT_FORMAT}", start]
        if before is None:
            wanted.append(f"--max-count={limit}")
        wanted += ["--", *([f":(literal){path}"] if path else [])]
        with self._stream(wanted) as process:
            assert process.stdout is not None
            found = _take(_records(process.stdout), limit, before)
            if len(found) == limit:
                process.kill()  # the rest of a long history is nobody's business
                return found
        _check_alive("log", process.returncode, b"")
        return found

    def last_changes(self, old: str | None, new: str) -> dict[bytes, CommitInfo]:
        """Every path that commits of `old..new` touched, with the newest of them. A merge counts for the
        files it holds otherwise than both its parents."""
        range_ = [new, *([f"^{old}"] if old else [])]
        listed = self.run(["log", "-z", f"--format={_COMMIT_FORMAT}", *range_, "--"])
        if listed.returncode:
            raise HistoryRewound(old) if old and not self.has_commit(old) else ObjectMissing(f"commit {new}")
        commits = {info.id: info for info in map(_commit_info, filter(None, listed.stdout.split(b"\0")))}
        command = ["diff-tree", "--stdin", "--root", "-r", "-c", "-z", "--name-only", "--no-renames"]
        named = self.run(command, "".join(f"{commit}\n" for commit in commits).encode())
        found: dict[bytes, CommitInfo] = {}
        current: CommitInfo | None = None
        for name in filter(None, named.stdout.split(b"\0")):
            commit = commits.get(name.decode("ascii", "replace"))
            if commit is not None:
                current = commit
            elif current is not None:
                found.setdefault(name, current)
        return found

    def run(self, arguments: list[str], request: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Raises `GitUnavailable` when it did not come to its end: what it did not say is not "no"."""
        try:
            done = subprocess.run(  # noqa: S603 - fixed program, arguments checked, no shell
                [*self._command, *arguments],
                input=request,
                capture_output=True,
                env=self._env,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitUnavailable(f"git {arguments[0]} did not answer: {error}") from error
        _check_alive(arguments[0], done.returncode, done.stderr)
        return done

    def _batch(self, what: str, request: bytes) -> bytes:
        """The answer of `cat-file` to a list of ids. It knows words for what is missing: a failure is one of Git."""
        done = self.run(["cat-file", what], request)
        if done.returncode:
            raise GitUnavailable(f"git cat-file failed: {_words(done.stderr)}")
        return done.stdout

    def _stream(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - as above
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._env,
            )
        except OSError as error:
            raise GitUnavailable(f"git {arguments[0]} did not start: {error}") from error


def _check_alive(command: str, returncode: int, errors: bytes) -> None:
    if returncode < 0:
        raise GitUnavailable(f"git {command} was killed by signal {-returncode}: {_words(errors)}")


def _words(errors: bytes) -> str:
    return errors.decode("utf-8", "replace").strip()[-500:] or "it said nothing"


def _raw_change(header: bytes, path: bytes) -> RawChange:
    old_mode, new_mode, old_id, new_id, _ = header.decode("ascii").lstrip(":").split(" ")
    return RawChange(path, int(old_mode, 8), int(new_mode, 8), _present(old_id), _present(new_id))


def _present(object_id: str) -> str | None:
    return None if object_id == _ABSENT else object_id


def _raw_entry(line: bytes) -> RawEntry:
    meta, path = line.split(b"\t", 1)
    mode, _, object_id, size = meta.split()
    return RawEntry(path, int(mode, 8), object_id.decode("ascii"), 0 if size == b"-" else int(size))


def _check_header(object_id: str, header: bytes, limit: int | None) -> int:
    fields = header.split()
    if len(fields) != 3 or fields[1] != b"blob":
        raise ObjectMissing(f"blob {object_id}")
    size = int(fields[2])
    if limit is not None and size > limit:
        raise BlobTooLarge(f"blob {object_id}", size, limit)
    return size


def _records(stream: IO[bytes]) -> Iterator[CommitInfo]:
    rest = b""
    while block := stream.read1(65536) if hasattr(stream, "read1") else stream.read(65536):
        *whole, rest = (rest + block).split(b"\0")
        yield from map(_commit_info, whole)
    if rest:
        yield _commit_info(rest)


def _take(records: Iterator[CommitInfo], limit: int, before: str | None) -> list[CommitInfo]:
    found: list[CommitInfo] = []
    skipping = before is not None
    for record in records:
        if skipping:
            skipping = record.id != before
            continue
        found.append(record)
        if len(found) == limit:
            break
    return found


def _commit_info(record: bytes) -> CommitInfo:
    commit, parents, name, email, at, message = record.decode("utf-8", "replace").split("\n", 5)
    return CommitInfo(
        id=commit,
        author=Author(name, email),
        message=message.rstrip("\n"),
        at=datetime.fromtimestamp(int(at), UTC),
        parents=tuple(parents.split()),
    )
