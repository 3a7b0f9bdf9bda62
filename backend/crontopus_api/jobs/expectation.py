"""What is expected of an instance: when it should run, and what counts as going wrong.

Kept as JSON with the instance, so that the status engine needs neither Git nor the manifest.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from crontopus_api.manifests import JobManifest
from crontopus_api.schedules import Schedule


@dataclass(frozen=True)
class Expectation:
    mode: Literal["agent", "ping"]
    schedule: tuple[str, ...]
    timezone: str
    grace_seconds: int
    timeout_seconds: int | None
    failure_threshold: int
    recovery_threshold: int
    severity: str
    paused: bool

    @classmethod
    def of(cls, manifest: JobManifest) -> "Expectation":
        spec = manifest.spec
        return cls(
            mode=manifest.mode,
            schedule=spec.schedule,
            timezone=spec.timezone,
            grace_seconds=int(spec.grace.total_seconds()),
            timeout_seconds=int(spec.timeout.total_seconds()) if spec.timeout else None,
            failure_threshold=spec.alerts.failure_threshold,
            recovery_threshold=spec.alerts.recovery_threshold,
            severity=spec.alerts.severity,
            paused=spec.paused or not spec.enabled,
        )

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Expectation":
        return cls(**{**data, "schedule": tuple(data["schedule"])})

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "schedule": list(self.schedule)}

    def same_timing(self, other: "Expectation") -> bool:
        """Whether slots are where they were, so that what is due stays due."""
        mine = (self.mode, self.schedule, self.timezone, self.paused)
        return mine == (other.mode, other.schedule, other.timezone, other.paused)

    def next_due(self, after: datetime, last_accepted: datetime | None) -> datetime | None:
        """The next slot after `after`; None when nothing can be due.

        In ping mode `every N` counts from the last accepted run, and a job that has never reported is not
        due at all: its owner is still setting it up.
        """
        if self.paused:
            return None
        schedule = Schedule.parse(self.schedule, self.timezone)
        if self.mode == "ping":
            if last_accepted is None:
                return None
            schedule = schedule.anchored(last_accepted)
        return schedule.next_after(after)

    def deadline(self, due_at: datetime | None, oldest_start: datetime | None) -> datetime | None:
        """When somebody must look: a slot without a run, or a run over its timeout. None: never."""
        candidates = []
        if due_at is not None:
            candidates.append(due_at + timedelta(seconds=self.grace_seconds))
        if oldest_start is not None and self.timeout_seconds is not None:
            candidates.append(oldest_start + timedelta(seconds=self.timeout_seconds))
        return min(candidates, default=None)
