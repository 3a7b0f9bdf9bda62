"""Why something is wrong, in words."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from crontopus_api.alerts.causes import Changed, Condition, Facts, Host, cause

AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
ONLINE = Host("web-1", online=True, last_seen_at=AT)
READY = Condition("Ready")
MISSED = Facts("missed", "no run was reported in time", AT, ONLINE, READY)
PING = replace(MISSED, host=None, condition=None)
LOST = Facts("failing", "a run started and its end was never reported", AT, ONLINE, READY)
CHANGED = Changed("abc1234def", "Grace", AT - timedelta(hours=20))

TABLE = [
    ("nothing is known", PING, "no run was reported in time"),
    ("nothing else", MISSED, "no run was reported in time"),
    (
        "host off",
        replace(MISSED, host=Host("web-1", online=False, last_seen_at=AT)),
        "no run was reported in time; nothing was heard of web-1 since 2026-11-02 12:00 UTC: is it off?",
    ),
    (
        "never heard of",
        replace(MISSED, host=Host("web-1", online=False)),
        "no run was reported in time; nothing was heard of web-1: is it off?",
    ),
    (
        "copied",
        replace(MISSED, host=Host("web-1", online=False, locked=True)),
        "no run was reported in time; web-1 is locked, as there seem to be two copies of it",
    ),
    (
        "cron dead",
        replace(MISSED, host=replace(ONLINE, missed=3)),
        "no run was reported in time; 3 jobs of web-1 are missed though it reports: is its scheduler running?",
    ),
    (
        "two may be an accident",
        replace(MISSED, host=replace(ONLINE, missed=2)),
        "no run was reported in time",
    ),
    (
        "failing jobs need no cron that is dead",
        Facts("failing", "a run failed", AT, replace(ONLINE, missed=9), READY),
        "a run failed",
    ),
    (
        "not scheduled",
        replace(MISSED, condition=Condition("Stalled", "There is no user backup.")),
        "no run was reported in time; the agent could not schedule it on web-1: There is no user backup",
    ),
    (
        "held back",
        replace(MISSED, condition=Condition("Suspended")),
        "no run was reported in time; the agent holds it back on web-1",
    ),
    (
        "edited by hand",
        replace(MISSED, condition=Condition("Drifted")),
        "no run was reported in time; its entry on the machine is not the one that was applied on web-1",
    ),
    (
        "not yet scheduled",
        replace(MISSED, condition=None),
        "no run was reported in time; the agent on web-1 has not scheduled it yet",
    ),
    (
        "report on its way",
        replace(MISSED, host=replace(ONLINE, pending=7, missed=5)),
        "no run was reported in time; 7 reports still wait on web-1: it may be among them",
    ),
    (
        "report lost",
        replace(LOST, host=replace(ONLINE, pending=7)),
        "a run started and its end was never reported; 7 reports still wait on web-1: its end may be among them",
    ),
    (
        "blocked by its lock",
        replace(MISSED, last_run="skipped"),
        "no run was reported in time; an earlier run was still going, and blocked the next one",
    ),
    (
        "overlap, in ping mode",
        replace(PING, kind="stuck", reason="a run is taking longer than its timeout", overlap=True),
        "a run is taking longer than its timeout; an earlier run was still going, and blocked the next one",
    ),
    (
        "changed lately",
        replace(PING, changed=CHANGED),
        "no run was reported in time; commit abc1234 by Grace changed it 20 h before",
    ),
    (
        "made lately",
        replace(PING, changed=replace(CHANGED, at=AT - timedelta(minutes=3), made=True)),
        "no run was reported in time; commit abc1234 by Grace made it 3 min before",
    ),
    (
        "just now",
        replace(PING, changed=replace(CHANGED, at=AT)),
        "no run was reported in time; commit abc1234 by Grace changed it moments before",
    ),
    (
        "changed long ago",
        replace(PING, changed=replace(CHANGED, at=AT - timedelta(days=2))),
        "no run was reported in time",
    ),
    (
        "changed afterwards",
        replace(PING, changed=replace(CHANGED, at=AT + timedelta(minutes=1))),
        "no run was reported in time",
    ),
    (
        "both",
        replace(MISSED, host=replace(ONLINE, online=False), changed=CHANGED),
        "no run was reported in time; nothing was heard of web-1 since 2026-11-02 12:00 UTC: is it off?;"
        " commit abc1234 by Grace changed it 20 h before",
    ),
]


@pytest.mark.parametrize(("facts", "words"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_cause_in_words(facts: Facts, words: str) -> None:
    assert cause(facts) == words
