"""What takes check-ins, made once for whichever process serves their doors: the API, or one that does nothing else."""

from dataclasses import dataclass
from pathlib import Path

from crontopus_api.checkins.doors.directory import Directory
from crontopus_api.checkins.doors.reporting import Reporter
from crontopus_api.checkins.heartbeats import Heartbeats
from crontopus_api.checkins.metering import CheckInMeter
from crontopus_api.checkins.pending.service import PendingJobs
from crontopus_api.checkins.senders import Senders
from crontopus_api.checkins.writer import CheckInWriter
from crontopus_api.jobs.changing.judge import Judge
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.database import Database
from crontopus_api.tenants.plans import PLANS
from crontopus_api.tenants.service import TenantService


@dataclass(frozen=True)
class Needs:
    """What comes from other rooms."""

    database: Database
    keyring: Keyring
    tenants: TenantService
    jobs: JobService
    judge: Judge
    clock: Clock


@dataclass(frozen=True)
class Ingest:
    writer: CheckInWriter
    heartbeats: Heartbeats
    meter: CheckInMeter
    reporter: Reporter

    @classmethod
    def wire(
        cls, needs: Needs, *, journal_dir: Path | None, redis_url: str | None, limit: int | None
    ) -> "Ingest":
        """`journal_dir` and `redis_url` None: the process has none. `limit`: check-ins a minute of every key, whatever
        the tenants' plans say; None: what they say."""
        database, keyring, tenants = needs.database, needs.keyring, needs.tenants
        writer = CheckInWriter(database, journal_dir)
        directory = Directory(database, keyring)
        pending = PendingJobs(database, needs.jobs, needs.judge, tenants, needs.clock)
        if limit is not None:
            meter = CheckInMeter(redis_url, per_minute=limit)
        else:
            # Whose plan it is has to be looked up; until then the largest one holds.
            most = max(plan.check_ins_per_minute for plan in PLANS.values())
            senders = Senders(database, keyring, tenants, directory)
            meter = CheckInMeter(redis_url, senders.limits, per_minute=most)
        reporter = Reporter(writer, directory, pending, keyring, meter)
        return cls(writer, Heartbeats(database), meter, reporter)

    def start(self) -> None:
        self.writer.start()
        self.heartbeats.start()
        self.meter.start()

    async def stop(self) -> None:
        """What waits is written first."""
        await self.meter.stop()
        await self.heartbeats.stop()
        await self.writer.stop()
