"""Which routes an incident takes, who is told then, and when nobody is. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontopus_api.alerts import kinds
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.routing.matching import Rules, take
from crontopus_api.alerts.routing.planning import Book, plan
from crontopus_api.alerts.routing.targets import About
from crontopus_api.alerts.routing.times import Maintenance, held, quiet_until
from crontopus_api.manifests import AlertRoute
from crontopus_api.manifests.others import AlertRouteSpec, IncidentKind

from .routed import route, window

NIGHT = {"windows": [{"from": "22:00", "to": "07:00"}]}
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 3, 0, tzinfo=UTC)


def about(kind: str = "failing", severity: str = "error", **more: Any) -> About:
    labels = frozenset(more.pop("labels", {"team": "data"}).items())
    return About(kind, severity, more.pop("namespace", "production"), labels, **more)


def channel(name: str, **more: Any) -> Channel:
    values = {
        "id": uuid4(),
        "kind": "slack",
        "target": f"#{name}",
        "is_default": False,
        "builtin": False,
        "failures": 0,
        "state": "ready",
    }
    return Channel(name=name, **(values | more))


def book(*routes: AlertRoute, at: datetime = NOON, windows: Any = (), channels: Any = None) -> Book:
    standard = [channel("everybody", is_default=True), channel("Ops"), channel("on call"), channel("data")]
    return Book(channels or standard, routes, [Maintenance.of(each) for each in windows], [], at)


def told(made: Any) -> dict[str, str | None]:
    return {each.channel: each.route for each in made.told}


def test_manifests_know_every_kind_of_incident() -> None:
    assert IncidentKind == kinds.IncidentKind


@pytest.mark.parametrize(
    ("spec", "subject", "why"),
    [
        ({}, about(), None),
        ({"enabled": False}, about(), "it is not enabled"),
        ({"incidents": ["missed"]}, about(), "it is about missed, not failing"),
        (
            {"severities": ["critical", "info"]},
            about(),
            "it wants the severity critical or info, not error",
        ),
        (
            {"match": {"namespaces": ["a", "b"]}},
            about(),
            "it wants the namespace a or b; not production",
        ),
        (
            {"match": {"namespaces": ["a"]}},
            about("endpoint_offline", namespace=None),
            "it wants the namespace a; this is about no job",
        ),
        (
            {"match": {"matchLabels": {"team": "x"}}},
            about(),
            "it wants the label team to be 'x'; it is 'data'",
        ),
        (
            {"match": {"matchLabels": {"role": "db"}}},
            about(),
            "it wants the label role to be 'db'; there is none",
        ),
        ({"match": {"matchLabels": {"team": "data"}, "namespaces": ["production"]}}, about(), None),
        ({"incidents": ["endpoint_offline"], "match": {"matchLabels": {"team": "data"}}},
         about("endpoint_offline", namespace=None), None),
    ],
)  # fmt: skip
def test_a_route_says_why_it_does_not_match(spec: dict[str, Any], subject: About, why: str | None) -> None:
    [tried] = take([route(channels=["ops"], **spec)], subject)
    assert tried.matched is (why is None)
    assert why is None or tried.why == why


def test_a_route_that_does_not_continue_ends_it() -> None:
    first, second, third = (
        route("a", channels=["ops"]),
        route("b", channels=["data"], **{"continue": False}),
        None,
    )
    third = route("c", channels=["on call"])
    made = plan(book(first, second, third), about())
    assert told(made) == {"Ops": "a", "data": "b"}
    assert not made.default_route
    assert [each.why for each in take([first, second, third], about())][2] == (
        "route b took it and does not continue"
    )
    # One that does not match ends nothing.
    other = route("b", channels=["data"], severities=["info"], **{"continue": False})
    assert told(plan(book(first, other, third), about())) == {"Ops": "a", "on call": "c"}


def test_what_no_route_takes_goes_to_the_default_channels() -> None:
    made = plan(book(route(channels=["ops"], severities=["info"])), about())
    assert (told(made), made.default_route) == ({"everybody": None}, True)


@pytest.mark.parametrize("name", ["no such", "unverified", "left"])
def test_in_place_of_a_channel_that_cannot_be_used_the_default_ones_are_told(name: str) -> None:
    channels = [
        channel("everybody", is_default=True),
        channel("ops"),
        # Nobody is left of whom it may tell.
        channel("left", kind="email", config={"to": ["x@example.org"], "owners": False}, verified=[], unsubscribed=[]),
    ]  # fmt: skip
    made = plan(book(route(channels=["ops", name]), channels=channels), about())
    assert (told(made), made.default_route) == ({"ops": "ops", "everybody": None}, True)
    assert told(plan(book(route(channels=["ops"]), channels=channels), about())) == {"ops": "ops"}


def test_a_channel_that_fails_does_not_tell_of_it() -> None:
    broken, other = channel("ops", failures=7), channel("data", is_default=True)
    subject = About("channel_failing", "error", channel_id=broken.id)
    made = plan(book(route(channels=["ops"]), channels=[broken, other]), subject)
    assert told(made) == {"data": None}


def test_each_is_told_once_and_by_the_route_that_does_not_wait() -> None:
    night = route("a", channels=["ops", "data"], quietHours=NIGHT)
    day = route("b", channels=["ops"])
    made = plan(book(night, day, at=MIDNIGHT), about())
    found = {each.channel: each.held for each in made.told}
    assert found["Ops"] is None
    assert found["data"] is not None
    assert (found["data"].until, found["data"].why) == (
        datetime(2026, 11, 3, 7, tzinfo=UTC),
        "quiet hours of route a",
    )


def test_what_is_severe_enough_is_told_at_once() -> None:
    night = route(channels=["ops"], quietHours=NIGHT)
    low = route(channels=["ops"], quietHours=NIGHT | {"below": "warning"})
    for severity, held_back, held_low in (
        ("info", True, True),
        ("warning", True, False),
        ("error", True, False),
        ("critical", False, False),
    ):
        subject = about(severity=severity)
        assert (held(subject, night, [], MIDNIGHT) is not None) is held_back
        assert (held(subject, low, [], MIDNIGHT) is not None) is held_low


def test_a_maintenance_window_holds_what_it_is_about_whatever_the_route() -> None:
    upgrade = Maintenance.of(
        window(match={"namespaces": ["production"]}, start="2026-11-02T11:00:00Z", end="2026-11-02T14:00:00Z")
    )
    for way in (route(channels=["ops"]), None):
        found = held(about(severity="critical"), way, [upgrade], NOON)
        assert found is not None
        assert (found.until.hour, found.why) == (14, "maintenance window upgrade")
    assert held(about(namespace="staging"), None, [upgrade], NOON) is None
    everything = Maintenance.of(window(start="2026-11-02T11:00:00Z", end="2026-11-02T14:00:00Z"))
    for kind in ("channel_failing", "clone_suspected"):
        assert held(about(kind, namespace=None), None, [everything], NOON) is None
    assert held(about("endpoint_offline", namespace=None), None, [everything], NOON) is not None


def test_one_that_begins_before_the_other_ends_goes_on() -> None:
    upgrade = Maintenance.of(window(start="2026-11-02T20:00:00Z", end="2026-11-02T23:00:00Z"))
    late = Maintenance.of(window("late", schedule="30 6 * * *", duration="1h"))
    at = datetime(2026, 11, 2, 21, tzinfo=UTC)
    found = held(about(), route(channels=["ops"], quietHours=NIGHT), [upgrade, late], at)
    assert found is not None
    assert (found.until, found.why) == (
        datetime(2026, 11, 3, 7, 30, tzinfo=UTC),
        "maintenance window upgrade",
    )


def test_repeats_come_from_the_route_else_from_the_job() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    ways = [
        route("a", channels=["ops", "data"], repeatEvery="2h"),
        route("b", channels=["data", "on call"]),
    ]
    made = plan(book(*ways), about(repeat=day))
    assert sorted((each.every, each.route, len(each.channels)) for each in made.repeats) == [
        (2 * hour, "a", 2),
        (day, "b", 1),
    ]
    assert plan(book(*ways[1:]), about()).repeats == []
    assert [each.every for each in plan(book(), about(repeat=hour)).repeats] == [hour]


def test_steps_come_in_order_of_time_and_never_lead_nowhere() -> None:
    first = [{"after": "15m", "channels": ["on call"]}, {"after": "1h", "channels": ["gone"]}]
    second = [{"after": "30m", "channels": ["data"]}]
    ways = book(route("a", channels=["ops"], escalate=first), route("b", channels=["ops"], escalate=second))
    names = {each.id: each.name for each in ways.channels}
    found = [
        (each.after.seconds // 60, each.route, each.number, [names[one] for one in each.channels])
        for each in plan(ways, about()).steps
    ]
    assert found == [
        (15, "a", 1, ["on call"]),
        (30, "b", 1, ["data"]),
        (60, "a", 2, ["everybody"]),
    ]


# Quiet hours where clocks change.
LONDON, NEW_YORK, LORD_HOWE = "Europe/London", "America/New_York", "Australia/Lord_Howe"


def _until(zone: str, windows: list[dict[str, Any]], at: datetime) -> datetime | None:
    spec = AlertRouteSpec.model_validate(
        {"channels": ["a"], "quietHours": {"timezone": zone, "windows": windows}}
    )
    assert spec.quiet_hours is not None
    return quiet_until(spec.quiet_hours, at)


@pytest.mark.parametrize(
    ("zone", "stretch", "at", "until"),
    [
        ("UTC", ("22:00", "07:00"), "2026-11-02T21:59:59", None),
        ("UTC", ("22:00", "07:00"), "2026-11-02T22:00:00", "2026-11-03T07:00:00"),
        ("UTC", ("22:00", "07:00"), "2026-11-03T06:59:59", "2026-11-03T07:00:00"),
        ("UTC", ("22:00", "07:00"), "2026-11-03T07:00:00", None),
        # Spring: the night is an hour shorter.
        (LONDON, ("22:00", "07:00"), "2026-03-28T22:00:00", "2026-03-29T06:00:00"),
        # Its end is skipped: quiet ends with the jump.
        (LONDON, ("00:00", "01:30"), "2026-03-29T00:10:00", "2026-03-29T01:00:00"),
        # All of it is skipped: there is none.
        (LONDON, ("01:10", "01:50"), "2026-03-29T01:00:00", None),
        # Autumn: an hour longer.
        (LONDON, ("22:00", "07:00"), "2026-10-24T22:00:00", "2026-10-25T07:00:00"),
        # An hour that comes twice is quiet twice, and what lies between is not.
        (LONDON, ("01:10", "01:20"), "2026-10-25T00:10:00", "2026-10-25T00:20:00"),
        (LONDON, ("01:10", "01:20"), "2026-10-25T00:30:00", None),
        (LONDON, ("01:10", "01:20"), "2026-10-25T01:10:00", "2026-10-25T01:20:00"),
        # It ends at the very minute at which clocks go back into it.
        (LONDON, ("00:00", "02:00"), "2026-10-25T00:30:00", "2026-10-25T02:00:00"),
        (NEW_YORK, ("20:00", "06:00"), "2026-11-01T01:00:00", "2026-11-01T11:00:00"),
        (LORD_HOWE, ("01:00", "03:00"), "2026-10-03T14:45:00", "2026-10-03T16:00:00"),
    ],
)
def test_quiet_hours_keep_to_the_clock_on_the_wall(
    zone: str, stretch: tuple[str, str], at: str, until: str | None
) -> None:
    instants = [datetime.fromisoformat(each).replace(tzinfo=UTC) if each else None for each in (at, until)]
    assert instants[0] is not None
    assert _until(zone, [{"from": stretch[0], "to": stretch[1]}], instants[0]) == instants[1]


def test_stretches_that_touch_are_one_and_days_are_those_of_the_beginning() -> None:
    weekend = [
        {"days": ["sat", "sun"], "from": "00:00", "to": "00:00"},
        {"days": ["fri"], "from": "18:00", "to": "00:00"},
    ]
    friday = datetime(2026, 11, 6, 18, tzinfo=UTC)
    assert _until("UTC", weekend, friday) == datetime(2026, 11, 9, tzinfo=UTC)
    assert _until("UTC", weekend, friday - timedelta(minutes=1)) is None
    over_night = [{"days": ["fri"], "from": "22:00", "to": "06:00"}]
    assert _until("UTC", over_night, datetime(2026, 11, 7, 5, tzinfo=UTC)) is not None
    assert _until("UTC", over_night, datetime(2026, 11, 6, 5, tzinfo=UTC)) is None


def test_who_is_never_to_be_told_is_looked_at_again_within_a_week() -> None:
    assert _until("UTC", [{"from": "00:00", "to": "00:00"}], NOON) == NOON + timedelta(days=7)


def _some(options: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(options), min_size=1, max_size=len(options), unique=True)


_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
_windows = st.lists(
    st.fixed_dictionaries(
        {"from": _times, "to": _times},
        optional={"days": _some(["mon", "sat", "sun"])},
    ),
    min_size=1,
    max_size=3,
)


@given(
    zone=st.sampled_from([LONDON, NEW_YORK, LORD_HOWE, "UTC", "Asia/Kathmandu"]),
    windows=_windows,
    at=st.integers(0, 2 * 366 * 1440).map(lambda minutes: NOON + timedelta(minutes=minutes)),
)
def test_the_end_of_quiet_is_the_first_minute_that_is_not(
    zone: str, windows: list[dict[str, Any]], at: datetime
) -> None:
    until = _until(zone, windows, at)
    assert (until is not None) is _quiet(zone, windows, at)
    if until is not None:
        for minutes in range(0, int((until - at) / timedelta(minutes=1)), 7):
            assert _quiet(zone, windows, at + timedelta(minutes=minutes))
        assert until - at == timedelta(days=7) or not _quiet(zone, windows, until)


def _quiet(zone: str, windows: list[dict[str, Any]], at: datetime) -> bool:
    """Slowly, from what a clock on the wall shows."""
    wall = at.astimezone(ZoneInfo(zone))
    now = f"{wall:%H:%M}"
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    today, yesterday = days[wall.weekday()], days[wall.weekday() - 1]
    for each in windows:
        own, start, end = each.get("days", days), each["from"], each["to"]
        if start < end:
            inside = today in own and start <= now < end
        else:
            inside = (today in own and now >= start) or (yesterday in own and now < end)
        if inside:
            return True
    return False


_labels = st.sampled_from([{}, {"team": "a"}, {"team": "b"}, {"role": "a"}, {"team": "a", "role": "b"}])
_specs = st.fixed_dictionaries(
    {"channels": _some(["ops", "data", "gone"])},
    optional={
        "match": st.fixed_dictionaries(
            {},
            optional={
                "namespaces": _some(["x", "y"]),
                "matchLabels": _labels.filter(bool),
            },
        ),
        "severities": _some(["info", "error"]),
        "incidents": _some(["failing", "outage"]),
        "continue": st.booleans(),
        "enabled": st.booleans(),
    },
)


@given(
    specs=st.lists(_specs, max_size=5),
    kind=st.sampled_from(["failing", "outage", "missed"]),
    severity=st.sampled_from(["info", "error", "critical"]),
    namespace=st.sampled_from([None, "x", "y"]),
    labels=_labels,
)
def test_matching_by_properties(
    specs: list[dict[str, Any]], kind: str, severity: str, namespace: str | None, labels: dict[str, str]
) -> None:
    routes = [route(f"r{number}", **spec) for number, spec in enumerate(specs)]
    subject = About(kind, severity, namespace, frozenset(labels.items()))
    tried = take(routes, subject)
    assert len(tried) == len(routes)
    found = [each.route for each in tried if each.matched]
    # Both ways to match agree, and none but the last one that matches may end it.
    assert found == Rules(routes).matched(subject)
    assert all(each.spec.continue_ for each in found[:-1])
    for each in found:
        spec = each.spec
        assert spec.enabled
        assert spec.incidents is None or kind in spec.incidents
        assert spec.severities is None or severity in spec.severities
        assert spec.match.namespaces is None or namespace in spec.match.namespaces
        assert (spec.match.match_labels or {}).items() <= labels.items()
    made = plan(book(*routes), subject)
    # Somebody hears of it, whatever the routes say.
    assert made.told
    assert len({each.target for each in made.told}) == len(made.told)
    names = {name for each in found for name in each.spec.channels}
    assert {each.channel.lower() for each in made.told if each.route} == names - {"gone"}
    assert made.default_route is (not found or "gone" in names)
