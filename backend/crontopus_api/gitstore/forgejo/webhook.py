"""Forgejo's word that something was pushed: checked, and taken as a hint.

Whoever acts on it asks Forgejo where main is. So a delivery that is repeated, late, or out of order
does no harm, and one that never comes is made up for by polling.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.gitstore.forgejo.hooks import webhook_secret
from crontopus_api.gitstore.host import MAIN_REF
from crontopus_api.gitstore.paths import SLUG_PATTERN, is_object_id, slug_of
from crontopus_api.gitstore.smart_http import BodyRefused, ClientGone, Receive, Send, body_of, refuse

log = logging.getLogger(__name__)

# A push lists its files: 10,000 of them in each of the five commits that Forgejo names are about 3 MB.
MAX_BODY_BYTES = 8 << 20
PATH_PATTERN = rf"(?:/git)?/webhook/(?P<slug>{SLUG_PATTERN})"
SIGNATURE_HEADERS = ("x-forgejo-signature", "x-gitea-signature")
_ABSENT = "0" * 40


class WebhookError(GitStoreError):
    """A delivery that is not acted on."""


class WebhookTooLarge(WebhookError):
    """The body is larger than any delivery: 413."""


class WebhookForged(WebhookError):
    """The signature is missing or wrong: 401."""


class WebhookUnreadable(WebhookError):
    """Signed, but not a push as Forgejo tells of one: 400."""


@dataclass(frozen=True, slots=True)
class PushEvent:
    """`old` and `new` are `None` for a branch that was made or removed."""

    slug: str
    ref: str
    old: str | None
    new: str | None

    @property
    def is_main(self) -> bool:
        return self.ref == MAIN_REF.decode("ascii")


OnPushEvent = Callable[[PushEvent], Awaitable[None]]


def verify_webhook(secret: str, body: bytes, signature: str | None) -> PushEvent:
    """The push that Forgejo tells of. `signature` is the header's hexadecimal HMAC-SHA256 of the body."""
    if len(body) > MAX_BODY_BYTES:
        raise WebhookTooLarge(f"a delivery of {len(body)} bytes, at most {MAX_BODY_BYTES} are read")
    expected = hmac.new(secret.encode(), body, "sha256").hexdigest()
    given = (signature or "").encode("utf-8", "replace")
    if not hmac.compare_digest(expected.encode("ascii"), given):
        raise WebhookForged("the signature is not ours")
    try:
        payload = json.loads(body)
        slug = slug_of(payload["repository"]["name"])
        ref, old, new = payload["ref"], _commit(payload["before"]), _commit(payload["after"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WebhookUnreadable("not a push as Forgejo tells of one") from error
    if slug is None or not isinstance(ref, str):
        raise WebhookUnreadable("not a push to a tenant's repository")
    return PushEvent(slug, ref, old, new)


def _commit(text: str) -> str | None:
    if not is_object_id(text):
        raise ValueError("not a commit's id")
    return None if text == _ABSENT else text


class WebhookReceiver:
    """`POST /git/webhook/{slug}`. `on_push` is told of main only, of one push of a repository at a time:
    what comes meanwhile is told together afterwards."""

    def __init__(self, key: bytes, on_push: OnPushEvent, *, wait_seconds: float = 3.0) -> None:
        self._key = key
        self._on_push = on_push
        # Forgejo gives up after five seconds, and counts that as failed.
        self._wait_seconds = wait_seconds
        self._running: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, PushEvent] = {}

    async def __call__(self, slug: str, headers: Mapping[str, str], receive: Receive, send: Send) -> None:
        try:
            body = b"".join([piece async for piece in body_of(receive, MAX_BODY_BYTES, 10.0)])
            event = self._verified(slug, headers, body)
        except ClientGone:
            return
        except BodyRefused as refused:
            await refuse(send, refused.status, str(refused))
        except WebhookForged as error:
            log.warning("a webhook for %s was refused: %s", slug, error)
            await refuse(send, 401, str(error))
        except WebhookError as error:
            await refuse(send, 400, str(error))
        else:
            if event.is_main:
                await asyncio.wait({self._told(event)}, timeout=self._wait_seconds)
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    def _verified(self, slug: str, headers: Mapping[str, str], body: bytes) -> PushEvent:
        signature = next((headers[name] for name in SIGNATURE_HEADERS if name in headers), None)
        event = verify_webhook(webhook_secret(self._key, slug), body, signature)
        if event.slug != slug:
            raise WebhookForged("signed for another repository")
        return event

    def _told(self, event: PushEvent) -> "asyncio.Task[None]":
        self._next[event.slug] = event
        task = self._running.get(event.slug)
        if task is None:
            task = self._running[event.slug] = asyncio.create_task(self._tell(event.slug))
        return task

    async def _tell(self, slug: str) -> None:
        try:
            while (event := self._next.pop(slug, None)) is not None:
                await self._on_push(event)
        except Exception:
            # The edge of the process: nobody waits for this task. The next round of polling sees the push.
            log.exception("a push to %s was not acted on", slug)
        finally:
            self._running.pop(slug, None)


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    return {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
