from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from crontopus_api.kit.schemas import EndpointRef, JobRef, Schema, Time


class Counts(Schema):
    """Runs of a span of days, counted by the day they were first heard of (UTC)."""

    runs: int
    successes: int
    failures: int
    timeouts: int
    lost: int
    missed: int
    skipped: int
    success_rate: float | None = Field(
        description="Successes among runs that came to an end or were missed, 0–1; null: there were none."
    )
    p50_seconds: float | None = Field(description="The days' medians, weighed by their runs.")
    p95_seconds: float | None = Field(description="The highest of the days' 95th percentiles.")


class JobReport(Counts):
    job: JobRef


class EndpointReport(Counts):
    endpoint: EndpointRef


# So far from both ends of the calendar that no reckoning with days leaves it.
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(9000, 1, 1))]


class ReportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Day | None = Field(
        None, alias="from", description="First day (UTC); default: 29 days before `to`."
    )
    last: Day | None = Field(None, alias="to", description="Last day, included; default: today.")


class UptimeOut(Schema):
    """How long a job was well, among the time in which that is known.

    Down is when an instance was missed, failing or stuck. Time in which all were new, paused or not expected does not
    count; a miss that a late report took back was none.
    """

    since: Time
    until: Time
    uptime: float | None = Field(description="0–1; null: nothing is known of that time.")
    down_seconds: int
    known_seconds: int
    instances: list["InstanceUptime"]


class InstanceUptime(Schema):
    instance_id: UUID
    uptime: float | None
    down_seconds: int
    known_seconds: int
