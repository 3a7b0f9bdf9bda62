"""The API's end of the pre-receive hook: two pipes that the hook inherits.

Pipes rather than a listening socket, because the process that serves the push is the one that judges
it: there is no address to find, no secret to check, no path to be too long, nobody else can connect,
and the API's death closes them, which the hook reads as "refuse".

    hook → API   quarantine PATH / OLD NEW REF ... / end
    API → hook   | line to print ... / accept or refuse
"""

import asyncio
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

from crontopus_api.gitstore.embedded.push import RefUpdate, Verdict, parse_update

log = logging.getLogger(__name__)

_HOOK = "pre-receive"
_MAX_QUESTION_BYTES = 1 << 20

Judge = Callable[[str, list[RefUpdate]], Awaitable[Verdict]]


def install_hook(root: Path) -> Path:
    """Write the hook below `root` if it is not there as it should be; its directory.

    Called before every push: git runs no hook at all where there is none, which would let it pass.
    """
    script = (files(__package__) / "hooks" / _HOOK).read_bytes()
    target = root / "hooks" / _HOOK
    if not (target.is_file() and os.access(target, os.X_OK) and target.read_bytes() == script):
        target.parent.mkdir(exist_ok=True)
        # A name of its own: the first requests of a new installation all come this way at once.
        descriptor, temporary = tempfile.mkstemp(prefix=f".{_HOOK}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(script)
            os.fchmod(file.fileno(), 0o755)
        Path(temporary).replace(target)
    return target.parent


class HookChannel:
    """One push's pipes. Give `inherited` and `environment` to the child, call `child_started` once it
    has them, then run `answer`."""

    def __init__(self) -> None:
        question_read, question_write = os.pipe()
        verdict_read, verdict_write = os.pipe()
        self.inherited = (question_write, verdict_read)
        self.environment = {
            "CRONTOPUS_HOOK_OUT": str(question_write),
            "CRONTOPUS_HOOK_IN": str(verdict_read),
        }
        self._question = os.fdopen(question_read, "rb", buffering=0)
        self._verdict = os.fdopen(verdict_write, "wb", buffering=0)
        self._handed_over = False
        self.verdict: Verdict | None = None

    def child_started(self) -> None:
        """Close our copies of the child's ends: when it dies, its question then ends."""
        if not self._handed_over:
            self._handed_over = True
            for fd in self.inherited:
                os.close(fd)

    def close(self) -> None:
        self.child_started()
        self._question.close()
        self._verdict.close()

    async def answer(self, judge: Judge, timeout_seconds: float) -> None:
        """Wait for the hook to ask, if it ever does, and answer. Whatever fails refuses."""
        try:
            question = await self._read_question()
            if question is None:
                return
            self.verdict = await _judged(judge, question, timeout_seconds)
            await asyncio.to_thread(self._verdict.write, _encoded(self.verdict))
        except BrokenPipeError:
            log.info("the pushing client went away before the verdict")
        finally:
            self._verdict.close()  # without a verdict, the hook refuses

    async def _read_question(self) -> bytes | None:
        reader = asyncio.StreamReader(limit=_MAX_QUESTION_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._question
        )
        try:
            return await reader.readuntil(b"\nend\n")
        except asyncio.IncompleteReadError:
            return None  # git ended without asking: nothing to update, or refused by git itself
        except asyncio.LimitOverrunError:
            log.warning("a push names too many refs: refused")
            return None
        finally:
            transport.close()


async def _judged(judge: Judge, question: bytes, timeout_seconds: float) -> Verdict:
    try:
        first, *lines = question.removesuffix(b"\nend\n").split(b"\n")
        path = first.removeprefix(b"quarantine ").decode()
        async with asyncio.timeout(timeout_seconds):
            return await judge(path, [parse_update(line) for line in lines])
    except TimeoutError:
        return Verdict(["crontopus: checking took too long; nothing was changed, push again"])
    except Exception:
        # The edge of the process: whatever is wrong in a validator must refuse, and be seen.
        log.exception("judging a push failed")
        return Verdict(["crontopus: checking failed; nothing was changed, tell your operator"])


def _encoded(verdict: Verdict) -> bytes:
    word = "refuse" if verdict.lines else "accept"
    return "".join(f"{line}\n" for line in (*(f"| {line}" for line in verdict.lines), word)).encode()
