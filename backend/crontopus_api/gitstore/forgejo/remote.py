"""`git fetch` and `git push` between a cached repository and Forgejo.

The token travels in the environment of the `git` process, as configuration that is bound to Forgejo's
address: not in its arguments, which every user of the machine can read, and in no file. Synchronous:
callers run it in threads.
"""

import contextlib
import logging
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from crontopus_api.gitstore.bare.locks import clear_litter, has_litter, hold_shared
from crontopus_api.gitstore.bare.plumbing import git_environment
from crontopus_api.gitstore.embedded.layout import HARDENING, environment_config
from crontopus_api.gitstore.errors import GitStoreError, GitUnavailable, RepositoryMissing
from crontopus_api.gitstore.forgejo.config import ForgejoConfig
from crontopus_api.gitstore.host import MAIN_REF

log = logging.getLogger(__name__)

_MAIN = MAIN_REF.decode("ascii")
_TERM_GRACE_SECONDS = 2.0
_STATUS = re.compile(r"returned error: (\d{3})")
# What git says when the other side is at fault, or the way there; anything else is about the cache.
_THEIRS = re.compile(
    r"unable to access|RPC failed|early EOF|hung up|unexpected disconnect|fsck|could not read|"
    r"Authentication failed|expected flush|protocol error|bad line length|"
    r"invalid server response|not valid: is this a git repository|bad pack header|index-pack",
    re.IGNORECASE,
)
# The branch went away since it was looked up; or another process set main, after we had brought the objects.
_PASSING = re.compile(r"couldn't find remote ref|cannot lock ref|unable to update local ref")
# A push that lost against another one, in the words of the several places in git that notice it.
_MOVED = re.compile(r"stale info|fetch first|non-fast-forward|cannot lock|failed to (update|lock) ref|exists")


class CacheBroken(GitStoreError):
    """The cached repository cannot be used any more; Forgejo has everything that was in it."""


@dataclass(frozen=True, slots=True)
class _Done:
    code: int
    out: str
    err: str


class Remote:
    """Raises `GitUnavailable`, `RepositoryMissing`."""

    def __init__(self, config: ForgejoConfig) -> None:
        self._config = config

    def fetch(self, repository: Path, lock: Path, slug: str, branch: str | None = None) -> None:
        """Bring main, or another branch's objects under no name. Raises `CacheBroken` if the cache is."""
        spec = f"+{_MAIN}:{_MAIN}" if branch is None else f"refs/heads/{branch}"
        command = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"]
        with contextlib.suppress(FileNotFoundError):
            if has_litter(repository):
                clear_litter(lock, repository)
        done = self._git(repository, lock, [*command, self._config.repository_url(slug), spec])
        if done.code == 0:
            return
        if _PASSING.search(done.err):
            return  # the caller sees whether what it wants is there
        self._raise_theirs(slug, done, uncertain=False)
        raise CacheBroken(f"the cache of {slug}: {_shown(done.err)}")

    def push(self, repository: Path, lock: Path, slug: str, old: str | None, new: str) -> bool:
        """Move Forgejo's main from exactly `old` to `new`; `False` if it is somewhere else by now.

        An `uncertain` `GitUnavailable` says that nobody knows whether it moved.
        """
        lease = f"--force-with-lease={_MAIN}:{old or ''}"
        command = ["push", "--porcelain", "--no-verify", "--no-signed", lease]
        url = self._config.repository_url(slug)
        done = self._git(repository, lock, [*command, url, f"{new}:{_MAIN}"])
        if done.code == 0:
            return True
        refused = next((line for line in done.out.splitlines() if line.startswith("!")), None)
        if refused is not None:
            if _MOVED.search(refused):
                return False
            reason = _shown(refused.split("\t")[-1] + " " + done.err)
            raise GitUnavailable(f"Forgejo did not take the commit: {reason}")
        # "unable to access" is about the first request, which only reads; from then on it may be in.
        self._raise_theirs(slug, done, uncertain="unable to access" not in done.err)
        raise GitUnavailable(f"git push: {_shown(done.err)}", uncertain=True)

    def _raise_theirs(self, slug: str, done: _Done, *, uncertain: bool) -> None:
        if re.search(r"repository '.*' not found", done.err):
            raise RepositoryMissing(slug)
        if not _THEIRS.search(done.err):
            return
        status = _STATUS.search(done.err)
        if (status is not None and status[1] in {"401", "403"}) or "could not read" in done.err:
            log.error("Forgejo refuses the service's token: %s", _shown(done.err))
        raise GitUnavailable(
            f"Forgejo: {_shown(done.err)}",
            retry_after=30 if status is not None and status[1] == "429" else 5,
            uncertain=uncertain,
        )

    def _git(self, repository: Path, lock: Path, arguments: list[str]) -> _Done:
        """Its children too hold the lock that says somebody writes: if we are killed, they may go on."""
        command = ["git", f"--git-dir={repository}", *arguments]
        held = hold_shared(lock)
        try:
            process = subprocess.Popen(  # noqa: S603 - fixed program, arguments checked, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment(repository),
                pass_fds=(held,),
                start_new_session=True,
            )
        except OSError as error:
            raise GitUnavailable(f"git {arguments[0]} did not start: {error.strerror}") from error
        finally:
            os.close(held)
        try:
            out, err = process.communicate(timeout=self._config.transfer_seconds)
        except subprocess.TimeoutExpired as error:
            raise GitUnavailable(
                f"Forgejo: git {arguments[0]} took longer than {self._config.transfer_seconds:.0f} s",
                retry_after=5,
                uncertain=arguments[0] == "push",
            ) from error
        finally:
            _end(process)
        return _Done(process.returncode, _text(out), _text(err))

    def _environment(self, repository: Path) -> dict[str, str]:
        config = {
            **HARDENING,
            "safe.directory": str(repository),
            "core.hooksPath": os.devnull,
            "core.askPass": "",
            "credential.helper": "",
            "protocol.allow": "never",
            f"protocol.{self._config.url.partition(':')[0]}.allow": "always",
            "push.negotiate": "false",
            "fetch.unpackLimit": "1",  # for the reason of receive.unpackLimit
            "http.followRedirects": "false",
            "http.lowSpeedLimit": "1",
            "http.lowSpeedTime": f"{self._config.answer_seconds:.0f}",
            f"http.{self._config.url}/.extraHeader": f"Authorization: {self._config.authorization}",
        }
        if self._config.ca_file is not None:
            config["http.sslCAInfo"] = str(self._config.ca_file)
        return git_environment(environment_config(config))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the group: politely first, because git removes its lock files on SIGTERM."""
    if process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.communicate(timeout=_TERM_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _shown(text: str) -> str:
    """One printable line, of what may be somebody else's words."""
    return "".join(c if c.isprintable() else " " for c in text)[:300].strip()
