"""Looks up what a tenant's routes are made of, and says who is told of what."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import channels_repository
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.routing.planning import Book, Plan, plan
from crontopus_api.alerts.routing.targets import About, Target, owners_row
from crontopus_api.alerts.routing.times import Maintenance
from crontopus_api.identity.people import PeopleService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.tenants.service import TenantCreated, TenantService


class Router:
    """Routes are documents of the tenant's repository. What none of them takes goes to the channels that are marked
    for it, and the built-in one, an email to every owner of the tenant, is marked from the first minute."""

    def __init__(self, tenants: TenantService, people: PeopleService, jobs: JobService, clock: Clock) -> None:
        self._tenants = tenants
        self._people = people
        self._jobs = jobs
        self._clock = clock

    async def targets(
        self, session: AsyncSession, tenant_id: UUID, about: Sequence[About]
    ) -> list[list[Target]]:
        """For each of them, to whom it goes, be it later."""
        return [each.targets for each in await self.plans(session, tenant_id, about)]

    async def plans(self, session: AsyncSession, tenant_id: UUID, about: Sequence[About]) -> list[Plan]:
        """For each of them, who is told, and how it goes on: however many, it takes the same few statements."""
        book = await self.book(session, tenant_id)
        repeats = await self.repeats(session, tenant_id, about)
        made: dict[tuple[About, timedelta | None], Plan] = {}
        plans = []
        for each in about:
            repeat = repeats.get(each.job_id) if each.job_id is not None else None
            # Hundreds of jobs that fail together are mostly alike.
            key = (replace(each, job_id=None), repeat)
            if key not in made:
                made[key] = plan(book, each, repeat)
            plans.append(made[key])
        return plans

    async def repeats(
        self, session: AsyncSession, tenant_id: UUID, about: Sequence[About]
    ) -> dict[UUID, timedelta]:
        """How often jobs want to be told of again, of those that say so."""
        jobs = {each.job_id for each in about if each.job_id is not None}
        return await self._jobs.repeats(session, tenant_id, list(jobs)) if jobs else {}

    async def book(self, session: AsyncSession, tenant_id: UUID, at: datetime | None = None) -> Book:
        channels = await self._channels(session, tenant_id)
        found = await self._jobs.routing(session, tenant_id)
        # Any channel may be named: which of them are told is known only afterwards.
        to_owners = any(each.kind == "email" and each.config["owners"] for each in channels)
        owners = await self.owner_addresses(session, tenant_id) if to_owners else []
        windows = [Maintenance.of(each.manifest) for each in found.windows]
        routes = [each.manifest for each in found.routes]
        return Book(channels, routes, windows, owners, at or self._clock.now())

    async def owner_addresses(self, session: AsyncSession, tenant_id: UUID) -> list[str]:
        owners = await self._tenants.owner_ids(session, tenant_id)
        return await self._people.emails(session, owners)

    async def on_tenant_created(self, session: AsyncSession, event: TenantCreated) -> None:
        await self._ensure_owners(session, event.tenant_id)

    async def _channels(self, session: AsyncSession, tenant_id: UUID) -> Sequence[Channel]:
        found = await channels_repository.usable(session, tenant_id)
        if not any(each.builtin for each in found):
            # The tenant was made by a process of a version that knows no channels.
            await self._ensure_owners(session, tenant_id)
            found = await channels_repository.usable(session, tenant_id)
        return found

    async def _ensure_owners(self, session: AsyncSession, tenant_id: UUID) -> None:
        await channels_repository.ensure(session, tenant_id, owners_row(tenant_id, self._clock.now()))
