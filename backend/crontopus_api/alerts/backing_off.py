"""How long to wait after what went wrong: of one message, and of a whole channel. Pure but for the dice."""

import random
from datetime import datetime, timedelta

# What waits longer than this for its target is given up; it can be sent again by hand.
GIVE_UP = timedelta(hours=24)
# So many messages in a row that a channel did not take, and it is left alone for a while.
BREAKS_AT = 5
# A channel that takes nothing for so long is an incident of its own.
FAILING_FOR = timedelta(minutes=15)
# Who tries a channel that was left alone has so long before somebody else does.
PROBE = timedelta(minutes=1)
# Seconds: soon at first, then ever more patiently.
_WAITS = (2, 5, 15, 30, 60, 120, 300, 600)
_SHORTEST_BREAK, _LONGEST_BREAK = timedelta(seconds=30), timedelta(minutes=10)
# So that those who failed together do not come back together.
_SPREAD = 0.2
_dice = random.Random()  # noqa: S311 - it spreads load, and keeps nothing secret


def next_try(attempts: int, asked: timedelta | None) -> timedelta:
    """`attempts`: those that failed, this one included. `asked`: how long the medium wants to be left alone."""
    wait = _spread(timedelta(seconds=_WAITS[min(attempts, len(_WAITS)) - 1]))
    return max(wait, asked) if asked is not None else wait


def channel_break(failures: int, asked: timedelta | None) -> timedelta | None:
    """How long a channel is left alone after so many failures in a row; None: it is not."""
    if failures < BREAKS_AT:
        return asked
    doubled = _SHORTEST_BREAK * 2 ** min(failures - BREAKS_AT, 10)
    wait = _spread(min(doubled, _LONGEST_BREAK))
    return max(wait, asked) if asked is not None else wait


def expiry(created_at: datetime, expires_at: datetime | None) -> datetime:
    return expires_at or created_at + GIVE_UP


def _spread(wait: timedelta) -> timedelta:
    return wait * _dice.uniform(1 - _SPREAD, 1 + _SPREAD)
