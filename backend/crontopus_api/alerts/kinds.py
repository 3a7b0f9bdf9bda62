"""What an incident may be about."""

from typing import Final, Literal, get_args

IncidentKind = Literal[
    "missed",
    "failing",
    "stuck",
    "too_often",
    "slow",
    "endpoint_offline",
    "sync_stalled",
    "drifted",
    "clone_suspected",
    "repository_invalid",
    "outage",
    "channel_failing",
]
# A job that was missed and then fails has one incident, not two.
OF_STATUS: Final = ("missed", "failing", "stuck")
# While one of these is open, what happens to the endpoint's jobs is a part of it.
HOLDING: Final = ("endpoint_offline", "clone_suspected")
OF_WARNINGS: Final = ("too_often", "slow")
OF_JOBS: Final = (*OF_STATUS, *OF_WARNINGS)
ALL: Final[tuple[str, ...]] = get_args(IncidentKind)
