"""Jobs that go wrong together become parts of one incident (`folding` says which)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import folding, repository
from crontopus_api.alerts.folding import Outage, Trouble
from crontopus_api.alerts.ledger import Ledger, Row, named
from crontopus_api.alerts.models import Incident
from crontopus_api.alerts.routing import About
from crontopus_api.alerts.sources.finding import Finding, Wrong
from crontopus_api.jobs.service import JobService

_WORST: Final = ("info", "warning", "error", "critical")


class Fresh(msgspec.Struct, frozen=True):
    """An incident of a job that has just been opened."""

    row: Row
    finding: Finding
    wrong: Wrong

    @property
    def trouble(self) -> Trouble:
        job_id = self.wrong.about.job_id
        assert job_id is not None
        return Trouble(self.row["id"], job_id, self.row["opened_at"], self.wrong.commit)


@dataclass(frozen=True)
class Together:
    """What has just been opened of one tenant, and the outages that it may be a part of."""

    ledger: Ledger
    fresh: Sequence[Fresh]
    outages: Mapping[UUID, Incident]

    @property
    def since(self) -> datetime:
        return min(each.trouble.at for each in self.fresh) - folding.WINDOW


class Outages:
    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    async def gather(self, session: AsyncSession, together: Sequence[Together]) -> None:
        """Fold those that have something in common; the others are told of one by one."""
        since = {each.ledger.tenant_id: each.since for each in together}
        recent = await repository.recent(session, since) if together else {}
        many = [
            each.ledger.tenant_id
            for each in together
            if len(each.fresh) + len(recent.get(each.ledger.tenant_id, ())) >= folding.LEAST
        ]
        jobs = await self._jobs.counts(session, many) if many else {}
        for each in together:
            tenant_id = each.ledger.tenant_id
            await self._fold(session, each, recent.get(tenant_id, ()), jobs.get(tenant_id, 0))

    async def _fold(
        self, session: AsyncSession, together: Together, recent: Sequence[Trouble], jobs: int
    ) -> None:
        ledger, fresh, outages = together.ledger, together.fresh, together.outages
        troubles = [each.trouble for each in fresh]
        commits = {each.id: each.commit_id for each in outages.values()}
        by_id = {each.row["id"]: each for each in fresh}
        for outage in folding.shared(troubles, recent, commits, jobs):
            members = [by_id[each.id] for each in outage.members if each.id in by_id]
            if outage.id is None:
                self._open(ledger, outage, members, jobs)
            else:
                await self._join(session, ledger, outage, outages[outage.id], jobs)
        for each in fresh:
            if each.row["parent_id"] is None:
                ledger.tell_opened(each.row["id"], each.wrong.about)

    @staticmethod
    def _open(ledger: Ledger, outage: Outage, members: Sequence[Fresh], jobs: int) -> None:
        count = len({each.job_id for each in outage.members})
        title, at = folding.words(outage, count, jobs), min(each.at for each in outage.members)
        first = members[0]
        names = sorted({_job(each) for each in members})
        cause = f"{named(names, count)}; the first of them: {first.wrong.cause}"
        about = _common([each.wrong.about for each in members])
        row = ledger.open(Wrong(about, title, cause, commit=outage.commit), at, title)
        for member in outage.members:
            ledger.fold(member.id, row["id"], member.at, f"a part of: {title}")
        ledger.tell_opened(row["id"], about)

    @staticmethod
    async def _join(
        session: AsyncSession, ledger: Ledger, outage: Outage, incident: Incident, jobs: int
    ) -> None:
        held = await repository.child_counts(session, ledger.tenant_id, [incident.id])
        total = held.get(incident.id, 0) + len(outage.members)
        incident.title = folding.words(outage, total, max(jobs, total))
        for member in outage.members:
            ledger.fold(member.id, incident.id, member.at, f"a part of: {incident.title}")
        newest = max(each.at for each in outage.members)
        ledger.note(incident.id, "changed", newest, f"{len(outage.members)} more jobs: {incident.title}")


async def close_childless(session: AsyncSession, ledger: Ledger, now: datetime) -> None:
    """An outage is over when everything is that it holds."""
    await session.flush()
    for incident in await repository.childless_outages(session, ledger.tenant_id):
        ledger.resolve(incident, now, "all of its jobs are well again")


def _job(fresh: Fresh) -> str:
    return fresh.wrong.title.split(" ", maxsplit=1)[0]


def _common(about: Sequence[About]) -> About:
    """What is true of all of them, and the worst severity: so it goes where each of them would have gone, when they
    would have gone to the same."""
    namespaces = {each.namespace for each in about}
    labels = frozenset.intersection(*(each.labels for each in about))
    severity = max((each.severity for each in about), key=_WORST.index)
    return About("outage", severity, namespaces.pop() if len(namespaces) == 1 else None, labels)
