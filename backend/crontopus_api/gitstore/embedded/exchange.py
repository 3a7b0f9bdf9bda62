"""One request: its body into `git http-backend`, the answer out, and around a push its judgement."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from crontopus_api.gitstore.bare.durable import fsync_recent
from crontopus_api.gitstore.bare.locks import clear_litter, has_litter, hold_shared
from crontopus_api.gitstore.embedded.cgi import GitRequest, environment, parse_head
from crontopus_api.gitstore.embedded.hook import HookChannel, install_hook
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.embedded.limits import BridgeLimits
from crontopus_api.gitstore.embedded.process import CHUNK, BackendProcess
from crontopus_api.gitstore.embedded.push import (
    GitCaller,
    MainMoved,
    PushJudge,
    RefUpdate,
    Verdict,
    quarantine,
)
from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.gitstore.smart_http import AnswerCut, Receive, Send, body_of, until_gone

log = logging.getLogger(__name__)

OnPush = Callable[[MainMoved], Awaitable[None]]

_MAX_HEAD_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class Bridge:
    """What all exchanges share."""

    host: EmbeddedGitHost
    judge: PushJudge
    limits: BridgeLimits
    on_push: OnPush


class Exchange:
    def __init__(self, bridge: Bridge, request: GitRequest, caller: GitCaller) -> None:
        self._host = bridge.host
        self._judge = bridge.judge
        self._limits = bridge.limits
        self._on_push = bridge.on_push
        self._request = request
        self._caller = caller
        self._repository = bridge.host.path(request.slug)
        self._began = time.time()
        self._settled = False

    async def run(self, receive: Receive, send: Send) -> None:
        """Raises `ClientGone`, `BodyRefused`, `AnswerCut`; whatever happens, no child is left and a
        push that took effect has been settled."""
        async with contextlib.AsyncExitStack() as stack:
            pushing = self._request.service == "git-receive-pack" and not self._request.advertisement
            channel = await stack.enter_async_context(self._writing()) if pushing else None
            process = await self._start(channel)
            stack.push_async_callback(self._finish, process, channel)
            answer = asyncio.create_task(self._answer(process, channel, send))
            feed = asyncio.create_task(self._feed(process, receive))
            stack.push_async_callback(_cancel, answer, feed)
            await asyncio.wait({answer, feed}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                answer.result()
            else:
                feed.result()

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[HookChannel]:
        """Around a push: the lock that says somebody writes, and the hook's end of the line."""
        lock = self._host.lock_path(self._request.slug)
        if await asyncio.to_thread(has_litter, self._repository):
            await asyncio.to_thread(clear_litter, lock, self._repository)
        self._lock = await asyncio.to_thread(hold_shared, lock)
        try:
            channel = HookChannel()
            answering = asyncio.create_task(channel.answer(self._judged, self._limits.validate_seconds))
            try:
                yield channel
            finally:
                await _cancel(answering)
                channel.close()
        finally:
            os.close(self._lock)

    async def _start(self, channel: HookChannel | None) -> BackendProcess:
        hooks = await asyncio.to_thread(install_hook, self._host.root)
        limit = self._limits.max_body(self._request.action)
        env = environment(self._request, self._repository, hooks, self._caller.subject, limit)
        inherited: tuple[int, ...] = ()
        if channel is not None:
            env |= channel.environment
            inherited = (*channel.inherited, self._lock)
        label = f"{self._request.service} {self._request.slug}"
        try:
            return await BackendProcess.start(env, inherited, self._limits.max_memory, label)
        finally:
            if channel is not None:
                channel.child_started()

    async def _judged(self, path: str, updates: list[RefUpdate]) -> Verdict:
        incoming = quarantine(self._repository, path)
        return await self._judge.judge(self._request.slug, self._caller, incoming, updates)

    async def _feed(self, process: BackendProcess, receive: Receive) -> None:
        """The body into git; then wait for the client to leave."""
        limit = self._limits.max_body(self._request.action)
        async for piece in body_of(receive, limit, self._limits.idle_seconds, gzipped=self._request.gzipped):
            await process.offer(piece)
        process.stdin.close()
        await until_gone(receive)

    async def _answer(self, process: BackendProcess, channel: HookChannel | None, send: Send) -> None:
        """Git's answer, one piece behind: the last goes out when all is done that it promises."""
        head, held = await self._read_head(process)
        # http-backend writes its head before it reads the request: wait for what the service itself
        # says, so that a body refused meanwhile still gets a status of its own.
        held = held or await process.stdout.read(CHUNK)
        status, headers = parse_head(head)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while piece := await process.stdout.read(CHUNK):
            if held:
                await send({"type": "http.response.body", "body": held, "more_body": True})
            held = piece
        code = await process.wait()
        if code < 0:
            raise AnswerCut(f"git http-backend ended by signal {-code}")
        # A code above 0 is git's own error: said to the client in the answer, which ends as it does.
        await self._settle(channel)
        await send({"type": "http.response.body", "body": held})

    async def _read_head(self, process: BackendProcess) -> tuple[bytes, bytes]:
        text = b""
        while b"\r\n\r\n" not in text:
            piece = await process.stdout.read(CHUNK)
            if not piece or len(text) > _MAX_HEAD_BYTES:
                raise AnswerCut(f"git http-backend answered {text[:100]!r}")
            text += piece
        head, _, body = text.partition(b"\r\n\r\n")
        return head, body

    async def _finish(self, process: BackendProcess, channel: HookChannel | None) -> None:
        """Also after a client that left or a cancelled request: main may have moved all the same."""
        await process.end()
        await self._settle(channel)

    async def _settle(self, channel: HookChannel | None) -> None:
        """After git has ended: flush what it wrote, and report main if this push moved it."""
        if channel is None or self._settled:
            return
        self._settled = True
        await asyncio.to_thread(fsync_recent, self._repository, self._began)
        move = channel.verdict.main if channel.verdict is not None else None
        if move is None or move.new is None:
            return
        try:
            head = await self._host.head(self._request.slug)
            if head is None or not (
                head == move.new or await self._host.is_ancestor(self._request.slug, move.new, head)
            ):
                return  # accepted, but a commit came first and git refused the push itself
            event = MainMoved(self._request.slug, move.old, move.new, self._caller)
            report = asyncio.ensure_future(self._on_push(event))
            _reports.add(report)
            report.add_done_callback(partial(_reported, event))
            await asyncio.wait({report}, timeout=self._limits.on_push_seconds)
        except GitStoreError:
            log.exception("could not see where main of %s is after a push", self._request.slug)


# Reports that outlive their request, held so that they are not collected while they run.
_reports: set[asyncio.Future[None]] = set()


def _reported(event: MainMoved, report: asyncio.Future[None]) -> None:
    _reports.discard(report)
    if not report.cancelled() and (error := report.exception()) is not None:
        log.error("the push of %s to %s was not projected", event.new, event.slug, exc_info=error)


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
