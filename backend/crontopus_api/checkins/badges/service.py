from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.badges.drawing import BadgeState, badge_state
from crontopus_api.checkins.badges.keys import BadgeKeys, Subject
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import NotFound


class BadgeService:
    def __init__(self, database: Database, jobs: JobService, keys: BadgeKeys, base_url: str) -> None:
        self._database = database
        self._jobs = jobs
        self._keys = keys
        self._base_url = base_url

    async def of_job(self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> str:
        """The badge's address without its ending. Raises NotFound."""
        job = await self._jobs.find(session, tenant_id, namespace, name)
        return self._url(Subject(tenant_id, job_id=job.id))

    def of_label(self, tenant_id: UUID, label: str) -> str:
        return self._url(Subject(tenant_id, label=label))

    async def show(self, key: str) -> tuple[str, BadgeState]:
        """(what the badge is of, how it does), for anybody. Raises NotFound."""
        subject = self._keys.subject_of(key)
        if subject is None:
            raise NotFound("There is no such badge.")
        async with self._database.tenant(subject.tenant_id) as session:
            if subject.job_id is not None:
                return await self._job(session, subject.tenant_id, subject.job_id)
            assert subject.label is not None
            name, _, value = subject.label.partition("=")
            worst = await self._jobs.worst_state(session, subject.tenant_id, labels={name: value})
        return subject.label, badge_state(worst)

    async def _job(self, session: AsyncSession, tenant_id: UUID, job_id: UUID) -> tuple[str, BadgeState]:
        found = await self._jobs.refs(session, tenant_id, [job_id])
        if job_id not in found:
            raise NotFound("There is no such badge.")
        worst = await self._jobs.worst_state(session, tenant_id, job_id=job_id)
        return f"{found[job_id].namespace}/{found[job_id].name}", badge_state(worst)

    def _url(self, subject: Subject) -> str:
        return f"{self._base_url}/badge/{self._keys.key_of(subject)}"
