"""No request, whatever it is, makes a door fail: each is answered, and never by a 5xx."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crontopus_api.checkins.doors.directory import Place
from crontopus_api.checkins.doors.reporting import Reporter
from crontopus_api.checkins.doors.router import Doors
from crontopus_api.checkins.metering import CheckInMeter
from crontopus_api.checkins.pending.messages import pack, unpack
from crontopus_api.checkins.records import Answer, CheckIn, Target
from crontopus_api.kit.clock import SystemClock
from crontopus_api.kit.crypto import Keyring

ID = UUID("5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278")
KEY = "fqOOd6-F4MMNuCEnzTU01w"
# As a database sees them: what cannot be a column's value, or a message kept for later, shows here.
_TEXTS = ("message", "host", "environment")


class Kept:
    """Stands for writer, directory and pending jobs: takes everything that the real ones could keep."""

    def __init__(self) -> None:
        self.check_ins: list[CheckIn] = []

    async def submit(self, check_in: CheckIn) -> Answer:
        self.check_ins.append(check_in)
        return Answer(check_in.event_id, "accepted", ID)

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def find(self, *_: object) -> Place:
        return Place(ID, 1, ID, None)


def _storable(check_in: CheckIn) -> None:
    for name in _TEXTS:
        text = getattr(check_in, name)
        assert text is None or "\x00" not in text.encode().decode()
    assert check_in.exit_code is None or abs(check_in.exit_code) < 2**31
    assert check_in.duration_ms is None or 0 <= check_in.duration_ms < 2**63
    when = SystemClock().now()
    again = unpack(pack(check_in), when, Target())
    assert (again.event_id, again.run_key, again.output, again.metrics) == (
        check_in.event_id,
        check_in.run_key,
        check_in.output,
        check_in.metrics,
    )


_segment = st.sampled_from(
    [KEY, str(ID), "hello", "start", "fail", "run", "0", "255", "256", "", "."]
) | st.text(max_size=20)
_head = st.sampled_from(["/ping", "/p", "/api/1/cron", "/api/1/envelope", "/api/1/cron/hello", ""])
_paths = st.builds(lambda head, rest: "/".join([head, *rest]), _head, st.lists(_segment, max_size=4))
_names = ("rid", "create", "schedule", "tz", "grace", "timeout", "state", "series", "duration", "status_code")
_names += ("metric", "message", "host", "env", "stamp", "status", "check_in_id", "environment", "sentry_key")
_json = st.recursive(
    st.sampled_from(["a\x00b", "\ud800", 1e300, True, -1, 2**70, ["day"]])
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_fields = st.fixed_dictionaries(
    {"status": st.sampled_from(["ok", "error", "in_progress"]), "monitor_slug": st.just("hello")},
    optional={
        "check_in_id": _json,
        "duration": _json,
        "environment": _json,
        "monitor_config": _json
        | st.fixed_dictionaries(
            {
                "schedule": st.fixed_dictionaries(
                    {"type": st.just("interval"), "value": _json, "unit": _json}
                )
                | _json
            },
            optional={"checkin_margin": _json, "timezone": _json, "failure_issue_threshold": _json},
        ),
    },
)


def _encoded(data: Any) -> bytes:
    return json.dumps(data).encode()


def _in_envelope(data: Any) -> bytes:
    return b'{"event_id": "x"}\n{"type": "check_in"}\n' + _encoded(data)


_bodies = st.binary(max_size=200) | _fields.map(_encoded) | _fields.map(_in_envelope)
_auth = (b"x-sentry-auth", f"Sentry sentry_key={KEY}".encode())
_headers = st.lists(
    st.just(_auth)
    | st.tuples(st.just(b"content-type"), st.sampled_from([b"application/json", b"text/plain"]))
    | st.tuples(st.just(b"content-encoding"), st.sampled_from([b"gzip", b"br"]) | st.binary(max_size=4))
    | st.tuples(st.just(b"host"), st.sampled_from([b"ping.test", b"ping.test:80"]) | st.binary(max_size=9)),
    max_size=4,
)
_odd = ("a\x00b", "\ud800", "nan", "-1", "1e99", "1e999", "4294967296", "count:nan", "a:1:2", "\u0661", " ")
_value = (
    st.sampled_from(_odd) | st.text(max_size=20) | st.integers().map(str) | st.just("run") | st.just("ok")
)


def _query(pairs: list[tuple[str, str]]) -> bytes:
    return urlencode(pairs, errors="replace").encode()


_queries = st.lists(st.tuples(st.sampled_from(_names), _value), max_size=5).map(_query) | st.binary(
    max_size=30
)


_PROFILE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def _ask(
    method: str, path: str, query: bytes = b"", body: bytes = b"", headers: Sequence[tuple[bytes, bytes]] = ()
) -> int | None:
    """The status of the answer, after a look at what would be kept; None: no door's business."""
    kept = Kept()
    reporter = Reporter(kept, kept, kept, Keyring(b"k" * 32), CheckInMeter(per_minute=0))  # type: ignore[arg-type]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    door = Doors(reporter, SystemClock(), "ping.test").find(scope)
    if door is None:
        return None
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    await door(scope, receive, send)
    assert not (kept.check_ins and method not in {"GET", "POST", "HEAD"})
    for check_in in kept.check_ins:
        _storable(check_in)
    status: int = sent[0]["status"]
    assert bool(kept.check_ins) >= (status < 300 and method == "POST" and door.name != "sentry")
    return status


@settings(_PROFILE, max_examples=300)
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "X"]),
    path=_paths,
    query=_queries,
    headers=_headers,
    body=_bodies,
)
async def test_whatever_is_asked_is_answered(
    method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    status = await _ask(method, path, query, body, headers)
    assert status in {None, 200, 202, 204, 400, 401, 404, 405, 413, 415}


@settings(_PROFILE, max_examples=400)
@given(
    path=st.sampled_from(
        [f"/ping/{ID}", f"/ping/{KEY}/hello/3", f"/p/{KEY}/hello", f"/api/1/cron/hello/{KEY}/"]
    ),
    pairs=st.lists(st.tuples(st.sampled_from(_names), _value), min_size=4, max_size=12),
)
async def test_whatever_the_query_says(path: str, pairs: list[tuple[str, str]]) -> None:
    assert await _ask("POST", path, _query(pairs), b"said") in {200, 202, 400}


@settings(_PROFILE, max_examples=400)
@given(told=_fields, in_envelope=st.booleans())
async def test_whatever_a_json_check_in_says(told: dict[str, Any], in_envelope: bool) -> None:
    if in_envelope:
        query = f"sentry_key={KEY}".encode()
        status = await _ask("POST", "/api/1/envelope/", query, _in_envelope(told))
    else:
        headers = [(b"content-type", b"application/json")]
        status = await _ask("POST", f"/api/1/cron/hello/{KEY}/", b"", _encoded(told), headers)
    assert status in {200, 202, 400}
