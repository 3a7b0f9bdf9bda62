"""`kill -9` of a writer, at every step it takes and at random: the repository is whole, HEAD is the old or
the new commit, everything acknowledged is there, and the next writer is not in anybody's way."""

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

# Dies by SIGKILL at the Nth thing it does to the disk, N = argv[2]; one process per N, forked so that
# the imports are paid for once. Prints what each did.
STEPS = """
import asyncio, os, signal, sys
from pathlib import Path
from uuid import UUID
from crontopus_api.gitstore import Author
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost

what, root, tenant, step = sys.argv[1], Path(sys.argv[2]), UUID(sys.argv[3]), int(sys.argv[4])
EVENTS = {"open", "os.rename", "os.mkdir", "os.link", "os.utime", "os.remove"}
count = 0

def hook(event, arguments):
    global count
    if event in EVENTS and str(root) in os.fsdecode(arguments[0] if not isinstance(arguments[0], int) else ""):
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    host = EmbeddedGitHost(root)
    sys.addaudithook(hook)
    if what == "create":
        await host.ensure_repository("acme", tenant)
    else:
        edits = {f"default/{step}.yaml": b"%d" % step, "default/shared.yaml": b"%d" % step}
        result = await host.commit("acme", author=Author("a", "a@b"), message="m", edits=edits)
        print(result.commit, flush=True)

asyncio.run(main())
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
        edits = {f"n{n % 5}/{n}.yaml": b"%d" % n}
        result = await host.commit("acme", author=Author("a", "a@b"), message="m", edits=edits)
        print(result.commit, flush=True)

asyncio.run(main())
"""


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


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )


async def test_killed_at_every_step_of_a_commit(host: EmbeddedGitHost) -> None:
    killed = 0
    for step in range(1, 200):
        old = await host.head("acme")
        done = run(STEPS, "commit", host.root, TENANT, step)
        new = await host.head("acme")
        assert new is not None
        if new != old:
            [info] = await host.history("acme", limit=1)
            assert info.parents == (old,)
        fsck(host)
        if done.returncode == 0:
            assert done.stdout.strip() == new
            break
        assert done.returncode == -signal.SIGKILL, done
        killed += 1
        # The very same edits again: half-written objects and lock files must not be in the way.
        edits = {f"default/{step}.yaml": b"%d" % step, "default/shared.yaml": b"%d" % step}
        again = await host.commit("acme", author=ANN, message="again", edits=edits)
        assert await host.read_file("acme", again.commit, f"default/{step}.yaml") == b"%d" % step
    assert killed > 15
    assert done.returncode == 0


async def test_killed_at_every_step_of_making_a_repository(tmp_path: Path) -> None:
    """Every third step: making one takes many, each its own process."""
    for step in range(1, 600, 3):
        host = EmbeddedGitHost(tmp_path / str(step))
        done = run(STEPS, "create", host.root, TENANT, step)
        exists = await host.exists("acme")
        if exists:
            fsck(host)
        await host.ensure_repository("acme", TENANT)
        assert len(await host.history("acme")) == 1
        fsck(host)
        assert list((host.root / "crontopus").iterdir()) == [host.path("acme")]
        if done.returncode == 0:
            assert exists
            break
        assert done.returncode == -signal.SIGKILL, done
    assert done.returncode == 0
    assert step > 30


async def test_killed_at_random(host: EmbeddedGitHost) -> None:
    chance = random.Random(20261122)
    for _ in range(6):
        command = [sys.executable, "-c", ENDLESS, str(host.root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
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
    script = ENDLESS.replace("while True", "while n < 25").replace("n{n % 5}", "{sys.argv[2]}")
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(host.root), f"w{w}"], stdout=subprocess.PIPE)
        for w in range(3)
    ]
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
        __import__("os").close(living)
    assert (await host.commit("acme", author=ANN, message="m", edits={"a": b"a"})).changed
