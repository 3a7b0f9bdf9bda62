"""Jobs that a first ping makes. The job and what was said of it are safe before the sender is answered."""

from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.pending import messages, repository
from crontopus_api.checkins.pending.models import PendingJob
from crontopus_api.checkins.pending.wishes import JobWish
from crontopus_api.checkins.records import CheckIn
from crontopus_api.jobs.changing.judge import Judge, told
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from crontopus_api.manifests import DISCOVERED, job_id, job_path
from crontopus_api.tenants.service import TenantService

# A job that cannot be committed for long must not fill the disk.
_MOST_MESSAGES = 1000
DEFAULT_NAMESPACE = "default"


class PendingJobs:
    def __init__(
        self, database: Database, jobs: JobService, judge: Judge, tenants: TenantService, clock: Clock
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._judge = judge
        self._tenants = tenants
        self._clock = clock

    async def append(self, tenant_id: UUID, pending_id: UUID, check_in: CheckIn) -> bool:
        """Keep one more message of a pending job; False: it is pending no more. Raises Unavailable."""
        async with self._database.tenant(tenant_id) as session:
            if await repository.count_messages(session, tenant_id, pending_id) >= _MOST_MESSAGES:
                raise Unavailable("The job could not be committed yet.", retry_after_seconds=30)
            return await repository.append(session, tenant_id, pending_id, messages.pack(check_in))

    async def create(
        self, tenant_id: UUID, namespace: str | None, name: str, wish: JobWish, check_in: CheckIn
    ) -> Literal["created", "kept", "there"]:
        """Make the job, with its first message. Somebody may be faster: then the message is `kept` with the job,
        or it is `there` already, and has to be reported as any other.

        Raises Invalid (what is wished), Conflict (the name is taken) or Forbidden (the plan is used up).
        """
        namespace = namespace or DEFAULT_NAMESPACE
        if namespace == DISCOVERED:
            raise Invalid(
                "jobs in discovered/ are found on endpoints, not made by pings", code="bad_namespace"
            )
        content = wish.content(namespace, name)
        pending_id = job_id(tenant_id, f"{namespace}/{name}")
        async with self._database.tenant(tenant_id) as session:
            await repository.lock_tenant(session, tenant_id)
            message = messages.pack(check_in)
            if await repository.append(session, tenant_id, pending_id, message):
                return "kept"
            if await self._exists(session, tenant_id, namespace, name):
                return "there"
            await self._judged(session, tenant_id, job_path(namespace, name), content)
            job = PendingJob(
                tenant_id=tenant_id,
                id=pending_id,
                namespace=namespace,
                name=name,
                content=content.decode(),
                created_at=self._clock.now(),
            )
            await repository.add(session, job)
            await repository.append(session, tenant_id, pending_id, message)
        return "created"

    async def _exists(self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> bool:
        try:
            job = await self._jobs.find(session, tenant_id, namespace, name)
        except NotFound:
            return False
        if job.mode != "ping":
            raise Conflict(f"{namespace}/{name} is a job that endpoints run", code="not_pinged")
        return True

    async def _judged(self, session: AsyncSession, tenant_id: UUID, path: str, content: bytes) -> None:
        """By what the commit will be judged by, while there is somebody to tell."""
        judgement = await self._judge.judge(session, tenant_id, {path: content})
        plan = await self._tenants.plan(session, tenant_id)
        jobs = sum(count for _, count in await self._jobs.namespaces(session, tenant_id))
        if jobs + await repository.count(session, tenant_id) >= plan.jobs:
            words = f"the plan {plan.name} has room for {plan.jobs} jobs, and no more"
            raise Forbidden(words, code="over_quota")
        if judgement.errors:
            raise Invalid(told(judgement.errors), code=judgement.errors[0].code)
