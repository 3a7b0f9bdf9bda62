"""Makes pending jobs real: one commit per tenant, then what was reported of them, in order and once."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crontopus_api.checkins.pending import messages, repository
from crontopus_api.checkins.pending.models import PendingJob
from crontopus_api.checkins.records import Target
from crontopus_api.checkins.writer import CheckInWriter
from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.identity.principal import system_principal
from crontopus_api.jobs.changing.changes import ChangeService
from crontopus_api.jobs.changing.editing import EditingService
from crontopus_api.jobs.changing.identities import with_ids
from crontopus_api.jobs.changing.proposals import Proposal, Wish
from crontopus_api.jobs.changing.tree import TreeAt
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import CrontopusError, Invalid
from crontopus_api.manifests import instance_id, job_path

log = structlog.get_logger()

_MOST_AT_ONCE = 1000
_MOST_MESSAGES = 500
# Longer than a commit takes. What a killed worker had in hand waits this long, and so does what failed.
_CLAIM_SECONDS = 30


class Adopter:
    def __init__(
        self,
        database: Database,
        changes: ChangeService,
        editing: EditingService,
        jobs: JobService,
        writer: CheckInWriter,
    ) -> None:
        self._database = database
        self._changes = changes
        self._editing = editing
        self._jobs = jobs
        self._writer = writer

    async def round(self) -> int:
        """Adopt what is pending now. Answers 0: what comes meanwhile shall wait, and share the next commit."""
        async with self._database.session(Scope(role="crontopus_scanner")) as session:
            claimed = await repository.claim(session, _CLAIM_SECONDS, _MOST_AT_ONCE)
        by_tenant: dict[UUID, list[PendingJob]] = defaultdict(list)
        for job in sorted(claimed, key=lambda each: (each.namespace, each.name)):
            by_tenant[job.tenant_id].append(job)
        for tenant_id, jobs in by_tenant.items():
            try:
                await self._adopt(tenant_id, jobs)
            except (CrontopusError, GitStoreError, SQLAlchemyError, OSError) as error:
                # One tenant's broken repository must not keep the others waiting; it is tried again.
                log.warning("pending_jobs_not_adopted", tenant_id=str(tenant_id), error=str(error))
        return 0

    async def _adopt(self, tenant_id: UUID, jobs: Sequence[PendingJob]) -> None:
        slug = await self._changes.ensure_repository(tenant_id)
        for job in await self._commit(tenant_id, slug, jobs):
            await self._replay(job)

    async def _commit(self, tenant_id: UUID, slug: str, jobs: Sequence[PendingJob]) -> Sequence[PendingJob]:
        """Those that are in Git now. What is refused (a policy has come meanwhile) is refused alone."""
        files = {job_path(job.namespace, job.name): job.content.encode() for job in jobs}

        async def propose(tree: TreeAt) -> Proposal:
            await tree.contents(list(files))
            found = {path: await tree.file(path) for path in files}
            # Somebody may have pushed a job of that name: then that is the job.
            new = {path: content for path, content in files.items() if found[path] is None}
            edits = await with_ids(self._database, tenant_id, new, found)
            return Proposal(edits, dict.fromkeys(new), _message(list(new)))

        try:
            await self._editing.change(system_principal(tenant_id, slug), propose, Wish())
        except Invalid as refused:
            if len(jobs) > 1:
                return [each for job in jobs for each in await self._commit(tenant_id, slug, [job])]
            log.warning(
                "pending_job_refused", tenant_id=str(tenant_id), paths=list(files), error=str(refused)
            )
            async with self._database.tenant(tenant_id) as session:
                await repository.note_problem(session, tenant_id, [job.id for job in jobs], refused.message)
            return []
        return jobs

    async def _replay(self, pending: PendingJob) -> None:
        """Hand the messages to the writer, then forget them. Killed in between, they are handed over again: the
        writer knows a message by its id."""
        tenant_id = pending.tenant_id
        async with self._database.tenant(tenant_id) as session:
            job = await self._jobs.find(session, tenant_id, pending.namespace, pending.name)
        if job.mode != "ping":
            log.warning("pending_job_is_no_ping_job", tenant_id=str(tenant_id), job_id=str(job.id))
            async with self._database.tenant(tenant_id) as session:
                await repository.drop(session, tenant_id, pending.id)
            return
        target = Target(tenant_id=tenant_id, instance_id=instance_id(job.id, None))
        settled = False
        while not settled:
            await self._hand_over(pending, target)
            async with self._database.tenant(tenant_id) as session:
                settled = await repository.settle(session, tenant_id, pending.id)
        log.info("pending_job_adopted", tenant_id=str(tenant_id), job_id=str(job.id))

    async def _hand_over(self, pending: PendingJob, target: Target) -> None:
        tenant_id = pending.tenant_id
        while True:
            async with self._database.tenant(tenant_id) as session:
                found = await repository.messages(session, tenant_id, pending.id, _MOST_MESSAGES)
            if not found:
                return
            check_ins = [messages.unpack(each.message, each.received_at, target) for each in found]
            for answer in await self._writer.submit_all(check_ins):
                if answer.status not in {"accepted", "duplicate"}:
                    log.warning("pending_check_in_lost", event_id=str(answer.event_id), why=answer.status)
            async with self._database.tenant(tenant_id) as session:
                await repository.forget(session, tenant_id, pending.id, [each.no for each in found])


def _message(paths: Sequence[str]) -> str:
    names = [path.removesuffix(".yaml") for path in paths]
    if len(names) == 1:
        return f"Add {names[0]} on its first ping"
    return f"Add {len(names)} jobs on their first ping\n\n" + "\n".join(f"- {name}" for name in names)
