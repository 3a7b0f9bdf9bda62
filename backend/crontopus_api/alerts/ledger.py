"""What a tenant's findings come to: incidents and lines of timelines to write, and news to tell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.models import Incident, IncidentEvent
from crontopus_api.alerts.routing import About
from crontopus_api.alerts.sources.finding import Wrong
from crontopus_api.alerts.telling import News, Teller
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import Key, add_rows
from crontopus_api.live.topics import announce_each

Row = dict[str, Any]
_NAMED = 5


@dataclass
class Ledger:
    tenant_id: UUID
    opened: dict[UUID, Row] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    told: list[News] = field(default_factory=list)
    put_under: dict[UUID, list[UUID]] = field(default_factory=dict)

    def open(self, wrong: Wrong, at: datetime, reason: str) -> Row:
        """A row that may still be changed until all is written."""
        incident_id = uuid7()
        self.opened[incident_id] = row = {
            "tenant_id": self.tenant_id,
            "id": incident_id,
            "kind": wrong.about.kind,
            "state": "open",
            "severity": wrong.about.severity,
            "title": wrong.title,
            "cause": wrong.cause,
            "opened_because": reason,
            "instance_id": wrong.instance_id,
            "job_id": wrong.about.job_id,
            "endpoint_id": wrong.endpoint_id,
            "opened_at": at,
            "parent_id": None,
            "folded_because": None,
            "muted": False,
            "flapping": False,
            "commit_id": wrong.commit,
        }
        return row

    def note(self, incident_id: UUID, kind: str, at: datetime, message: str) -> None:
        self.events.append(
            {
                "tenant_id": self.tenant_id,
                "id": uuid7(),
                "incident_id": incident_id,
                "at": at,
                "kind": kind,
                "message": message,
            }
        )

    def tell_opened(self, incident_id: UUID, about: About) -> None:
        self.told.append(News(Key(self.tenant_id, incident_id), "opened", about))

    def resolve(self, incident: Incident, at: datetime, words: str) -> None:
        """Who was told that it opened is told, unless it was muted."""
        incident.state, incident.resolved_at = "resolved", at
        self.note(incident.id, "resolved", at, words)
        if not incident.muted:
            self.told.append(News(Key(self.tenant_id, incident.id), "resolved", about_of(incident)))

    def fold(self, incident_id: UUID, parent_id: UUID, at: datetime, words: str) -> None:
        """It becomes a part of another one."""
        row = self.opened.get(incident_id)
        if row is not None:
            # Ten thousand may open as a part of one: the row says it, and the timeline reads it there.
            row["parent_id"], row["folded_because"] = parent_id, words
        else:
            self.put_under.setdefault(parent_id, []).append(incident_id)
            self.note(incident_id, "folded", at, words)


async def write(session: AsyncSession, ledgers: Sequence[Ledger], teller: Teller) -> None:
    """All of them, with the deliveries."""
    await session.flush()
    changed = [each for each in ledgers if each.opened or each.events]
    if not changed:
        return
    opened = [row for each in changed for row in each.opened.values()]
    # Parents before children: also within one statement, whoever reads it.
    await add_rows(session, Incident, sorted(opened, key=lambda row: row["parent_id"] is not None))
    for each in changed:
        for parent_id, ids in each.put_under.items():
            await repository.put_under(session, each.tenant_id, ids, parent_id)
    await add_rows(session, IncidentEvent, [row for each in changed for row in each.events])
    told = [news for each in changed for news in each.told]
    if told:
        await teller.tell(session, told)
    await announce_each(session, [each.tenant_id for each in changed], "incidents")


def about_of(incident: Incident) -> About:
    """For news that go to whom it was told of."""
    return About(incident.kind, incident.severity, job_id=incident.job_id, channel_id=incident.channel_id)


def named(names: Sequence[str], count: int | None = None) -> str:
    """The first of them, and how many more there are. `count`: of all, when these are some."""
    shown, total = names[:_NAMED], len(names) if count is None else count
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return ", ".join(shown) + more
