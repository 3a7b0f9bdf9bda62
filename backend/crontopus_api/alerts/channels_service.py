"""Channels as people set them up."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import channels_repository as repository
from crontopus_api.alerts import deliveries_repository
from crontopus_api.alerts.channel_schemas import ChannelPatch, NewChannel
from crontopus_api.alerts.channels.configs import Config, EmailConfig
from crontopus_api.alerts.channels.webhook import new_secret
from crontopus_api.alerts.failing import ChannelWatch
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.proving import AddressProofs
from crontopus_api.alerts.sealing import ChannelSecrets
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.errors import Conflict, Invalid, NotFound
from crontopus_api.kit.ids import uuid7
from crontopus_api.tenants.plans import used_up
from crontopus_api.tenants.service import TenantService


class ChannelService:
    def __init__(
        self,
        tenants: TenantService,
        secrets: ChannelSecrets,
        proofs: AddressProofs,
        watch: ChannelWatch,
        clock: Clock,
    ) -> None:
        self._tenants = tenants
        self._secrets = secrets
        self._proofs = proofs
        self._watch = watch
        self._clock = clock

    async def page(
        self, session: AsyncSession, tenant_id: UUID, after: UUID | None, limit: int
    ) -> Sequence[Channel]:
        return await repository.page(session, tenant_id, after, limit)

    async def get(self, session: AsyncSession, tenant_id: UUID, channel_id: UUID) -> Channel:
        """Raises NotFound."""
        channel = await repository.get(session, tenant_id, channel_id)
        if channel is None:
            raise _missing()
        return channel

    async def count(self, session: AsyncSession, tenant_id: UUID) -> int:
        """Those that somebody made: the built-in one takes no place of the plan."""
        return await repository.count(session, tenant_id)

    async def create(
        self, session: AsyncSession, tenant_id: UUID, actor: Actor, new: NewChannel
    ) -> tuple[Channel, str | None]:
        """(channel, the signing secret that was made for it). Raises Forbidden (plan) or Conflict (name)."""
        plan = await self._tenants.plan_held(session, tenant_id, "channels")
        if await repository.count(session, tenant_id) >= plan.channels:
            raise used_up(plan, "channels", "channels")
        channel_id, secrets, made = uuid7(), new.config.secrets(), None
        if new.config.kind == "webhook" and "signing_secret" not in secrets:
            made = secrets["signing_secret"] = new_secret()
        channel = Channel(
            tenant_id=tenant_id,
            id=channel_id,
            name=new.name,
            kind=new.config.kind,
            builtin=False,
            is_default=new.default,
            per_minute=new.per_minute,
            target=new.config.shown(),
            config=new.config.public(),
            secret=self._secrets.seal(tenant_id, channel_id, secrets),
            verified=[],
            unsubscribed=[],
            state=_first_state(new.config),
            failures=0,
            created_by=actor.id,
            created_at=self._clock.now(),
        )
        try:
            await repository.add(session, channel)
        except repository.NameTaken as error:
            raise _taken(new.name) from error
        await self._proofs.queue(session, channel)
        await self._record(session, "channel.created", actor, channel, after=_told(channel))
        return channel, made

    async def change(
        self, session: AsyncSession, tenant_id: UUID, actor: Actor, channel_id: UUID, patch: ChannelPatch
    ) -> Channel:
        """Raises NotFound, Conflict, Invalid."""
        channel = await repository.lock(session, tenant_id, channel_id)
        if channel is None:
            raise _missing()
        before = _told(channel)
        channel.name = patch.name or channel.name
        channel.per_minute = patch.per_minute or channel.per_minute
        if patch.default is not None:
            channel.is_default = patch.default
        if patch.config is not None:
            self._reconfigure(channel, patch.config)
        try:
            await repository.flush(session)
        except repository.NameTaken as error:
            raise _taken(str(patch.name)) from error
        if patch.config is not None:
            await self._proofs.queue(session, channel)
        after = _told(channel)
        if patch.config is not None and patch.config.secrets():
            # That they changed, not what they are.
            after |= {"secrets": sorted(patch.config.secrets())}
        if after != before:
            await self._record(session, "channel.changed", actor, channel, before=before, after=after)
        return channel

    def _reconfigure(self, channel: Channel, config: Config) -> None:
        if channel.builtin or config.kind != channel.kind:
            what = (
                "the built-in channel leads to the owners"
                if channel.builtin
                else f"it is of the kind {channel.kind}"
            )
            raise Conflict(
                f"This cannot be changed: {what}.", code="channel_fixed", hint="Make another channel."
            )
        known = self._secrets.open(channel)
        secrets = known | config.secrets()
        try:
            # What is left out stays: the whole must be one that could be made like this.
            whole = type(config).model_validate(config.public() | secrets)
        except ValidationError as error:
            raise Invalid(str(error.errors()[0]["msg"]), code="invalid_config") from error
        changed = whole.public() != channel.config or secrets != known
        channel.config, channel.target = whole.public(), whole.shown()
        channel.secret = self._secrets.seal(channel.tenant_id, channel.id, secrets)
        if isinstance(whole, EmailConfig):
            channel.verified = [each for each in channel.verified if each in whole.to]
            if channel.state == "unverified" and (whole.owners or channel.verified):
                channel.state = "ready"
            elif not (whole.owners or channel.verified):
                channel.state, channel.verified_at = "unverified", None
        elif changed and channel.state == "broken":
            # It may be mended: worth a try at once.
            channel.open_until = None
        elif changed:
            channel.state = "unverified" if channel.verified_at is None else channel.state

    async def delete(self, session: AsyncSession, tenant_id: UUID, actor: Actor, channel_id: UUID) -> None:
        """What waits for it is given up, and says so. Raises NotFound, Conflict."""
        channel = await repository.lock(session, tenant_id, channel_id)
        if channel is None:
            raise _missing()
        if channel.builtin:
            raise Conflict(
                "The built-in channel cannot be deleted.",
                code="channel_fixed",
                hint="Take its mark `default` away when others shall be told instead.",
            )
        await deliveries_repository.give_up(session, tenant_id, channel_id, None, "The channel was deleted.")
        await self._watch.working(session, channel, "The channel was deleted.", self._clock.now())
        await repository.remove(session, tenant_id, channel_id)
        await self._record(session, "channel.deleted", actor, channel, before=_told(channel))

    async def _record(
        self,
        session: AsyncSession,
        action: str,
        actor: Actor,
        channel: Channel,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        await audit.record(
            session,
            action,
            actor,
            Subject("channel", channel.id, channel.name),
            at=self._clock.now(),
            tenant_id=channel.tenant_id,
            before=before,
            after=after,
        )


def _first_state(config: Config) -> str:
    return "ready" if isinstance(config, EmailConfig) and config.owners else "unverified"


def _told(channel: Channel) -> dict[str, Any]:
    """What the audit log says of it: nothing secret."""
    return {
        "name": channel.name,
        "default": channel.is_default,
        "per_minute": channel.per_minute,
        "config": channel.config,
    }


def _missing() -> NotFound:
    return NotFound("There is no such channel.")


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a channel {name} already.", code="name_taken")
