"""`git gc` in our hands: beside writers and readers, in bounded time, and nothing is lost.

* Packing refs creates the lock files that `locks.clear_litter` removes as litter of the dead, so it holds
  the writers' lock shared, for milliseconds. Repacking touches no ref and holds only its own lock: for the
  minute it takes, the lock file of a killed writer must not be in everybody's way.
* Nothing unreachable is dropped that is younger than two weeks, by git's own reckoning; a commit or push
  that needs such an object writes or freshens it (see `durable`; pushes bring packs of their own, because
  `receive.unpackLimit` is 1).
* Git works on `.` inside the repository: a tenant's repository that is deleted and made anew meanwhile
  under the same name is another directory, which it never sees.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crontopus_api.gitstore.bare.census import Census, Untidy, count, why_untidy
from crontopus_api.gitstore.bare.durable import fsync_path
from crontopus_api.gitstore.bare.litter import clear_of_maintenance, clear_of_writers
from crontopus_api.gitstore.bare.locks import clear_litter, hold_shared
from crontopus_api.gitstore.bare.plumbing import git_environment
from crontopus_api.gitstore.errors import GitStoreError, RepositoryMissing

_TERM_GRACE_SECONDS = 5.0
_CONFIG = (
    # One core, a bounded amount of memory: tenants' requests come first.
    "pack.threads=1",
    "pack.windowMemory=64m",
    "pack.deltaCacheSize=64m",
    "gc.cruftPacks=true",  # unreachable objects in one pack instead of a file each (git ≥ 2.37)
    "gc.pruneExpire=2.weeks.ago",
    "gc.packRefs=false",  # done apart, see above
    "gc.writeCommitGraph=false",  # done apart, with Bloom filters: a file's history reads those
    "repack.writeBitmaps=true",
)


class MaintenanceFailed(GitStoreError):
    """Git could not tidy the repository up. It is as usable as before."""


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """`cleared`: what dead processes had left, as paths inside the repository."""

    before: Census
    after: Census
    cleared: Sequence[str]
    seconds: float


def due(repository: Path, lock: Path, limits: Untidy) -> str | None:
    """Why the repository needs maintenance now; `None` if it does not, or had it a moment ago."""
    try:
        if time.time() - _lock_file(lock).stat().st_mtime < limits.again_seconds:
            return None
    except FileNotFoundError:  # never yet
        pass
    return why_untidy(repository, limits)


async def maintain(repository: Path, lock: Path, *, max_seconds: float = 600.0) -> MaintenanceReport | None:
    """Tidy the repository up; `None` when another process is at it. `lock` is the writers' lock file.

    Raises `MaintenanceFailed`, also when the time is over, and `RepositoryMissing`. Cancelled or out of
    time, it ends git; what git leaves then, or when all is killed, the next maintenance clears.
    """
    began = time.monotonic()
    async with _maintaining(lock) as own:
        if own is None:
            return None
        try:
            before = await asyncio.to_thread(count, repository)
            cleared = await asyncio.to_thread(clear_of_maintenance, repository)
            cleared += await asyncio.to_thread(clear_of_writers, lock, repository)
            await asyncio.to_thread(clear_litter, lock, repository)
            async with asyncio.timeout(max_seconds):
                await _tidy(repository, lock, own)
            after = await asyncio.to_thread(count, repository)
        except TimeoutError as error:
            raise MaintenanceFailed(f"{repository.name}: not done after {max_seconds:.0f} s") from error
        except (MaintenanceFailed, FileNotFoundError) as error:
            if not (repository / "HEAD").exists():
                slug = repository.name.removeprefix("job-manifests-").removesuffix(".git")
                raise RepositoryMissing(slug) from error
            raise
    return MaintenanceReport(before, after, cleared, time.monotonic() - began)


async def _tidy(repository: Path, lock: Path, own: int) -> None:
    run = partial(_git, repository)
    async with _writing(lock) as writing:
        await run(["pack-refs", "--all", "--prune"], [own, writing])
    # --force: whether another gc runs, our lock knows better than the process number in gc.pid.
    await run(["gc", "--quiet", "--force"], [own])
    await run(["commit-graph", "write", "--reachable", "--changed-paths", "--no-progress"], [own])
    for directory in ("pack", "info", "."):
        await asyncio.to_thread(fsync_path, repository / "objects" / directory)


def _lock_file(lock: Path) -> Path:
    """Slugs have no dots: this is no tenant's."""
    return lock.with_name(f"{lock.name}.maintenance")


@contextlib.asynccontextmanager
async def _maintaining(lock: Path) -> AsyncIterator[int | None]:
    """The descriptor that holds the lock of maintenance, for git to inherit; `None` if it is taken."""
    fd = os.open(_lock_file(lock), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            os.utime(fd)  # `due` reads it: now, so that one that fails is not begun again at once
            yield fd
    finally:
        os.close(fd)


@contextlib.asynccontextmanager
async def _writing(lock: Path) -> AsyncIterator[int]:
    fd = await asyncio.to_thread(hold_shared, lock)
    try:
        yield fd
    finally:
        os.close(fd)


async def _git(repository: Path, arguments: Sequence[str], inherited: Sequence[int]) -> None:
    config = [f"safe.directory={repository}", *_CONFIG]
    command = ["nice", "-n", "10", "git", "--git-dir=.", *(word for pair in config for word in ("-c", pair))]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            *arguments,
            cwd=repository,
            env=git_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=tuple(inherited),
            start_new_session=True,
        )
    except OSError as error:
        raise MaintenanceFailed(f"git {arguments[0]} of {repository.name} did not start: {error}") from error
    try:
        _, complaint = await process.communicate()
    finally:
        await _end(process)
    if process.returncode:
        text = complaint.decode("utf-8", "replace").strip()[-1000:]
        raise MaintenanceFailed(
            f"git {arguments[0]} of {repository.name} ended with {process.returncode}: {text}"
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    """End git and its children, if they have not ended: politely first, so that it clears up itself."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        # The end of stderr, which the children hold as well, says that all of them are gone.
        ended = asyncio.ensure_future(process.communicate())
        await asyncio.wait({ended}, timeout=_TERM_GRACE_SECONDS)
        if not ended.done():
            ended.cancel()
    await process.wait()
