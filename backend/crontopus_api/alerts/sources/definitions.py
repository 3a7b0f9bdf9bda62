"""A tenant's repository that is not as it should be: files that are not valid, or a main that cannot be read."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.ledger import named
from crontopus_api.alerts.routing import About
from crontopus_api.alerts.sources.finding import Finding, Subject, Wrong
from crontopus_api.jobs.repositories import Ailing, ailing_of

KIND = "repository_invalid"
_SEVERITY = "error"


async def findings(session: AsyncSession, tenant_id: UUID, now: datetime) -> list[Finding]:
    """What somebody called settled is only said again when there is something new."""
    ailing = await ailing_of(session, tenant_id)
    subject = Subject(tenant_id, KIND, tenant_id)
    if ailing is None:
        return [Finding(subject, now, "every file is valid again")]
    title = _title(ailing)
    wrong = Wrong(About(KIND, _SEVERITY), title, _cause(ailing))
    newest = ailing.newest or now
    said = bool(await repository.ended_by_hand(session, tenant_id, [KIND], newest))
    return [Finding(subject, now, title, wrong, said=said)]


def _title(ailing: Ailing) -> str:
    if not ailing.paths:
        return "The repository cannot be read"
    count = len(ailing.paths)
    return f"{count} {'file' if count == 1 else 'files'} of the repository {'is' if count == 1 else 'are'} not valid"


def _cause(ailing: Ailing) -> str:
    if not ailing.paths:
        return ailing.problem or "unknown"
    first = f": {ailing.first_error}" if ailing.first_error else ""
    return f"{named(ailing.paths)}{first}; what was in force before stays in force"
