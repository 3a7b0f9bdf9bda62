"""The state of an instance as it is shown: what is stored, and what the clock makes of it."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, case

from crontopus_api.jobs.models import InstanceStatus
from crontopus_api.jobs.schemas import InstanceState

# Worst first; a job's state is the worst of its instances'.
SEVERITY: tuple[InstanceState, ...] = (
    *("stuck", "failing", "missed", "late"),
    *("running", "healthy", "new", "paused"),
)
_MAY_BE_LATE = ("new", "healthy")


def shown_state(status: InstanceStatus, now: datetime) -> InstanceState:
    """Late: due, and not yet called missed. Never stored, for nothing happens when a job becomes late."""
    if status.state in _MAY_BE_LATE and status.due_at is not None and status.due_at < now:
        return "late"
    return cast("InstanceState", status.state)


def shown_state_column(now: datetime) -> ColumnElement[Any]:
    """The same for a query."""
    late = InstanceStatus.state.in_(_MAY_BE_LATE) & (InstanceStatus.due_at < now)
    return case((late, "late"), else_=InstanceStatus.state)


def shown_state_sql(status: str, now: str = "%(now)s") -> str:
    """The same in a statement's text, of the table called `status` there; `now` is how it calls that parameter."""
    return (
        f"CASE WHEN {status}.state IN {_MAY_BE_LATE} AND {status}.due_at < {now} THEN 'late'"
        f" ELSE {status}.state END"
    )
