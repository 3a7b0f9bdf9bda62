"""Judging a push before it happens: what changes on main, may it, and who is told afterwards."""

import logging
import stat
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter, to_thread

from crontopus_api.gitstore.bare.plumbing import Plumbing, RawChange
from crontopus_api.gitstore.errors import GitStoreError, PathNotAllowed
from crontopus_api.gitstore.host import MAIN_REF, Author
from crontopus_api.gitstore.paths import check_editable, check_path, is_object_id

log = logging.getLogger(__name__)

_ABSENT = "0" * 40
_MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class GitCaller:
    """Whoever `authorize` recognised. `principal` is the caller's own object, passed through."""

    subject: str
    author: Author | None = None
    principal: object = None


@dataclass(frozen=True, slots=True)
class PushRequest:
    """What a push would do to main. `changes` has every changed file with its new content, `None`
    for removed ones; all are regular files of allowed names and sizes."""

    slug: str
    old: str | None
    new: str
    changes: list[tuple[str, bytes | None]]
    caller: GitCaller


@dataclass(frozen=True, slots=True)
class MainMoved:
    """A push that moved main from `old` to `new`."""

    slug: str
    old: str | None
    new: str
    caller: GitCaller


# The lines to print, each `file:line: reason`; none accepts the push.
Validate = Callable[[PushRequest], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class PushLimits:
    max_blob_bytes: int = 1 << 20
    max_changed_files: int = 20_000
    max_changed_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class RefUpdate:
    ref: bytes
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lines` says why not; an empty one accepts. `main` is the accepted move of main, if any."""

    lines: Sequence[str] = ()
    main: RefUpdate | None = None


class _Refused(Exception):
    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


class PushJudge:
    """Judges pushes to one installation's repositories. `limiter` bounds the threads that read them."""

    def __init__(self, validate: Validate, limits: PushLimits, limiter: CapacityLimiter) -> None:
        self._validate = validate
        self._limits = limits
        self._limiter = limiter

    async def judge(
        self, slug: str, caller: GitCaller, plumbing: Plumbing, updates: Sequence[RefUpdate]
    ) -> Verdict:
        """Other branches and tags are their authors' own. Every failure refuses."""
        try:
            main = _move_of_main(updates)
            if main is None or main.new is None:
                return Verdict()
            work = partial(self._read, plumbing, main.old, main.new)
            changes = await to_thread.run_sync(work, limiter=self._limiter)
            lines = await self._validate(PushRequest(slug, main.old, main.new, changes, caller))
        except _Refused as refused:
            lines = refused.lines
        except GitStoreError as error:
            lines = [f"refs/heads/main: {error}"]
        return Verdict(_shortened(lines)) if lines else Verdict(main=main)

    def _read(self, plumbing: Plumbing, old: str | None, new: str) -> list[tuple[str, bytes | None]]:
        if old is not None and not plumbing.is_ancestor(old, new):
            raise _Refused(
                "refs/heads/main: its history can not be rewound or rewritten; "
                "pull, or revert with a new commit"
            )
        changes = plumbing.diff(old, new)
        if len(changes) > self._limits.max_changed_files:
            raise _Refused(
                f"refs/heads/main: {len(changes)} files change, at most "
                f"{self._limits.max_changed_files} may in one push"
            )
        faults = [fault for change in changes if (fault := _fault(change)) is not None]
        if faults:
            raise _Refused(*faults)
        present = [change.new_id for change in changes if change.new_id is not None]
        self._check_sizes(changes, plumbing.sizes(present))
        blobs = dict(plumbing.read(present, self._limits.max_blob_bytes))
        return [(c.path.decode(), None if c.new_id is None else blobs[c.new_id]) for c in changes]

    def _check_sizes(self, changes: list[RawChange], sizes: dict[str, int]) -> None:
        limit = self._limits.max_blob_bytes
        faults = [
            f"{change.path.decode()}:1: the file has {sizes[change.new_id]} bytes, at most {limit} may be"
            for change in changes
            if change.new_id is not None and sizes[change.new_id] > limit
        ]
        if faults:
            raise _Refused(*faults)
        if sum(sizes.values()) > self._limits.max_changed_bytes:
            raise _Refused(
                f"refs/heads/main: the changed files have {sum(sizes.values())} bytes together, "
                f"at most {self._limits.max_changed_bytes} may in one push"
            )


def quarantine(repository: Path, path: str) -> Plumbing:
    """`git` on the repository as it would be with the objects of a push still in quarantine.

    `path` is empty for a push that brings no objects: one that only deletes.
    """
    if not path:
        return Plumbing(repository)
    objects = repository / "objects"
    incoming = Path(path)
    if incoming.parent != objects or not incoming.name.startswith(("tmp_objdir-", "incoming-")):
        raise PathNotAllowed(path, "not the quarantine of a push to this repository")
    return Plumbing(
        repository,
        {
            "GIT_OBJECT_DIRECTORY": str(incoming),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects),
            "GIT_QUARANTINE_PATH": str(incoming),
        },
    )


def parse_update(line: bytes) -> RefUpdate:
    """A line of pre-receive's input: `old SP new SP ref`. Raises `ValueError`."""
    old, new, ref = line.split(b" ", 2)
    ids = [old.decode("ascii"), new.decode("ascii")]
    if not all(map(is_object_id, ids)):
        raise ValueError(f"not a ref update: {line!r}")
    before, after = (None if i == _ABSENT else i for i in ids)
    return RefUpdate(ref, before, after)


def _move_of_main(updates: Sequence[RefUpdate]) -> RefUpdate | None:
    for update in updates:
        # refs/replace would show other objects than are there; the rest is Git's or ours.
        if not update.ref.startswith((b"refs/heads/", b"refs/tags/")):
            raise _Refused(f"{update.ref.decode('utf-8', 'replace')}: only branches and tags can be pushed")
    main = next((u for u in updates if u.ref == MAIN_REF), None)
    if main is not None and main.new is None:
        raise _Refused("refs/heads/main: it can not be deleted, it is what runs")
    return main


def _fault(change: RawChange) -> str | None:
    name = change.path.decode("utf-8", "replace")
    try:
        path = change.path.decode()
    except UnicodeDecodeError:
        return f"{name}:1: the file's name is not UTF-8"
    kind = stat.S_IFMT(change.new_mode)
    if kind == stat.S_IFLNK:
        return f"{name}:1: symbolic links are not allowed here"
    if kind not in {0, stat.S_IFREG}:
        return f"{name}:1: submodules are not allowed here"
    try:
        # What is already there under a bad name may at least be removed.
        _ = check_editable(path) if kind else _removable(path)
    except PathNotAllowed as error:
        return f"{name}:1: {error.reason}"
    return None


def _removable(path: str) -> str:
    try:
        check_path(path)
    except PathNotAllowed:
        return path
    return check_editable(path)


def _shortened(lines: Sequence[str]) -> list[str]:
    """Printable, and not more than somebody reads."""
    shown = [_printable(line) for line in lines[:_MAX_LINES]]
    if len(lines) > _MAX_LINES:
        shown.append(f"... and {len(lines) - _MAX_LINES} more")
    return shown


def _printable(line: str) -> str:
    """File names and messages go to somebody's terminal: no control sequences among them."""
    return "".join(c if c.isprintable() else "?" for c in line)[:1000]
