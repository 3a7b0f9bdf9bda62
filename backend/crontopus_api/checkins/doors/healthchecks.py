"""Healthchecks' ping protocol, so that whatever pings Healthchecks pings us by another address.

`/ping/{job key}` or `/ping/{tenant key}/{slug}`, each with `/start`, `/fail`, `/log` or `/{0-255}` after it.
"""

import re
from functools import lru_cache, partial
from typing import NamedTuple
from uuid import UUID

from crontopus_api.checkins.doors.asgi import Ahead, Door, Refused, Reply, Request, Waited
from crontopus_api.checkins.doors.names import UUID_PATTERN, Slug
from crontopus_api.checkins.doors.output import BODY_LIMIT, read_output
from crontopus_api.checkins.doors.reporting import Outcome, Reporter, outcome_of
from crontopus_api.checkins.doors.wishes import read_wish
from crontopus_api.checkins.records import Answer, CheckIn, Kind, Output, Target
from crontopus_api.kit.ids import uuid7

_KEY = r"[A-Za-z0-9_-]+"
_SLUG = r"[a-z0-9_.-]+"
_ACTION = re.compile(r"start|fail|log|[0-9]{1,3}")
_PATH = re.compile(rf"/ping/(?P<key>{_KEY})(?:/(?P<slug>{_SLUG}))?(?:/(?P<action>{_ACTION.pattern}))?/?")
_ANSWERS: dict[Outcome, Reply] = {
    "stored": Reply.text(200, "OK"),
    "created": Reply.text(201, "Created"),
    "unknown": Reply.text(404, "not found"),
    "ambiguous": Reply.text(409, "ambiguous slug"),
    "too_old": Reply.text(400, "too old"),
}


class Ping(NamedTuple):
    """What the address says. `slug` None: `key` is a job's own."""

    key: str
    slug: Slug | None
    kind: Kind
    failed: bool
    exit_code: int | None


class HealthchecksDoor(Door):
    name = "ping"
    headers = ((b"ping-body-limit", str(BODY_LIMIT).encode()),)

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def express(self, path: str) -> Ahead | None:
        """A job's own key, and nothing that must be looked up or read first."""
        try:
            ping = read_path(path)
        except Refused:
            return None
        return partial(self._submit, ping) if ping.slug is None and not self._reporter.rekeying else None

    def _submit(self, ping: Ping, body: bytes) -> Waited:
        check_in = CheckIn(
            event_id=uuid7(),
            target=self._reporter.of_job(ping.key),
            kind=ping.kind,
            source="ping",
            at=self._reporter.now(),
            minted=True,
            outcome="failure" if ping.failed else "success",
            exit_code=ping.exit_code,
            output=Output(body, len(body), False) if body else None,
        )
        return Waited(self._reporter.submit(check_in), _reply)

    async def take(self, request: Request) -> Reply:
        ping = read_path(request.path)
        check_in = CheckIn(
            event_id=uuid7(),
            target=Target() if ping.slug is not None else self._reporter.of_job(ping.key),
            kind=ping.kind,
            source="ping",
            run_key=_run_key(request),
            outcome="failure" if ping.failed else "success",
            exit_code=ping.exit_code,
            output=await read_output(request),
        )
        if ping.slug is None:
            outcome = await self._reporter.write(check_in)
        else:
            outcome = await self._reporter.by_slug(ping.key, ping.slug, check_in, read_wish(request))
        return _ANSWERS[outcome]

    def refusal(self, status: int, words: str) -> Reply:
        # To Healthchecks' clients a check that there is no room for is one that is not there.
        return super().refusal(404 if status == 403 else status, words)


@lru_cache(maxsize=10_000)
def read_path(path: str) -> Ping:
    """Raises Refused for what is no address of a job."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise _refused("invalid url format")
    key, name, action = match["key"], match["slug"], match["action"]
    slug = None
    if UUID_PATTERN.fullmatch(key):
        # What looks like a slug after a job's own key is its action: no job may be called like one.
        if action is None and name is not None and _ACTION.fullmatch(name):
            name, action = None, name
        if name is not None:
            raise _refused("invalid url format")
    else:
        slug = Slug.parse(name) if name is not None else None
        if slug is None:
            raise _refused("invalid url format")
    return _ping(key, slug, action or "")


def _ping(key: str, slug: Slug | None, action: str) -> Ping:
    exit_code = int(action) if action.isdigit() else None
    if exit_code is not None and exit_code > 255:
        raise _refused("invalid url format")
    kind: Kind = "start" if action == "start" else "log" if action == "log" else "finish"
    return Ping(key, slug, kind, action == "fail" or bool(exit_code), exit_code)


def _run_key(request: Request) -> UUID | None:
    given = request.last("rid")
    if given is None:
        return None
    if not UUID_PATTERN.fullmatch(given):
        raise _refused("invalid uuid format")
    return UUID(given)


def _reply(answer: Answer) -> Reply:
    return _ANSWERS[outcome_of(answer)]


def _refused(words: str) -> Refused:
    return Refused(Reply.text(400, words))
