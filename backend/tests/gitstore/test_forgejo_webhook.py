"""Webhooks: what is believed of them, and that what Forgejo sends is."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.forgejo.hooks import webhook_secret
from crontopus_api.gitstore.forgejo.proxy import ForgejoGitHttp
from crontopus_api.gitstore.forgejo.webhook import (
    MAX_BODY_BYTES,
    PushEvent,
    WebhookError,
    WebhookForged,
    WebhookReceiver,
    WebhookTooLarge,
    WebhookUnreadable,
    verify_webhook,
)

from .conftest import TENANT, GitClient, Platform, serve_app
from .forges import Forge

ANN = Author("Ann", "ann@example.org")
KEY = b"k" * 32
OLD, NEW = "1" * 40, "2" * 40


def payload(**changes: object) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "before": OLD,
        "after": NEW,
        "repository": {"name": "job-manifests-acme"},
        **changes,
    }


def signed(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_push() -> None:
    body = json.dumps(payload()).encode()
    event = verify_webhook("s", body, signed("s", body))
    assert event == PushEvent("acme", "refs/heads/main", OLD, NEW)
    assert event.is_main
    body = json.dumps(payload(ref="refs/heads/idea", before="0" * 40)).encode()
    event = verify_webhook("s", body, signed("s", body))
    assert (event.old, event.is_main) == (None, False)


@pytest.mark.parametrize("signature", [None, "", "0" * 64, "sha256=", "é", "\udcff", signed("other", b"{}")])
def test_a_wrong_signature(signature: str | None) -> None:
    with pytest.raises(WebhookForged):
        verify_webhook("s", b"{}", signature)


def test_a_signature_is_of_the_whole_body() -> None:
    body = json.dumps(payload()).encode()
    with pytest.raises(WebhookForged):
        verify_webhook("s", body + b" ", signed("s", body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        json.dumps(payload(after="HEAD")).encode(),
        json.dumps(payload(after=None)).encode(),
        json.dumps(payload(ref=7)).encode(),
        json.dumps(payload(repository="acme")).encode(),
        json.dumps(payload(repository={"name": "acme"})).encode(),
        json.dumps(payload(repository={"name": "job-manifests-../x"})).encode(),
        json.dumps(payload(repository={"name": None})).encode(),
    ],
)
def test_something_else_that_is_signed(body: bytes) -> None:
    with pytest.raises(WebhookUnreadable):
        verify_webhook("s", body, signed("s", body))


def test_a_body_that_is_too_large() -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    with pytest.raises(WebhookTooLarge):
        verify_webhook("s", body, signed("s", body))


@given(
    st.binary(max_size=300) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)
)
def test_nothing_signed_breaks_it(body: bytes | str) -> None:
    data = body if isinstance(body, bytes) else body.encode()
    with pytest.raises(WebhookError):
        verify_webhook("s", data, signed("s", data))


def test_every_repository_has_a_secret_of_its_own() -> None:
    secrets = {webhook_secret(key, slug) for key in (KEY, b"n" * 32) for slug in ("acme", "umbrella")}
    assert len(secrets) == 4


class Pushes:
    def __init__(self) -> None:
        self.events: list[PushEvent] = []
        self.came = asyncio.Condition()
        self.go = asyncio.Event()
        self.go.set()
        self.running = 0

    async def __call__(self, event: PushEvent) -> None:
        self.running += 1
        assert self.running == 1
        async with self.came:
            self.events.append(event)
            self.came.notify_all()
        await self.go.wait()
        self.running -= 1

    async def wait_for(self, count: int) -> list[PushEvent]:
        async with self.came, asyncio.timeout(30):
            await self.came.wait_for(lambda: len(self.events) >= count)
        return self.events


async def nobody(*arguments: object) -> Any:
    raise AssertionError("a webhook needs no caller")


def app_of(forge: Forge, pushes: Pushes, wait_seconds: float = 3.0) -> ForgejoGitHttp:
    receiver = WebhookReceiver(KEY, pushes, wait_seconds=wait_seconds)
    return ForgejoGitHttp(forge.host("proxy").client, authorize=nobody, webhooks=receiver)


async def test_what_forgejo_sends_arrives(forge: Forge, git: GitClient) -> None:
    """The whole way: registered, pushed, delivered, verified. On a real Forgejo too."""
    pushes = Pushes()
    async with serve_app(app_of(forge, pushes)) as port:
        host = forge.host(webhook_url=f"http://127.0.0.1:{port}/git/webhook", webhook_key=KEY)
        await host.ensure_repository("acme", TENANT)
        old = await host.head("acme")
        await git.ok("clone", "-q", forge.address(), "work")
        work = git.home / "work"
        await git.ok("commit", "-q", "--allow-empty", "-m", "m", cwd=work)
        await git.ok("push", "-q", "origin", "main:idea", cwd=work)
        await git.ok("push", "-q", "origin", "main", cwd=work)
        new = await git.ok("rev-parse", "HEAD", cwd=work)
        # Forgejo acts on a push after answering it: the hook is in time for the first commit as well.
        expected = PushEvent("acme", "refs/heads/main", old, new)
        while (await pushes.wait_for(1))[-1] != expected:
            await pushes.wait_for(len(pushes.events) + 1)
        assert {event.ref for event in pushes.events} == {"refs/heads/main"}
        if forge.fake is not None:
            assert {d.status for d in await forge.fake.wait_for_deliveries(1)} == {204}


async def send(
    port: int, body: bytes, signature: str | None, slug: str = "acme", header: str = "X-Forgejo-Signature"
) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        headers = {} if signature is None else {header: signature}
        answer = await client.post(
            f"http://127.0.0.1:{port}/git/webhook/{slug}?key=x", content=body, headers=headers
        )
        return answer.status_code


async def test_the_receivers_answers(fake_forge: Forge) -> None:
    pushes = Pushes()
    body = json.dumps(payload()).encode()
    secret = webhook_secret(KEY, "acme")
    async with serve_app(app_of(fake_forge, pushes)) as port:
        assert await send(port, body, signed(secret, body)) == 204
        assert await send(port, body, signed(secret, body), header="x-gitea-signature") == 204
        assert await send(port, body, signed(secret, body), slug="umbrella") == 401
        assert await send(port, body, None) == 401
        assert await send(port, body, "0" * 64) == 401
        assert await send(port, b"{}", signed(secret, b"{}")) == 400
        assert await send(port, b" " * (MAX_BODY_BYTES + 1), "0" * 64) == 413
        # Signed with umbrella's secret, which umbrella's administrators can see, but about acme.
        assert await send(port, body, signed(webhook_secret(KEY, "umbrella"), body), slug="umbrella") == 401
        assert await send(port, body, signed(secret, body), slug="..") == 404
        idea = json.dumps(payload(ref="refs/heads/idea")).encode()
        assert await send(port, idea, signed(secret, idea)) == 204
    assert [event.ref for event in pushes.events] == ["refs/heads/main"] * 2


async def test_deliveries_that_pile_up_are_told_once(fake_forge: Forge) -> None:
    """Repeated while the first is acted upon: one at a time, and one more afterwards."""
    pushes = Pushes()
    pushes.go.clear()
    secret = webhook_secret(KEY, "acme")
    async with serve_app(app_of(fake_forge, pushes, wait_seconds=0.05)) as port:
        bodies = [json.dumps(payload(after=f"{n:040x}")).encode() for n in range(1, 11)]
        for body in bodies:
            assert await send(port, body, signed(secret, body)) == 204
        assert len(pushes.events) == 1
        pushes.go.set()
        assert [event.new for event in await pushes.wait_for(2)] == [f"{1:040x}", f"{10:040x}"]
        assert await send(port, bodies[0], signed(secret, bodies[0])) == 204
        assert len(pushes.events) == 3


async def test_a_push_that_cannot_be_acted_on_does_no_harm(fake_forge: Forge) -> None:
    async def broken(event: PushEvent) -> None:
        raise RuntimeError("projection failed")

    body = json.dumps(payload()).encode()
    signature = signed(webhook_secret(KEY, "acme"), body)
    receiver = WebhookReceiver(KEY, broken)
    app = ForgejoGitHttp(fake_forge.host("proxy").client, authorize=nobody, webhooks=receiver)
    async with serve_app(app) as port:
        assert await send(port, body, signature) == 204
        assert await send(port, body, signature) == 204


async def test_without_a_receiver_there_is_no_such_address(fake_forge: Forge, platform: Platform) -> None:
    app = ForgejoGitHttp(fake_forge.host("proxy").client, authorize=nobody)
    async with serve_app(app) as port:
        assert await send(port, b"{}", "x") == 404
    assert await send(platform.port, b"{}", "x") == 404
