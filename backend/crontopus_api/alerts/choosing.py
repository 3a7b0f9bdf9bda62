"""Which of the deliveries that wait go out next, and as what. Pure: no clock, no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crontopus_api.alerts.deliveries_repository import Waiting

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Pace:
    """What a target has been told within the last minute, and how much it may be told.

    Half of what it may get goes out as it comes; when that is used up, the rest is spread over the minute, and each
    message tells of everything since the last one. So a storm costs nobody more than `per_minute`, and nobody waits
    for long to hear of the second half of it.
    """

    per_minute: int
    sent: Sequence[datetime]

    @property
    def free(self) -> int:
        """How many may go out as they come."""
        return max(0, self.per_minute // 2 - len(self.sent))

    def pause(self, now: datetime) -> timedelta:
        """Until the next message of those that are spread; not positive: now."""
        if not self.sent:
            return timedelta()
        wait = self.sent[-1] + MINUTE / (self.per_minute - self.per_minute // 2) - now
        return max(wait, self.full(now))

    def full(self, now: datetime) -> timedelta:
        """Until there is room for any message at all."""
        if len(self.sent) < self.per_minute:
            return timedelta()
        return self.sent[-self.per_minute] + MINUTE - now


def choose(
    waiting: Sequence[Waiting], now: datetime, pace: Pace, *, probing: bool
) -> list[Waiting] | timedelta | None:
    """The deliveries of the next message; or how long to wait for it; None: nothing waits.

    `waiting`: oldest first. An incident's news are told in their order: what has to wait holds back what comes after
    it about the same incident, and nothing else. `probing`: the channel is being tried, by its oldest message.
    """
    if not waiting:
        return None
    ripe = list(waiting) if probing else _ripe(waiting, now)
    if not ripe:
        return min(each.next_at for each in waiting if each.next_at is not None and each.next_at > now) - now
    full = pace.full(now)
    if full > timedelta():
        return full
    settled = _settled(ripe, probing=probing)
    if settled:
        return settled
    fresh = [each for each in ripe if each.message_id is None]
    if probing or len(fresh) <= pace.free:
        return fresh[:1]
    pause = pace.pause(now)
    return pause if pause > timedelta() else _fresh_in_order(ripe)


def _settled(ripe: Sequence[Waiting], *, probing: bool) -> list[Waiting]:
    """A message that was tried before stays as it is, or a receiver who has it would take the rest for known."""
    first = next((each.message_id for each in ripe if each.message_id is not None), None)
    if first is None or not (probing or ripe[0].message_id == first):
        return []
    return [each for each in ripe if each.message_id == first]


def _fresh_in_order(ripe: Sequence[Waiting]) -> list[Waiting]:
    """Those of incidents of which no message that was tried before is still to tell something older."""
    held, fresh = set(), []
    for each in ripe:
        if each.message_id is not None:
            held.add(each.incident_id)
        elif each.incident_id not in held:
            fresh.append(each)
    return fresh


def _ripe(waiting: Sequence[Waiting], now: datetime) -> list[Waiting]:
    held = set()
    ripe = []
    for each in waiting:
        if each.incident_id in held:
            continue
        if each.next_at is not None and each.next_at > now:
            held.add(each.incident_id)
        else:
            ripe.append(each)
    return ripe
