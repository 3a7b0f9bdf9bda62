"""More routes of the fake server: what happens to incidents, and who would be told. Answers are the API's shapes."""

from typing import Any

from cli_tests.fake_server import Answer, FakeServer, Json, Problem, Query, incident, paged, route

ROUTE: Json = {
    "name": "nights",
    "path": ".crontopus/routes/nights.yaml",
    "enabled": True,
    "spec": {
        "match": {"namespaces": ["production"], "matchLabels": {"team": "db"}},
        "severities": ["critical"],
        "channels": ["On call", "gone"],
        "continue": False,
    },
    "problems": ["there is no channel `gone`: told to the default channels"],
}
TRIED: Json = {
    "about": {
        "kind": "failing", "severity": "critical", "namespace": "production", "labels": {"team": "db"},
    },
    "routes": [
        {"name": "days", "matched": False, "why": "only for severity info"},
        {"name": "nights", "matched": True, "why": "matches"},
    ],
    "default_route": False,
    "targets": [
        {
            "channel_id": "0195f3a0-0000-7000-8000-0000000000c1",
            "channel": "On call",
            "kind": "pagerduty",
            "target": "PagerDuty (us)",
            "route": "nights",
            "held_until": "2026-11-22T18:00:00.000Z",
            "why": "quiet hours",
        }
    ],
    "escalation": [{"after_seconds": 900, "route": "nights", "channels": ["Boss"]}],
    "repeat_every_seconds": 14_400,
}  # fmt: skip
WINDOWS: list[Json] = [
    {
        "name": "disks",
        "path": ".crontopus/windows/disks.yaml",
        "reason": "new disks",
        "spec": {"start": "2026-11-22T11:00:00Z", "end": "2026-11-22T14:00:00Z"},
        "active": True,
        "active_until": "2026-11-22T14:00:00.000Z",
        "next_start": None,
    },
    {
        "name": "sundays",
        "path": ".crontopus/windows/sundays.yaml",
        "reason": None,
        "spec": {"match": {"namespaces": ["batch"]}, "schedule": "0 3 * * 0", "duration": "2h"},
        "active": False,
        "active_until": None,
        "next_start": "2026-11-29T03:00:00.000Z",
    },
    {
        "name": "was",
        "path": ".crontopus/windows/was.yaml",
        "reason": None,
        "spec": {"start": "2026-11-01T11:00:00Z", "end": "2026-11-01T14:00:00Z"},
        "active": False,
        "active_until": None,
        "next_start": None,
    },
]
CHANNELS = [
    {"id": f"0195f3a0-0000-7000-8000-0000000000c{number}", "name": name}
    for number, name in enumerate(["Owners", "twice", "twice"])
]


def folded(**more: Any) -> Json:
    """An incident as it is since they fold, flap and can be muted."""
    return incident() | {
        "acknowledged_at": None,
        "acknowledged_by": None,
        "snoozed_until": None,
        "channel_id": None,
        "parent_id": None,
        "children": 3,
        "muted": False,
        "flapping": False,
        "cause": "the endpoint is off",
    } | more  # fmt: skip


@route("GET", "/incidents/([^/]+)")
def _incident(server: FakeServer, _body: Json, _query: Query, identifier: str) -> Answer:
    events = [{"at": "2026-11-21T02:10:00Z", "kind": "folded", "message": "3 jobs\x1b\n\nof db-1"}]
    return 200, _find(server, identifier) | {"events": events}


@route("POST", "/incidents/([^/]+)/(acknowledge|snooze|mute|unmute|resolve|comment)")
def _act(server: FakeServer, _body: Json, _query: Query, identifier: str, _act: str) -> Answer:
    return 200, _find(server, identifier)


def _find(server: FakeServer, identifier: str) -> Json:
    for each in server.incidents:
        if each["id"] == identifier:
            return each
    raise Problem(404, "not_found", "there is no such incident")


@route("GET", "/routes")
def _routes(_server: FakeServer, _body: Json, query: Query) -> Answer:
    return paged([ROUTE], query)


@route("POST", "/routes/test")
def _try(_server: FakeServer, _body: Json, _query: Query) -> Answer:
    return 200, TRIED


@route("GET", "/maintenance-windows")
def _windows(_server: FakeServer, _body: Json, query: Query) -> Answer:
    return paged(WINDOWS, query)


@route("GET", "/channels")
def _channels(_server: FakeServer, _body: Json, query: Query) -> Answer:
    return paged(CHANNELS, query)


@route("POST", "/deliveries/([^/]+)/resend")
def _resend(_server: FakeServer, _body: Json, _query: Query, identifier: str) -> Answer:
    return 200, {"id": identifier, "state": "pending", "tries": []}


@route("POST", "/endpoints/([^/]+)/unlock")
def _unlock(server: FakeServer, _body: Json, _query: Query, identifier: str) -> Answer:
    [found] = [each for each in server.endpoints if each["id"] == identifier]
    return 200, found | {"state": "offline"}
