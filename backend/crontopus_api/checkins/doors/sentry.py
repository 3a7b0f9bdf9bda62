"""Sentry's check-ins: `/api/{project}/cron/{slug}/{key}/`, by query or as JSON.

`key` is the tenant's ping key; which project it is does not matter, the key says whose jobs are meant.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from crontopus_api.checkins.doors import values
from crontopus_api.checkins.doors.asgi import Door, Refused, Reply, Request
from crontopus_api.checkins.doors.monitors import wish_of
from crontopus_api.checkins.doors.names import Slug
from crontopus_api.checkins.doors.reporting import Outcome, Reporter
from crontopus_api.checkins.engine import Outcome as RunOutcome
from crontopus_api.checkins.records import CheckIn, Kind, Target
from crontopus_api.kit.ids import uuid7

BODY_LIMIT = 128 * 1024
_PATH = re.compile(r"/api/[^/]+/cron/(?P<slug>[^/]+)/(?P<key>[A-Za-z0-9_-]+)/?")
_STATUSES: dict[str, tuple[Kind, RunOutcome | None]] = {
    "in_progress": ("start", None),
    "ok": ("finish", "success"),
    "error": ("finish", "failure"),
}
_REFUSALS: dict[Outcome, tuple[int, str]] = {
    "unknown": (404, "There is no such monitor, or no such key. Send a monitor_config to have it made."),
    "ambiguous": (409, "Several namespaces have a job of that name. Write namespace.name."),
    "too_old": (400, "The check-in is too old."),
}


class SentryCheckIn(msgspec.Struct):
    """What is read of a check-in; everything else in it is nobody's business here."""

    status: Any = None
    check_in_id: Any = None
    duration: Any = None
    environment: Any = None
    monitor_slug: Any = None
    monitor_config: Any = None


def is_cron(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


class SentryDoor(Door):
    name = "sentry"

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    async def take(self, request: Request) -> Reply:
        match = _PATH.fullmatch(request.path)
        assert match is not None  # the router asked `is_cron`
        if request.header(b"content-type").startswith("application/json"):
            told = read_json(await _body(request))
        else:
            told = SentryCheckIn(**{name: request.last(name) for name in _BY_QUERY})
        await report(self._reporter, match["key"], match["slug"], told)
        return Reply(202)

    def refusal(self, status: int, words: str) -> Reply:
        return refused(status, words).reply


_BY_QUERY: tuple[Literal["status", "check_in_id", "duration", "environment"], ...] = (
    "status",
    "check_in_id",
    "duration",
    "environment",
)


async def report(reporter: Reporter, key: str, name: str, told: SentryCheckIn) -> None:
    """Answers once it is stored. Raises Refused, or what keeping a check-in raises."""
    slug = Slug.parse(name.lower())
    if slug is None:
        raise refused(400, "The monitor slug is empty or invalid.")
    config = told.monitor_config
    wish = wish_of(config) if isinstance(config, Mapping) else None
    outcome = await reporter.by_slug(key, slug, _check_in(told), wish)
    if outcome in _REFUSALS:
        raise refused(*_REFUSALS[outcome])


def _check_in(told: SentryCheckIn) -> CheckIn:
    if not isinstance(told.status, str) or told.status not in _STATUSES:
        raise refused(400, f"status must be one of {', '.join(_STATUSES)}.")
    kind, outcome = _STATUSES[told.status]
    return CheckIn(
        event_id=uuid7(),
        target=Target(),
        kind=kind,
        source="sentry",
        run_key=_run_key(told.check_in_id),
        outcome=outcome,
        duration_ms=values.milliseconds(told.duration) if kind == "finish" else None,
        environment=values.words(told.environment),
    )


def _run_key(check_in_id: object) -> UUID | None:
    """None for no id and for the all-zero one: the newest run that is in progress is meant."""
    found = values.run_key(check_in_id)
    return found if found is not None and found.int else None


def read_json(data: bytes) -> SentryCheckIn:
    try:
        return msgspec.json.decode(data, type=SentryCheckIn)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refused(400, "The body is no check-in in JSON.") from error


async def _body(request: Request) -> bytes:
    data = await request.body(BODY_LIMIT)
    if data is None:
        raise refused(413, f"A check-in has at most {BODY_LIMIT} bytes.")
    return data


def refused(status: int, words: str) -> Refused:
    return Refused(Reply.json(status, {"detail": words}))
