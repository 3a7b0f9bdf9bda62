"""Routes and windows as people see them, and who would be told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import channels_repository
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.routing import schemas
from crontopus_api.alerts.routing.matching import take, takes_all
from crontopus_api.alerts.routing.planning import Book, Plan, names_of, plan
from crontopus_api.alerts.routing.router import Router
from crontopus_api.alerts.routing.targets import About, about_job
from crontopus_api.jobs.alerting import Located
from crontopus_api.jobs.service import JobService
from crontopus_api.jobs.windows import Window
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.sql import Key
from crontopus_api.manifests import AlertRoute, MaintenanceWindow
from crontopus_api.schedules import Schedule


class RouteService:
    def __init__(self, router: Router, jobs: JobService, clock: Clock) -> None:
        self._router = router
        self._jobs = jobs
        self._clock = clock

    async def list(self, session: AsyncSession, tenant_id: UUID) -> Sequence[schemas.RouteOut]:
        """In the order in which they are tried."""
        found = (await self._jobs.routing(session, [tenant_id]))[tenant_id]
        book = await self._router.book(session, tenant_id)
        everyone = await channels_repository.page(session, tenant_id, None, 10_000)
        known = {each.name.lower(): each for each in everyone}
        invalid = await self._jobs.invalid(session, tenant_id, [each.path for each in found.routes])
        shown, ended_by = [], None
        for each in found.routes:
            problems = [
                f"its newest version is not in force: {words}" for words in invalid.get(each.path, ())
            ]
            problems += _problems(each.manifest, book, known)
            if ended_by is not None:
                problems.append(f"nothing gets here: route {ended_by} takes everything and does not continue")
            elif takes_all(each.manifest):
                ended_by = each.manifest.metadata.name
            shown.append(_route_out(each, problems))
        return shown

    async def windows(self, session: AsyncSession, tenant_id: UUID) -> Sequence[schemas.WindowOut]:
        found, now = await self._jobs.routing(session, [tenant_id]), self._clock.now()
        return [_window_out(each, now) for each in found[tenant_id].windows]

    async def test(
        self, session: AsyncSession, tenant_id: UUID, wanted: schemas.RouteTest
    ) -> schemas.RouteTestOut:
        """Nobody is told anything. Raises NotFound for a job that is not there."""
        about = await self._about(session, tenant_id, wanted)
        at = wanted.at.astimezone(UTC) if wanted.at else None
        book = await self._router.book(session, tenant_id, at)
        return _test_out(book, about, plan(book, about))

    async def _about(self, session: AsyncSession, tenant_id: UUID, wanted: schemas.RouteTest) -> About:
        kind, severity = wanted.kind or "failing", wanted.severity or "error"
        if wanted.job is None:
            labels = frozenset((wanted.labels or {}).items())
            return About(kind, severity, wanted.namespace, labels)
        namespace, _, name = wanted.job.partition("/")
        job = await self._jobs.find(session, tenant_id, namespace, name)
        key = Key(tenant_id, job.id)
        about = about_job(job.id, (await self._jobs.subjects(session, [key]))[key], kind)
        return replace(about, severity=wanted.severity) if wanted.severity else about


def _problems(route: AlertRoute, book: Book, known: dict[str, Channel]) -> list[str]:
    steps = [name for step in route.spec.escalate or () for name in step.channels]
    found = []
    for name in dict.fromkeys((*route.spec.channels, *steps)):
        channel = known.get(name.lower())
        if channel is None:
            found.append(f"there is no channel {name!r}: the default channels are told in its place")
        elif channel.state == "unverified":
            found.append(f"the channel {name!r} is not verified: the default channels are told in its place")
        elif channel.id not in book.reached:
            found.append(f"the channel {name!r} leads to nobody: the default channels are told in its place")
        elif channel.state == "broken":
            found.append(f"the channel {name!r} does not work: {channel.problem or 'it was refused'}")
    return found


def _route_out(found: Located[AlertRoute], problems: list[str]) -> schemas.RouteOut:
    route = found.manifest
    return schemas.RouteOut(
        name=route.metadata.name,
        path=found.path,
        enabled=route.spec.enabled,
        spec=_written(route)["spec"],
        problems=problems,
    )


def _window_out(found: Located[MaintenanceWindow], now: datetime) -> schemas.WindowOut:
    manifest, window = found.manifest, Window.of(found.manifest)
    until = window.open_until(now)
    return schemas.WindowOut(
        name=manifest.metadata.name,
        path=found.path,
        reason=manifest.spec.reason,
        spec=_written(manifest)["spec"],
        active=until is not None,
        active_until=until,
        next_start=_next_start(manifest, window, now),
    )


def _next_start(manifest: MaintenanceWindow, window: Window, now: datetime) -> datetime | None:
    if window.schedule is not None:
        return Schedule.parse((window.schedule,), window.timezone).next_after(now)
    start = manifest.spec.start
    return start if start is not None and start > now else None


def _written(manifest: AlertRoute | MaintenanceWindow) -> dict[str, Any]:
    """As somebody wrote it: without defaults."""
    return manifest.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _test_out(book: Book, about: About, made: Plan) -> schemas.RouteTestOut:
    return schemas.RouteTestOut.model_validate(
        {
            "about": {
                "kind": about.kind,
                "severity": about.severity,
                "namespace": about.namespace,
                "labels": dict(sorted(about.labels)),
            },
            "routes": [
                {"name": each.route.metadata.name, "matched": each.matched, "why": each.why}
                for each in take(book.routes, about)
            ],
            "default_route": made.default_route,
            "targets": [
                each.target._asdict()
                | {
                    "channel": each.channel,
                    "route": each.route,
                    "held_until": each.held.until if each.held else None,
                    "why": each.held.why if each.held else None,
                }
                for each in made.told
            ],
            "escalation": [
                {
                    "after_seconds": int(each.after / timedelta(seconds=1)),
                    "route": each.route,
                    "channels": names_of(book, each.channels),
                }
                for each in made.steps
            ],
            "repeat_every_seconds": min(
                (int(each.every / timedelta(seconds=1)) for each in made.repeats), default=None
            ),
        }
    )
