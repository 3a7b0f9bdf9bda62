"""Sending a test through a channel while somebody waits for the answer: whoever it works for is verified by it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import channels_repository as repository
from crontopus_api.alerts.channel_schemas import TestOut, TestResult
from crontopus_api.alerts.channels.configs import Config
from crontopus_api.alerts.channels.media import Media
from crontopus_api.alerts.channels.medium import To
from crontopus_api.alerts.channels.notification import DeliveryFailed, Probe
from crontopus_api.alerts.failing import ChannelWatch
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.proving import AddressProofs, unproven
from crontopus_api.alerts.routing import Router, addresses
from crontopus_api.alerts.sealing import ChannelSecrets
from crontopus_api.identity.counting import within
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import NotFound, TooManyRequests
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.limits import RateLimits

log = structlog.get_logger()

# A test goes to somebody: it must not become a way to bother them.
_PER_CHANNEL = "10/minute"


@dataclass(frozen=True)
class _Found:
    channel: Channel
    config: Config
    targets: Sequence[str]
    asked: Sequence[str]


class ChannelTests:
    def __init__(
        self,
        database: Database,
        router: Router,
        media: Media,
        secrets: ChannelSecrets,
        proofs: AddressProofs,
        watch: ChannelWatch,
        limits: RateLimits,
        clock: Clock,
        base_url: str,
    ) -> None:
        self._database = database
        self._router = router
        self._media = media
        self._secrets = secrets
        self._proofs = proofs
        self._watch = watch
        self._limits = limits
        self._clock = clock
        self._base_url = base_url

    async def test(self, tenant_id: UUID, actor: Actor, channel_id: UUID) -> TestOut:
        """To every address that may be written to; those that did not say yes yet are asked again.

        Raises NotFound, TooManyRequests. A medium that refuses is an answer, not an error.
        """
        if not await within(self._limits, _PER_CHANNEL, "channel-test", str(tenant_id), str(channel_id)):
            raise TooManyRequests(
                "This channel was tested ten times within a minute.", retry_after_seconds=60
            )
        async with self._database.tenant(tenant_id) as session:
            found = await self._find(session, tenant_id, channel_id)
            await self._proofs.queue(session, found.channel)
        results = [await self._try(found, target, actor.name) for target in found.targets]
        async with self._database.tenant(tenant_id) as session:
            await self._note(session, tenant_id, actor, channel_id, results)
        asked = [
            TestResult(target=each, ok=False, words="It has not said yes: it was asked again.", took_ms=0)
            for each in found.asked
        ]
        return TestOut(ok=bool(results) and all(each.ok for each in results), results=[*results, *asked])

    async def _find(self, session: AsyncSession, tenant_id: UUID, channel_id: UUID) -> _Found:
        channel = await repository.get(session, tenant_id, channel_id)
        if channel is None:
            raise NotFound("There is no such channel.")
        owners = await self._router.owner_addresses(session, tenant_id) if channel.kind == "email" else []
        return _Found(channel, self._secrets.config(channel), addresses(channel, owners), unproven(channel))

    async def _try(self, found: _Found, target: str, by: str) -> TestResult:
        channel, medium = found.channel, self._media[found.channel.kind]
        to = To(channel.tenant_id, channel.id, target, found.config)
        probe = Probe(channel.name, by, f"{self._base_url}/channels/{channel.id}", str(uuid7()))
        began = time.perf_counter()
        try:
            known = await medium.verify(to)
            receipt = await medium.send(to, probe)
        except DeliveryFailed as error:
            return TestResult(
                target=target,
                ok=False,
                words=str(error),
                status=error.status,
                response=error.response,
                took_ms=_since(began),
            )
        words = "It was taken." if known is None else f"It was taken, by {known}."
        return TestResult(
            target=target,
            ok=True,
            words=words,
            status=receipt.status,
            response=receipt.response,
            took_ms=_since(began),
        )

    async def _note(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        actor: Actor,
        channel_id: UUID,
        results: Sequence[TestResult],
    ) -> None:
        channel, now = await repository.lock(session, tenant_id, channel_id), self._clock.now()
        if channel is None:
            return
        refused = [each for each in results if not each.ok]
        if results and not refused:
            channel.state, channel.problem = "ready", None
            channel.verified_at = channel.verified_at or now
            channel.failures, channel.failing_since, channel.open_until = 0, None, None
            await session.flush()
            await self._watch.working(session, channel, "A test message was taken.", now)
        elif refused and channel.state == "unverified":
            channel.problem = refused[0].words
            await session.flush()
        subject = Subject("channel", channel.id, channel.name)
        told = {"ok": not refused, "targets": [each.target for each in results]}
        await audit.record(session, "channel.tested", actor, subject, at=now, tenant_id=tenant_id, after=told)


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
