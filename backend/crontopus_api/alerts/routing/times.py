"""When nobody is to be told: quiet hours and maintenance windows. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from crontopus_api.alerts.routing.matching import is_about
from crontopus_api.alerts.routing.targets import About
from crontopus_api.jobs.windows import Window
from crontopus_api.manifests import AlertRoute, MaintenanceWindow
from crontopus_api.manifests.others import QuietHours
from crontopus_api.manifests.policies import week_of
from crontopus_api.schedules.nominal import DAY, WEEK
from crontopus_api.schedules.zones import load_zone, next_jump, offset_at

SEVERITIES: Final = ("info", "warning", "error", "critical")
# Work on a machine is no reason for its copy to stay unnoticed, nor for a channel that tells nobody anything.
NEVER_IN_MAINTENANCE: Final = ("channel_failing", "clone_suspected")
_MINUTE = timedelta(minutes=1)
# Somebody looks again by then: quiet hours may be all the week long.
_LONGEST = timedelta(days=7)
_MOST_STEPS = 20


@dataclass(frozen=True)
class Held:
    """`why`: in words that follow "not told: "."""

    until: datetime
    why: str


@dataclass(frozen=True)
class Maintenance:
    """A maintenance window as it decides whether people are told."""

    manifest: MaintenanceWindow
    window: Window

    @classmethod
    def of(cls, manifest: MaintenanceWindow) -> "Maintenance":
        return cls(manifest, Window.of(manifest))


def held(about: About, route: AlertRoute | None, windows: Sequence[Maintenance], at: datetime) -> Held | None:
    """Whether something that a route tells of has to wait at that time; `route` None: the default one."""
    own = () if about.kind in NEVER_IN_MAINTENANCE else windows
    quiet = route.spec.quiet_hours if route is not None else None
    if quiet is not None and SEVERITIES.index(about.severity) >= SEVERITIES.index(quiet.below):
        quiet = None
    if quiet is None and not own:
        return None
    until, why = at, ""
    # When one of them ends another may have begun.
    for _ in range(_MOST_STEPS):
        step = _in_maintenance(about, own, until) or _in_quiet(route, quiet, until)
        if step is None:
            break
        why, until = why or step.why, step.until
        if until - at >= _LONGEST:
            break
    return Held(until, why) if why else None


def _in_maintenance(about: About, windows: Iterable[Maintenance], at: datetime) -> Held | None:
    for each in windows:
        if is_about(each.manifest.spec.match, about) and (end := _open_until(each.window, at)) is not None:
            return Held(end, f"maintenance window {each.manifest.metadata.name}")
    return None


def _in_quiet(route: AlertRoute | None, quiet: QuietHours | None, at: datetime) -> Held | None:
    if route is None or quiet is None or (end := quiet_until(quiet, at)) is None:
        return None
    return Held(end, f"quiet hours of route {route.metadata.name}")


@lru_cache(maxsize=4096)
def _open_until(window: Window, at: datetime) -> datetime | None:
    """Of a thousand incidents that open at once, each asks."""
    return window.open_until(at)


def quiet_until(quiet: QuietHours, at: datetime) -> datetime | None:
    """When the quiet that `at` (UTC) lies in ends; None when it lies in none.

    It is quiet whenever the clock on the wall shows a time within: where clocks are set back such an hour comes
    twice, where they are set forward it may not come at all.
    """
    week, zone = week_of(quiet.windows), load_zone(quiet.timezone)
    reached, latest = at, at + _LONGEST
    while reached < latest:
        wall = reached + offset_at(zone, reached)
        minute = (wall.isoweekday() % 7) * DAY + wall.hour * 60 + wall.minute
        left = _left(week, minute)
        if left == 0:
            break
        end = min(reached.replace(second=0, microsecond=0) + left * _MINUTE, latest)
        jump = next_jump(zone, reached, end)
        reached = end if jump is None else jump.at
    return None if reached == at else min(reached, latest)


def _left(week: bytes, minute: int) -> int:
    """For how many minutes it stays quiet; a week at most."""
    end = week.find(0, minute)
    if end < 0:
        end = week.find(0, 0, minute)
        return WEEK if end < 0 else end + WEEK - minute
    return end - minute
