"""What the figures mean: `fine`, or `look` with what to do. Pure: figures in, judgements out."""

from dataclasses import dataclass, field
from typing import Literal

from crontopus_admin.health.words import ago, number, size
from crontopus_api.worker.figures import (
    AlertFigures,
    Backlog,
    DatabaseFigures,
    GitFigures,
    IngestFigures,
    QueueFigures,
    ScheduleFigures,
)

Level = Literal["fine", "look"]

OLDEST_POSTGRES = 15
BUSY_CONNECTIONS = 0.8
# A deadline is to be noticed within 5 s; what follows from it (alerts, deliveries) gets a little longer.
LATE_DEADLINE_SECONDS = 5
LATE_CHANGE_SECONDS = 15
LATE_JOB_SECONDS = 60
LATE_INTENT_SECONDS = 30
LATE_DELIVERY_SECONDS = 600
LEAST_FREE_BYTES = 1024**3
LEAST_FREE_SHARE = 0.1


@dataclass(frozen=True)
class Figure:
    title: str
    value: str
    level: Level
    says: str
    """What the value means, and what to do when it needs a look."""


@dataclass(frozen=True)
class Area:
    title: str
    figures: list[Figure] = field(default_factory=list)

    @property
    def level(self) -> Level:
        return "look" if any(figure.level == "look" for figure in self.figures) else "fine"


def _judge(title: str, value: str, look: bool, *, fine: str, advice: str) -> Figure:
    return Figure(title, value, "look" if look else "fine", advice if look else fine)


def _backlog(title: str, backlog: Backlog, limit_seconds: float, *, fine: str, advice: str) -> Figure:
    """Some waiting is normal; waiting long is not."""
    value = number(backlog.waiting)
    if backlog.oldest_seconds is not None:
        value += f", oldest {ago(backlog.oldest_seconds)}"
    late = (backlog.oldest_seconds or 0) > limit_seconds
    return _judge(title, value, late, fine=fine, advice=advice)


def database(found: DatabaseFigures, head: str) -> Area:
    old = int(found.version.split(".")[0]) < OLDEST_POSTGRES
    full = found.connections > BUSY_CONNECTIONS * found.max_connections
    lag = "n/a"
    if found.standbys:
        lag = "not visible" if found.replay_lag_seconds is None else ago(found.replay_lag_seconds)
    return Area(
        "Database",
        [
            _judge(
                "PostgreSQL",
                found.version.split(" ")[0],
                old,
                fine="A supported version.",
                advice=f"Upgrade to PostgreSQL {OLDEST_POSTGRES} or newer.",
            ),
            Figure("Size", size(found.size_bytes), "fine", "This database with its indexes."),
            _judge(
                "Connections",
                f"{found.connections} of {found.max_connections}",
                full,
                fine="There is room, all databases of the server counted.",
                advice="Raise max_connections, run fewer processes, or put PgBouncer before them.",
            ),
            Figure(
                "Replication lag",
                lag,
                "fine",
                f"{found.standbys} standby(s) attached." if found.standbys else "No standby is attached.",
            ),
            _migration(found.revision, head),
        ],
    )


def _migration(revision: str | None, head: str) -> Figure:
    older = revision is None or revision < head  # our revisions are numbered, zero-padded
    return _judge(
        "Migration",
        f"{revision or 'none'} of {head}",
        revision != head,
        fine="The schema is the one this version needs.",
        advice="Run crontopus-server migrate."
        if older
        else "The database is newer than this admin: upgrade it.",
    )


def queue(found: QueueFigures) -> Area:
    seen = f", last heartbeat {ago(found.last_heartbeat_seconds)} ago" if found.last_heartbeat_seconds else ""
    return Area(
        "Work",
        [
            _judge(
                "Workers alive",
                number(found.workers),
                found.workers == 0,
                fine=f"By their heartbeats{seen}.",
                advice=f"Nothing is scanned, alerted or sent{seen}. Start crontopus-server worker.",
            ),
            _backlog(
                "Queue",
                found.due,
                LATE_JOB_SECONDS,
                fine=f"Due now; {number(found.running)} running, {number(found.later)} for later.",
                advice="Jobs wait too long. Start more workers, and read the log of those that run.",
            ),
            _judge(
                "Failed jobs",
                number(found.failed),
                found.failed > 0,
                fine="None was given up.",
                advice="Given up after every retry. The worker's log says why each failed.",
            ),
        ],
    )


def schedule(found: ScheduleFigures) -> Area:
    return Area(
        "Deadlines",
        [
            _backlog(
                "Overdue instances",
                found.overdue,
                LATE_DEADLINE_SECONDS,
                fine="Deadlines that passed and wait for the scanner.",
                advice="The scanner is behind, so missed runs go unnoticed. Start or add workers.",
            ),
            _backlog(
                "Unclaimed status changes",
                found.unclaimed,
                LATE_CHANGE_SECONDS,
                fine="Changes that alerting has not looked at yet.",
                advice="Alerting is behind, so nobody is told. Look for loop=alerts in the worker's log.",
            ),
        ],
    )


def ingest(found: IngestFigures) -> Area:
    last = ""
    if found.last_check_in_seconds is not None:
        last = f" The newest is {ago(found.last_check_in_seconds)} old."
    return Area(
        "Check-ins, last hour",
        [
            Figure(
                "Check-ins",
                number(found.check_ins),
                "fine",
                f"Message ids noted; a run id chosen by its sender counts, too.{last}",
            ),
            Figure(
                "Runs",
                number(found.runs),
                "fine",
                f"{number(found.failed_runs)} of them failed, timed out, were lost or missed.",
            ),
        ],
    )


def git(found: GitFigures, behind: int | None) -> Area:
    """`behind`: repositories whose HEAD is not the projected one; None when they are not on this machine."""
    unprojected = found.unmade + found.unprojected + (behind or 0)
    compared = (
        "their HEADs cannot be compared from this machine" if behind is None else "each at its HEAD in Git"
    )
    return Area(
        "Git",
        [
            _backlog(
                "Pending changes",
                found.intents,
                LATE_INTENT_SECONDS,
                fine="Changes on their way to Git.",
                advice="Changes do not reach Git. Check the Git host; look for loop=intents in the worker's log.",
            ),
            _judge(
                "Unprojected repositories",
                f"{number(unprojected)} of {number(found.repositories)}",
                unprojected > 0,
                fine=f"All made and projected; {compared}.",
                advice=f"{found.unmade} not made yet, {found.unprojected} never projected, {behind or 0} behind"
                " HEAD. A worker catches up within seconds; if this stays, its log says repository_upkeep_failed.",
            ),
        ],
    )


def alerts(found: AlertFigures) -> Area:
    reason = f" Latest error: {found.last_error[:200]}" if found.last_error else ""
    return Area(
        "Deliveries",
        [
            _backlog(
                "Pending",
                found.pending,
                LATE_DELIVERY_SECONDS,
                fine="On their way, or waiting for another try.",
                advice=f"People are not told. Check CRONTOPUS_SMTP_URL and the mail server.{reason}",
            ),
            _judge(
                "Failed, 24 hours",
                number(found.failed),
                found.failed > 0,
                fine=f"{number(found.sent)} sent in that time.",
                advice=f"Given up after about five hours of tries; {number(found.sent)} were sent.{reason}",
            ),
        ],
    )


def disk(free: int, total: int, place: str) -> Area:
    scarce = free < LEAST_FREE_BYTES or free < LEAST_FREE_SHARE * total
    return Area(
        "Machine",
        [
            _judge(
                "Disk free",
                f"{size(free)} of {size(total)}",
                scarce,
                fine=f"Where this admin keeps its data: {place}.",
                advice=f"Make room for {place}: PostgreSQL and Git stop when the disk is full.",
            )
        ],
    )


def unreadable(title: str, reason: str) -> Area:
    return Area(title, [Figure("Figures", "not read", "look", reason)])
