"""Maintenance windows as the status engine knows them: plain data, kept with what is expected of an instance. Pure."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from crontopus_api.manifests import MaintenanceWindow
from crontopus_api.schedules import Schedule


@dataclass(frozen=True, slots=True)
class Window:
    """Either one stretch of time (`start`, `end`) or one that comes again (`schedule`, `seconds`, `timezone`).

    The end does not belong to it.
    """

    start: str | None = None
    end: str | None = None
    schedule: str | None = None
    seconds: int = 0
    timezone: str = "UTC"

    @classmethod
    def of(cls, manifest: MaintenanceWindow) -> "Window":
        spec = manifest.spec
        if spec.start is not None and spec.end is not None:
            return cls(start=spec.start.astimezone(UTC).isoformat(), end=spec.end.astimezone(UTC).isoformat())
        assert spec.duration is not None  # the manifest has one pair or the other
        seconds = int(spec.duration.total_seconds())
        return cls(schedule=spec.schedule, seconds=seconds, timezone=spec.timezone or "UTC")

    def to_json(self) -> dict[str, Any]:
        empty = Window()
        return {name: value for name, value in asdict(self).items() if value != getattr(empty, name)}

    def is_over(self, now: datetime) -> bool:
        """For good, and for so long that no report of then is taken any more."""
        return self.end is not None and _instant(self.end) < now - timedelta(days=35)

    def open_until(self, at: datetime) -> datetime | None:
        """When the window that `at` lies in ends; None when it lies in none."""
        if self.schedule is None:
            assert self.start is not None
            assert self.end is not None
            start, end = _instant(self.start), _instant(self.end)
            return end if start <= at < end else None
        began = _parse(self.schedule, self.timezone).previous_at_or_before(at)
        if began is None:
            return None
        end = began + timedelta(seconds=self.seconds)
        return end if at < end else None


@lru_cache(maxsize=1024)
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@lru_cache(maxsize=1024)
def _parse(expression: str, timezone: str) -> Schedule:
    return Schedule.parse((expression,), timezone)
