"""Why something is wrong, in words, as far as it can be told from what is known. Pure."""

from datetime import datetime, timedelta

import msgspec

# A change is suspected of what goes wrong within this time after it.
SUSPECT = timedelta(days=1)
# One job that was missed may be anything. So many on one machine that reports were not started there.
_SCHEDULER_LEAST = 3
_NOT_SCHEDULED = {
    "Stalled": "the agent could not schedule it",
    "Suspended": "the agent holds it back",
    "Drifted": "its entry on the machine is not the one that was applied",
    "Reconciling": "the agent is still scheduling it",
}


class Host(msgspec.Struct, frozen=True):
    """A machine as it was last heard of. `pending`: reports that wait there. `missed`: how many jobs of it are."""

    name: str
    online: bool
    last_seen_at: datetime | None = None
    locked: bool = False
    pending: int = 0
    missed: int = 0


class Condition(msgspec.Struct, frozen=True):
    """What the agent says of the job on its machine."""

    type: str
    message: str = ""


class Changed(msgspec.Struct, frozen=True):
    """The commit that last changed the job. `made`: there was no job before it."""

    commit: str
    by: str
    at: datetime
    made: bool = False

    def suspect(self, at: datetime) -> bool:
        return timedelta() <= at - self.at <= SUSPECT


class Facts(msgspec.Struct, frozen=True):
    """`host`: None in ping mode. `condition`: None when the agent has said nothing of it. `last_run`: how the last run
    ended. `overlap`: the last one started while another was running."""

    kind: str
    reason: str
    at: datetime
    host: Host | None = None
    condition: Condition | None = None
    last_run: str | None = None
    overlap: bool = False
    changed: Changed | None = None


def cause(facts: Facts) -> str:
    """What was noticed, then what explains it best, then who changed the job lately."""
    return "; ".join(part for part in (facts.reason, _explained(facts), _blamed(facts)) if part)


def _explained(facts: Facts) -> str | None:
    if facts.host is not None:
        found = _of_host(facts, facts.host)
        if found is not None:
            return found
    if facts.overlap or (facts.kind == "missed" and facts.last_run == "skipped"):
        return "an earlier run was still going, and blocked the next one"
    return None


def _of_host(facts: Facts, host: Host) -> str | None:
    if host.locked:
        return f"{host.name} is locked, as there seem to be two copies of it"
    if not host.online:
        heard = f" since {host.last_seen_at:%Y-%m-%d %H:%M} UTC" if host.last_seen_at else ""
        return f"nothing was heard of {host.name}{heard}: is it off?"
    if facts.condition is not None and facts.condition.type in _NOT_SCHEDULED:
        said = facts.condition.message.strip().rstrip(".")
        words = f"{_NOT_SCHEDULED[facts.condition.type]} on {host.name}"
        return f"{words}: {said}" if said else words
    if facts.kind == "missed":
        return _not_started(facts, host)
    if "never reported" in facts.reason and host.pending:
        return f"{host.pending} reports still wait on {host.name}: its end may be among them"
    return None


def _not_started(facts: Facts, host: Host) -> str | None:
    if host.pending:
        return f"{host.pending} reports still wait on {host.name}: it may be among them"
    if facts.condition is None:
        return f"the agent on {host.name} has not scheduled it yet"
    if host.missed >= _SCHEDULER_LEAST:
        return f"{host.missed} jobs of {host.name} are missed though it reports: is its scheduler running?"
    return None


def _blamed(facts: Facts) -> str | None:
    changed = facts.changed
    if changed is None or not changed.suspect(facts.at):
        return None
    what = "made" if changed.made else "changed"
    return f"commit {changed.commit[:7]} by {changed.by} {what} it {_before(facts.at - changed.at)} before"


def _before(passed: timedelta) -> str:
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return "moments"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h"
