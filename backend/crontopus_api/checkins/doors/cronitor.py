"""Cronitor's telemetry, for its CLI, its SDKs and whatever calls such an address.

`/p/{key}/{monitor}?state=…` and `/ping/{key}/{monitor}?state=…`, or the state as a last word: `…/run`.
`key` is the tenant's ping key and `monitor` a slug; `/p/{job key}` works as well.
"""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid5

from crontopus_api.checkins.doors import values
from crontopus_api.checkins.doors.asgi import Door, Refused, Reply, Request
from crontopus_api.checkins.doors.names import UUID_PATTERN, Slug
from crontopus_api.checkins.doors.output import read_output
from crontopus_api.checkins.doors.reporting import Outcome, Reporter
from crontopus_api.checkins.doors.wishes import read_wish
from crontopus_api.checkins.engine import Outcome as RunOutcome
from crontopus_api.checkins.records import CheckIn, Kind, Target
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.ids import uuid7

_STATES: dict[str, tuple[Kind, RunOutcome | None]] = {
    "run": ("start", None),
    "complete": ("finish", "success"),
    "fail": ("finish", "failure"),
    # A heartbeat, and a monitor that is declared well: each is a success.
    "tick": ("finish", "success"),
    "ok": ("finish", "success"),
}
_PATH = re.compile(
    rf"/(?:p|ping)/(?P<key>[A-Za-z0-9_-]+)(?:/(?P<monitor>[A-Za-z0-9_.-]+))??(?:/(?P<state>{'|'.join(_STATES)}))?/?"
)
# `/ping/{key}/{slug}/fail` is Healthchecks' as well, and means the same there.
_LAST_WORDS = ("/run", "/complete", "/tick", "/ok", "/run/", "/complete/", "/tick/", "/ok/")
_SUFFIXED = re.compile(r"/ping/[^/]+/[^/]+/[a-z]+/?")
_ANSWERS: dict[Outcome, Reply] = {
    "stored": Reply.text(200, "OK"),
    "created": Reply.text(201, "Created"),
    "unknown": Reply.text(404, "not found"),
    "ambiguous": Reply.text(409, "ambiguous monitor: write namespace.name"),
    "too_old": Reply.text(400, "too old"),
}
# Senders stamp an event once and retry it for a minute or so; a stamp further off is a wrong clock.
_STAMP_BELIEVED_SECONDS = 3600
_EVENTS = UUID("8a4fd0cf-7f27-4bd4-8a55-0b8f6a1d2a0e")


def is_telemetry(path: str, query: bytes) -> bool:
    """Whether a request is Cronitor's: on `/ping/` it shares the address with Healthchecks."""
    if not path.startswith("/ping/"):
        return path.startswith("/p/")
    if query.startswith(b"state=") or b"&state=" in query:
        return True
    return path.endswith(_LAST_WORDS) and _SUFFIXED.fullmatch(path) is not None


class CronitorDoor(Door):
    name = "cronitor"

    def __init__(self, reporter: Reporter, clock: Clock) -> None:
        self._reporter = reporter
        self._clock = clock

    async def take(self, request: Request) -> Reply:
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise Refused(Reply.text(400, "invalid url format"))
        key, monitor, state = match["key"], match["monitor"], match["state"]
        if UUID_PATTERN.fullmatch(key):
            if monitor is not None:
                raise Refused(Reply.text(400, "invalid url format"))
            check_in = await self._read(request, state, self._reporter.of_job(key))
            return _ANSWERS[await self._reporter.write(check_in)]
        if monitor is None:  # a job may be called like a state
            monitor, state = state, None
        slug = Slug.parse(monitor.lower()) if monitor is not None else None
        if slug is None:
            raise Refused(Reply.text(400, "invalid url format"))
        check_in = await self._read(request, state, Target())
        outcome = await self._reporter.by_slug(key, slug, check_in, read_wish(request))
        return _ANSWERS[outcome]

    async def _read(self, request: Request, word: str | None, target: Target) -> CheckIn:
        state = word or request.last("state") or "tick"
        if state not in _STATES:
            raise Refused(Reply.text(400, f"state must be one of {', '.join(_STATES)}"))
        kind, outcome = _STATES[state]
        metrics = values.metrics(_metrics(request))
        duration = request.last("duration") or (metrics or {}).get("duration")
        return CheckIn(
            event_id=_event_id(request),
            target=target,
            kind=kind,
            source="cronitor",
            at=self._stamped(request.last("stamp")),
            run_key=values.run_key(request.last("series")),
            outcome=outcome,
            exit_code=values.exit_code(request.last("status_code")) if kind == "finish" else None,
            duration_ms=values.milliseconds(duration) if kind == "finish" else None,
            message=values.words(request.last("message") or request.last("msg"), values.MESSAGE_LENGTH),
            output=await read_output(request),
            host=values.words(request.last("host")),
            environment=values.words(request.last("env")),
            metrics=metrics,
        )

    def _stamped(self, stamp: str | None) -> datetime | None:
        """When the sender says it happened, as far as that can be believed."""
        seconds = values.number(stamp)
        age = self._clock.now().timestamp() - (seconds or 0)
        if seconds is None or not 0 <= age <= _STAMP_BELIEVED_SECONDS:
            return None
        return datetime.fromtimestamp(seconds, UTC)


def _metrics(request: Request) -> list[str]:
    # Older senders have a parameter each for these two.
    older = [f"{name}:{value}" for name in ("count", "error_count") if (value := request.last(name))]
    return older + request.query.get("metric", [])


def _event_id(request: Request) -> UUID:
    """The CLI numbers its tries and stamps them all alike: together they are one event."""
    if not request.last("stamp"):
        return uuid7()
    said = {name: value for name, value in request.query.items() if name != "try"}
    return uuid5(_EVENTS, repr((request.path, sorted(said.items()))))
