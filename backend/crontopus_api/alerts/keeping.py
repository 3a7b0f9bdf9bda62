"""From what sources find to incidents: opened, changed, resolved; held by another one, or damped."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.kinds import HOLDING, OF_STATUS, OF_WARNINGS
from crontopus_api.alerts.ledger import Ledger, about_of, named, write
from crontopus_api.alerts.models import Incident
from crontopus_api.alerts.outages import Fresh, Outages, Together, close_childless
from crontopus_api.alerts.routing import About
from crontopus_api.alerts.sources.finding import STATUS, Finding, Subject, subject_of
from crontopus_api.alerts.telling import Teller
from crontopus_api.endpoints.service import OFFLINE_AFTER
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.sql import Key

# The third time within an hour somebody has been told four times; they know.
FLAPS, FLAP_WINDOW = 3, timedelta(hours=1)
WELL_FOR = timedelta(minutes=15)
_DAMPED = (
    ". It goes wrong and right again: nothing more is told until it has been well for"
    f" {WELL_FOR.total_seconds() / 60:.0f} min."
)
# What went wrong since the endpoint was last heard of, and a little before, when it was on its way down.
_ON_THE_WAY_DOWN = OFFLINE_AFTER + timedelta(seconds=15)


@dataclass(frozen=True)
class _Holder:
    """What holds the incidents of an endpoint's jobs."""

    id: UUID
    title: str


@dataclass
class _Batch:
    """A tenant's findings, and what comes of them. `over`: the states of what holds something. `lately`: how many
    incidents instances had within `FLAP_WINDOW`."""

    ledger: Ledger
    findings: list[Finding] = field(default_factory=list)
    known: dict[Subject, Incident] = field(default_factory=dict)
    outages: dict[UUID, Incident] = field(default_factory=dict)
    over: dict[UUID, str] = field(default_factory=dict)
    lately: dict[UUID, int] = field(default_factory=dict)
    holders: dict[UUID, _Holder] = field(default_factory=dict)
    held: dict[UUID, int] = field(default_factory=dict)
    fresh: list[Fresh] = field(default_factory=list)
    back: list[tuple[Incident, Finding]] = field(default_factory=list)
    outage_child_ended: bool = False


class Keeping:
    def __init__(self, jobs: JobService, teller: Teller) -> None:
        self._jobs = jobs
        self._teller = teller
        self._outages = Outages(jobs)

    async def act(self, session: AsyncSession, findings: Sequence[Finding], now: datetime) -> None:
        """Of tenants on which no other worker is at work. However many: it takes the same few statements."""
        if not findings:
            return
        batches = await self._begin(session, findings, now)
        for batch in batches:
            # What holds others comes before what is held.
            for finding in sorted(batch.findings, key=lambda each: each.subject.what not in HOLDING):
                self._settle(batch, finding)
            await self._adopt(session, batch, now)
        fresh = [batch for batch in batches if batch.fresh]
        for batch in fresh:
            _damp(batch)
        await self._outages.gather(
            session, [Together(batch.ledger, batch.fresh, batch.outages) for batch in fresh]
        )
        for batch in batches:
            if batch.back:
                await self._welcome(session, batch)
            if batch.outage_child_ended:
                await close_childless(session, batch.ledger, now)
        await write(session, [batch.ledger for batch in batches], self._teller)

    async def look_again(self, session: AsyncSession, tenant_id: UUID, now: datetime) -> None:
        """What time alone brings about: what was damped has been well for long enough, an outage holds nothing more."""
        ledger = Ledger(tenant_id)
        for incident in await repository.damped(session, tenant_id, now - WELL_FOR):
            ledger.resolve(incident, now, f"well for {WELL_FOR.total_seconds() / 60:.0f} min")
        await close_childless(session, ledger, now)
        await write(session, [ledger], self._teller)

    @staticmethod
    async def _begin(session: AsyncSession, findings: Sequence[Finding], now: datetime) -> Sequence[_Batch]:
        batches: dict[UUID, _Batch] = {}
        for finding in findings:
            tenant_id = finding.subject.tenant_id
            batches.setdefault(tenant_id, _Batch(Ledger(tenant_id))).findings.append(finding)
        instances = {each.subject.key for each in findings if each.subject.what == STATUS}
        past = await repository.past(session, instances, now - FLAP_WINDOW) if instances else {}
        for key, before in past.items():
            batches[key.tenant_id].lately[key.id] = before.lately
        known = [Key(key.tenant_id, each.open) for key, each in past.items() if each.open is not None]
        found = await _concerned(session, findings, known)
        for incident in found:
            batch = batches[incident.tenant_id]
            batch.known.setdefault(subject_of(incident), incident)
            if incident.kind == "outage":
                batch.outages[incident.id] = incident
        parents = {Key(each.tenant_id, each.parent_id) for each in found if each.parent_id is not None}
        if parents and any(each.wrong is not None for each in findings):
            for key, state in (await repository.states_of(session, parents)).items():
                batches[key.tenant_id].over[key.id] = state
        return list(batches.values())

    def _settle(self, batch: _Batch, finding: Finding) -> None:
        incident = batch.known.get(finding.subject)
        is_open = incident is not None and incident.state != "resolved"
        if finding.wrong is None:
            if incident is not None and is_open:
                _better(batch, incident, finding)
        elif incident is None or not (is_open or _ended_since(incident, finding)):
            if not finding.said:
                _open(batch, finding)
        else:
            _hold_by(batch, finding, incident.id, incident.title)
            if is_open:
                _worse(batch, incident, finding)

    @staticmethod
    async def _adopt(session: AsyncSession, batch: _Batch, now: datetime) -> None:
        """What was told of just before its endpoint was declared offline is a part of that as well."""
        for endpoint_id, holder in batch.holders.items():
            row = batch.ledger.opened.get(holder.id)
            if row is None:
                if batch.held.get(endpoint_id):
                    count = batch.held[endpoint_id]
                    batch.ledger.note(holder.id, "changed", now, _went_wrong(count))
                continue
            since = row["opened_at"] - _ON_THE_WAY_DOWN
            ids = await repository.alone_on_endpoint(session, batch.ledger.tenant_id, endpoint_id, since)
            for incident_id in ids:
                batch.ledger.fold(incident_id, holder.id, row["opened_at"], f"a part of: {holder.title}")
            count = batch.held.get(endpoint_id, 0) + len(ids)
            if count:
                row["cause"] = f"{row['cause']} {_went_wrong(count)}"

    async def _welcome(self, session: AsyncSession, batch: _Batch) -> None:
        """An endpoint is back: which of its jobs are not right yet is named, and told only if they turn bad anew."""
        await session.flush()
        tenant_id = batch.ledger.tenant_id
        ids = [incident.id for incident, _ in batch.back]
        left = await repository.open_children(session, tenant_id, ids)
        jobs: dict[UUID, list[UUID]] = {}
        for each in left:
            if each.job_id is not None:
                jobs.setdefault(each.parent_id, []).append(each.job_id)
        shown = list({job for of_one in jobs.values() for job in of_one[:5]})
        refs = await self._jobs.refs(session, tenant_id, shown) if shown else {}
        for incident, finding in batch.back:
            still = jobs.get(incident.id, [])
            names = [f"{refs[job].namespace}/{refs[job].name}" for job in still[:5] if job in refs]
            words = finding.reason
            if still:
                words = f"{words}; not right yet: {named(names, len(still))}"
            incident.cause = words[0].upper() + words[1:] + "."
            batch.ledger.resolve(incident, finding.at, words)


async def _concerned(
    session: AsyncSession, findings: Sequence[Finding], of_status: Sequence[Key]
) -> list[Incident]:
    """Incidents that the findings may be about, locked; of each subject the newest first. `of_status`: those that are
    open of instances' status."""
    warned = {each.subject.key for each in findings if each.subject.what in OF_WARNINGS}
    endpoints = {each.subject.key for each in findings if _of_endpoint(each.subject)}
    said = [each.at for each in findings if each.wrong is not None and _of_endpoint(each.subject)]
    found = [*await repository.watched(session, {each.subject.tenant_id for each in findings})]
    if of_status:
        found += await repository.still_open(session, of_status)
    if warned:
        found += await repository.of_instances(session, warned)
    if endpoints:
        found += await repository.of_endpoints(session, endpoints, min(said, default=None))
    return found


def _open(batch: _Batch, finding: Finding) -> None:
    wrong = finding.wrong
    assert wrong is not None
    row = batch.ledger.open(wrong, finding.at, finding.reason)
    _hold_by(batch, finding, row["id"], wrong.title)
    holder = batch.holders.get(wrong.endpoint_id) if wrong.endpoint_id is not None else None
    if wrong.about.kind not in OF_STATUS:
        batch.ledger.tell_opened(row["id"], wrong.about)
    elif holder is not None and wrong.endpoint_id is not None:
        batch.held[wrong.endpoint_id] = batch.held.get(wrong.endpoint_id, 0) + 1
        batch.ledger.fold(row["id"], holder.id, finding.at, f"a part of: {holder.title}")
    else:
        batch.fresh.append(Fresh(row, finding, wrong))


def _damp(batch: _Batch) -> None:
    for each in batch.fresh:
        times = batch.lately.get(each.finding.subject.id, 0) + 1
        if times >= FLAPS:
            each.row["flapping"] = True
            each.row["cause"] += _DAMPED
            words = f"it went wrong {times} times within an hour"
            batch.ledger.note(each.row["id"], "flapping", each.finding.at, words)


def _hold_by(batch: _Batch, finding: Finding, incident_id: UUID, title: str) -> None:
    if finding.subject.what in HOLDING:
        batch.holders[finding.subject.id] = _Holder(incident_id, title)


def _worse(batch: _Batch, incident: Incident, finding: Finding) -> None:
    """The same subject, another trouble: the incident says so, nobody is told twice."""
    wrong = finding.wrong
    assert wrong is not None
    if incident.kind not in OF_STATUS and incident.title == wrong.title:
        return
    incident.kind, incident.title, incident.cause = wrong.about.kind, wrong.title, wrong.cause
    if incident.flapping:
        incident.well_since, incident.cause = None, wrong.cause + _DAMPED
    batch.ledger.note(incident.id, "changed", finding.at, finding.reason)
    if incident.parent_id is not None and batch.over.get(incident.parent_id) == "resolved":
        # Bad anew, and nobody has heard of it but in passing.
        incident.parent_id = None
        if not (incident.muted or incident.flapping):
            batch.ledger.tell_opened(incident.id, _again(wrong.about, incident))


def _better(batch: _Batch, incident: Incident, finding: Finding) -> None:
    if incident.flapping and not finding.ended:
        incident.well_since = finding.at
        batch.ledger.note(incident.id, "flapping", finding.at, f"{finding.reason}: well for now")
    elif incident.kind in HOLDING:
        batch.back.append((incident, finding))
        # Written with what is left of it; its children are settled first.
        incident.state = batch.over[incident.id] = "resolved"
    else:
        batch.outage_child_ended |= incident.parent_id in batch.outages
        batch.ledger.resolve(incident, finding.at, finding.reason)


def _again(about: About, incident: Incident) -> About:
    return about if about.job_id is not None else about_of(incident)


def _ended_since(incident: Incident, finding: Finding) -> bool:
    """Somebody said that it is over, and nothing new has happened since."""
    return incident.resolved_at is not None and incident.resolved_at >= finding.at


def _of_endpoint(subject: Subject) -> bool:
    return subject.what != STATUS and subject.what not in OF_WARNINGS and subject.what != "repository_invalid"


def _went_wrong(count: int) -> str:
    return f"{count} {'job' if count == 1 else 'jobs'} went wrong there since."
