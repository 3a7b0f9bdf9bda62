"""`kill -9` of a writer, at every step it takes and at random: the repository is whole, HEAD is the old or
the new commit, everything acknowledged is there, and the next writer is not in anybody's way."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.bare import repository
from crontopus_api.gitstore.bare.locks import hold_shared
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.errors import GitUnavailable

from .conftest import TENANT

ANN = Author("Ann", "ann@example.org")

# For every stride-th N from 1 on: copies {base}/start to {base}/N and does the thing there in a forked child
# that dies by SIGKILL at the Nth thing it does to the disk; prints the child's status. Ends with the first
# that lives.
STEPS = """
import asyncio, os, shutil, signal, sys
from pathlib import Path
from uuid import UUID
from crontopus_api.gitstore import Author
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost

what, base, tenant = sys.argv[1], Path(sys.argv[2]), UUID(sys.argv[3])
EVENTS = {"open", "os.rename", "os.mkdir", "os.link", "os.utime", "os.remove"}
count = 0

async def work(step):
    root = base / str(step)
    host = EmbeddedGitHost(root)

    def hook(event, arguments):
        global count
        if event in EVENTS and isinstance(arguments[0], (str, bytes, os.PathLike)):
            count += str(root) in os.fsdecode(arguments[0])
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    if what == "create":
        await host.ensure_repository("acme", tenant)
    else:
        edits = {"default/new.yaml": b"new", "default/shared.yaml": b"changed"}
        await host.commit("acme", author=Author("a", "a@b"), message="m", edits=edits)

status, stride = None, int(sys.argv[4])
step = 1 - stride
while status != 0:
    step += stride
    shutil.copytree(base / "start", base / str(step))
    child = os.fork()
    if child == 0:
        asyncio.run(work(step))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, flush=True)
"""

ENDLESS = """
import asyncio, sys
from pathlib import Path
from crontopus_api.gitstore import Author
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost

async def main():
    host = EmbeddedGitHost(Path(sys.argv[1]))
    n = 0
    while True:
        n += 1
        edits = {f"{sys.argv[2]}/{n}.yaml": b"%d" % n}
        result = await host.commit("acme", author=Author("a", "a@b"), message="m", edits=edits)
        print(result.commit, flush=True)

asyncio.run(main())
"""


def endless(host: EmbeddedGitHost, folder: str, script: str = ENDLESS) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, str(host.root), folder]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def fsck(host: EmbeddedGitHost) -> None:
    done = subprocess.run(
        ["git", "--git-dir", host.path("acme"), "fsck", "--strict", "--full"],
        capture_output=True,
        text=True,
        check=False,
    )
    problems = [line for line in done.stderr.splitlines() if "garbage" not in line]
    assert done.returncode == 0, done
    assert problems == []


def killed_at_steps(what: str, base: Path, stride: int) -> list[EmbeddedGitHost]:
    """One host per step; the last is of the run that was left alone."""
    command = [sys.executable, "-c", STEPS, what, str(base), str(TENANT), str(stride)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *killed, last = map(int, done.stdout.split())
    assert set(killed) == {-signal.SIGKILL}
    assert last == 0
    return [EmbeddedGitHost(base / str(1 + stride * n)) for n in range(len(killed) + 1)]


async def test_killed_at_every_step_of_a_commit(tmp_path: Path) -> None:
    start = EmbeddedGitHost(tmp_path / "start")
    await start.ensure_repository("acme", TENANT)
    await start.commit("acme", author=ANN, message="m", edits={"default/shared.yaml": b"first"})
    old = await start.head("acme")
    hosts = killed_at_steps("commit", tmp_path, 1)
    assert len(hosts) > 15
    moved = []
    for host in hosts:
        new = await host.head("acme")
        moved.append(new != old)
        # The very same edits again: half-written objects and lock files must not be in the way.
        edits = {"default/new.yaml": b"new", "default/shared.yaml": b"changed"}
        again = await host.commit("acme", author=ANN, message="again", edits=edits)
        assert (again.changed, again.parent) == (new == old, new)
        assert await host.read_file("acme", again.commit, "default/new.yaml") == b"new"
        fsck(host)
    assert moved == sorted(moved)  # old, old, …, new: one instant decides
    assert moved[-1]


async def test_killed_while_making_a_repository(tmp_path: Path) -> None:
    EmbeddedGitHost(tmp_path / "start")
    hosts = killed_at_steps("create", tmp_path, 7)
    assert len(hosts) > 15
    for host in hosts:
        await host.ensure_repository("acme", TENANT)
        assert len(await host.history("acme")) == 1
        fsck(host)
        assert list((host.root / "crontopus").iterdir()) == [host.path("acme")]


async def test_killed_at_random(host: EmbeddedGitHost) -> None:
    chance = random.Random(20261122)
    for _ in range(6):
        with endless(host, "0") as writer:
            assert writer.stdout is not None
            for _ in range(chance.randrange(1, 30)):
                acknowledged = writer.stdout.readline().strip()
            writer.kill()
            rest = writer.stdout.read().split()
        acknowledged = rest[-1] if rest and len(rest[-1]) == 40 else acknowledged
        head = await host.head("acme")
        assert head is not None
        assert await host.is_ancestor("acme", acknowledged, head)
        fsck(host)


async def test_writers_in_several_processes_lose_nothing(host: EmbeddedGitHost) -> None:
    writers = [endless(host, f"w{w}", ENDLESS.replace("while True", "while n < 25")) for w in range(3)]
    assert [len(writer.communicate()[0].split()) for writer in writers] == [25, 25, 25]
    head = await host.head("acme")
    assert head is not None
    names = {entry.path for entry in await host.list_files("acme", head)}
    assert {f"w{w}/{n}.yaml" for w in range(3) for n in range(1, 26)} <= names
    fsck(host)


async def test_a_living_writers_lock_is_respected(
    host: EmbeddedGitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_COMMIT_DEADLINE_SECONDS", 0.1)
    lock = host.path("acme") / "refs/heads/main.lock"
    living = hold_shared(host.lock_path("acme"))
    lock.touch()
    try:
        with pytest.raises(GitUnavailable):
            await host.commit("acme", author=ANN, message="m", edits={"a": b"a"})
        assert lock.exists()
    finally:
        lock.unlink()
        os.close(living)
    assert (await host.commit("acme", author=ANN, message="m", edits={"a": b"a"})).changed
