"""Check-ins of the REST API."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins import repository, schemas
from crontopus_api.checkins.models import StatusChange
from crontopus_api.checkins.records import CheckIn, Output, Target
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs.events import InstanceMoved
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Invalid
from crontopus_api.kit.ids import uuid7
from crontopus_api.manifests import instance_id


class CheckInService:
    def __init__(self, database: Database, jobs: JobService, clock: Clock) -> None:
        self._database = database
        self._jobs = jobs
        self._clock = clock

    async def check_in(self, principal: Principal, item: schemas.CheckInIn) -> CheckIn:
        """The internal event of an API check-in. Raises Invalid or NotFound when it names no instance."""
        output = item.output
        return CheckIn(
            event_id=item.event_id or uuid7(),
            target=Target(
                tenant_id=principal.tenant_id,
                instance_id=await self._instance_of(principal, item),
                endpoint_id=principal.endpoint_id,
            ),
            kind=item.kind,
            source="agent" if principal.kind == "endpoint" else "api",
            at=item.at,
            run_key=item.run_id,
            outcome=item.outcome,
            exit_code=item.exit_code,
            duration_ms=schemas.milliseconds(item.duration_seconds),
            slot_at=item.slot_at,
            commit_id=item.commit,
            host=item.host,
            environment=item.environment,
            metrics=item.metrics,
            message=item.message,
            output=Output(output.data, output.total_bytes, output.truncated) if output else None,
        )

    async def _instance_of(self, principal: Principal, item: schemas.CheckInIn) -> UUID:
        if item.instance_id is not None:
            return item.instance_id
        if item.job_id is not None:
            return instance_id(item.job_id, principal.endpoint_id)
        if item.job is None:
            raise Invalid("Say which job: `job` (namespace/name), `job_id` or `instance_id`.")
        namespace, slash, name = item.job.partition("/")
        if not slash:
            raise Invalid("`job` is namespace/name, for example default/hello.")
        async with self._database.tenant(principal.tenant_id) as session:
            job = await self._jobs.find(session, principal.tenant_id, namespace, name)
        return instance_id(job.id, principal.endpoint_id)

    async def record_move(self, session: AsyncSession, event: InstanceMoved) -> None:
        """A definition paused, resumed or ended an instance: alerts hear of it like of any other change."""
        change = StatusChange(
            tenant_id=event.tenant_id,
            instance_id=event.instance_id,
            version=event.version,
            job_id=event.job_id,
            endpoint_id=event.endpoint_id,
            from_state=event.from_state,
            to_state=event.to_state,
            reason=event.reason,
            at=event.at,
            recorded_at=self._clock.now(),
        )
        await repository.add_change(session, change)
