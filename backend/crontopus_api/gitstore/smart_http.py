"""What every door to Git over HTTP has in common: who may, how much at once, and how a no is said."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any
from weakref import WeakValueDictionary

from crontopus_api.gitstore.embedded.cgi import Action, Credentials, GitRequest
from crontopus_api.gitstore.embedded.push import GitCaller
from crontopus_api.gitstore.errors import AuthenticationRequired, PermissionDenied, RepositoryHidden, TooOften
from crontopus_api.gitstore.gunzip import BadGzip, Gunzip

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Raises AuthenticationRequired (401), RepositoryHidden (404) or PermissionDenied (403).
Authorize = Callable[[Credentials | None, str, Action], Awaitable[GitCaller]]


class ClientGone(Exception):
    """The client closed the connection."""


class BodyRefused(Exception):
    """The request's body is too large or too slow."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class AnswerCut(Exception):
    """Git ended without a whole answer."""


class Busy(Exception):
    """No place for another request."""


class Places:
    """How many requests are served at once; one repository gets at most half of the places."""

    def __init__(self, count: int, queue_seconds: float) -> None:
        self._half = max(1, count // 2)
        self._queue_seconds = queue_seconds
        self._all = asyncio.Semaphore(count)
        self._per_repository: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def one(self, slug: str) -> AsyncIterator[None]:
        """`Busy` if none gets free in time."""
        own = self._per_repository.setdefault(slug, asyncio.Semaphore(self._half))
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._queue_seconds):
                    await held.enter_async_context(own)
                    await held.enter_async_context(self._all)
            except TimeoutError as error:
                raise Busy from error
            yield


class Answer:
    """`send`, remembering whether an error can still be said in a status line."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False

    async def send(self, message: Message) -> None:
        self._started = True
        await self._send(message)

    async def fail(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        """Say it, or leave the answer unfinished: the server then cuts the connection, which is how
        a client learns that what it got so far is not all."""
        if not self._started:
            await refuse(self._send, status, text, *headers)


async def recognised(
    authorize: Authorize, request: GitRequest, action: Action, send: Send
) -> GitCaller | None:
    """Who asks; `None` after they have been told why not."""
    try:
        return await authorize(request.credentials, request.slug, action)
    except AuthenticationRequired as error:
        message = str(error) or "sign in with any user name and a Crontopus token as the password"
        await refuse(send, 401, message, (b"www-authenticate", b'Basic realm="Crontopus"'))
    except RepositoryHidden:
        await refuse(send, 404, "not found")
    except PermissionDenied as error:
        await refuse(send, 403, str(error) or "this token may not do that")
    except TooOften as error:
        await refuse(send, 429, str(error), (b"retry-after", b"%d" % error.retry_after_seconds))
    return None


async def body_of(
    receive: Receive, limit: int, idle_seconds: float, *, gzipped: bool = False
) -> AsyncIterator[bytes]:
    """The request's body in pieces, unfolded if it is gzipped; `limit` bounds its true size. Raises
    `BodyRefused` and `ClientGone`."""
    gunzip = Gunzip() if gzipped else None
    size = 0
    more = True
    while more:
        try:
            async with asyncio.timeout(idle_seconds):
                message = await receive()
        except TimeoutError as error:
            raise BodyRefused(408, "the request's body stopped coming") from error
        if message["type"] == "http.disconnect":
            raise ClientGone
        more = message.get("more_body", False)
        body: bytes = message.get("body", b"")
        try:
            for piece in gunzip.pieces(body) if gunzip else (body,):
                size += len(piece)
                if size > limit:
                    raise BodyRefused(413, f"the request is larger than {limit} bytes")
                yield piece
            if gunzip and not more:
                gunzip.end()
        except BadGzip as error:
            raise BodyRefused(400, str(error)) from error


async def until_gone(receive: Receive) -> None:
    """After the body: wait for the client to leave, which it may do at any time. Raises `ClientGone`."""
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientGone


async def refuse(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    body = f"{text}\n".encode()
    plain = (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*plain, *headers]})
    await send({"type": "http.response.body", "body": body})
