"""Channels as they are shown."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.backing_off import BREAKS_AT
from crontopus_api.alerts.channel_schemas import Breaker, ChannelOut, ChannelTarget
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.routing import Router
from crontopus_api.alerts.sealing import ChannelSecrets
from crontopus_api.kit.clock import Clock

_PLAIN = (
    "id",
    "name",
    "kind",
    "builtin",
    "per_minute",
    "config",
    "state",
    "problem",
    "verified_at",
    "created_at",
)


class ChannelPresenter:
    def __init__(self, router: Router, secrets: ChannelSecrets, clock: Clock) -> None:
        self._router = router
        self._secrets = secrets
        self._clock = clock

    async def show(
        self, session: AsyncSession, tenant_id: UUID, channels: Sequence[Channel]
    ) -> list[ChannelOut]:
        to_owners = any(each.kind == "email" and each.config["owners"] for each in channels)
        owners = await self._router.owner_addresses(session, tenant_id) if to_owners else []
        return [
            ChannelOut(
                **{name: getattr(each, name) for name in _PLAIN},
                default=each.is_default,
                secrets=sorted(self._secrets.open(each)),
                targets=_targets(each, owners),
                breaker=self._breaker(each),
            )
            for each in channels
        ]

    def _breaker(self, channel: Channel) -> Breaker:
        state: Literal["closed", "open", "half_open"] = "closed"
        if channel.open_until is not None:
            state = "open" if channel.open_until > self._clock.now() else "half_open"
        elif channel.failures >= BREAKS_AT:
            state = "half_open"
        return Breaker(
            state=state,
            failures=channel.failures,
            failing_since=channel.failing_since,
            open_until=channel.open_until,
        )


def _targets(channel: Channel, owners: Sequence[str]) -> list[ChannelTarget]:
    if channel.kind != "email":
        ready = channel.verified_at is not None
        return [ChannelTarget(target=channel.target, state="ready" if ready else "unverified")]
    named = dict.fromkeys([*(owners if channel.config["owners"] else ()), *channel.config["to"]])
    return [ChannelTarget(target=each, state=_state(channel, owners, each)) for each in named]


def _state(
    channel: Channel, owners: Sequence[str], address: str
) -> Literal["ready", "unverified", "unsubscribed"]:
    if address in channel.unsubscribed:
        return "unsubscribed"
    if address in channel.verified or (channel.config["owners"] and address in owners):
        return "ready"
    return "unverified"
