"""Looks up what a tenant's routes are made of, and says who is told of what."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import channels_repository
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.routing.planning import Book, Plan, plan
from crontopus_api.alerts.routing.targets import About, owners_row
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

    async def plans(self, session: AsyncSession, about: Sequence[tuple[UUID, About]]) -> list[Plan]:
        """For each of them, which come with their tenants, who is told, and how it goes on: however many, and of
        however many tenants, it takes the same few statements."""
        books = await self.books(session, {tenant_id for tenant_id, _ in about})
        made: dict[tuple[UUID, About], Plan] = {}
        plans = []
        for tenant_id, each in about:
            # Hundreds of jobs that fail together are mostly alike.
            key = (tenant_id, replace(each, job_id=None))
            if key not in made:
                made[key] = plan(books[tenant_id], each)
            plans.append(made[key])
        return plans

    async def book(self, session: AsyncSession, tenant_id: UUID, at: datetime | None = None) -> Book:
        return (await self.books(session, [tenant_id], at))[tenant_id]

    async def books(
        self, session: AsyncSession, tenant_ids: Collection[UUID], at: datetime | None = None
    ) -> dict[UUID, Book]:
        channels = await self._channels(session, tenant_ids)
        found = await self._jobs.routing(session, tenant_ids)
        # Any channel may be named: which of them are told is known only afterwards.
        to_owners = [each for each in tenant_ids if any(map(_to_owners, channels[each]))]
        owners = await self.owners(session, to_owners)
        return {
            each: Book(
                channels[each],
                [route.manifest for route in found[each].routes],
                [Maintenance.of(window.manifest) for window in found[each].windows],
                owners.get(each, []),
                at or self._clock.now(),
            )
            for each in tenant_ids
        }

    async def owners(self, session: AsyncSession, tenant_ids: Collection[UUID]) -> dict[UUID, list[str]]:
        """The addresses of each tenant's owners."""
        people = await self._tenants.owners(session, tenant_ids) if tenant_ids else []
        emails = await self._people.emails(session, {user for _, user in people}) if people else {}
        found: dict[UUID, list[str]] = {}
        for tenant_id, user in people:
            found.setdefault(tenant_id, []).append(emails[user])
        return {tenant_id: sorted(addresses) for tenant_id, addresses in found.items()}

    async def owner_addresses(self, session: AsyncSession, tenant_id: UUID) -> list[str]:
        return (await self.owners(session, [tenant_id])).get(tenant_id, [])

    async def on_tenant_created(self, session: AsyncSession, event: TenantCreated) -> None:
        await self._ensure_owners(session, event.tenant_id)

    async def _channels(
        self, session: AsyncSession, tenant_ids: Collection[UUID]
    ) -> dict[UUID, list[Channel]]:
        found = await channels_repository.usable(session, tenant_ids)
        without = set(tenant_ids) - {each.tenant_id for each in found if each.builtin}
        if without:
            # These tenants were made by a process of a version that knows no channels.
            for tenant_id in without:
                await self._ensure_owners(session, tenant_id)
            found = await channels_repository.usable(session, tenant_ids)
        by_tenant: dict[UUID, list[Channel]] = {each: [] for each in tenant_ids}
        for each in found:
            by_tenant[each.tenant_id].append(each)
        return by_tenant

    async def _ensure_owners(self, session: AsyncSession, tenant_id: UUID) -> None:
        await channels_repository.ensure(session, tenant_id, owners_row(tenant_id, self._clock.now()))


def _to_owners(channel: Channel) -> bool:
    return channel.kind == "email" and bool(channel.config["owners"])
