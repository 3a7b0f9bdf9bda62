"""The way in: which reader a file is for, and whether there is anything it can be asked to read."""

from __future__ import annotations

from collections.abc import Collection

from crontopus_api.importers.crontab import CrontabReader
from crontopus_api.importers.drafts import Writer
from crontopus_api.importers.model import MAX_BYTES, MAX_LINES, Imported, Kind
from crontopus_api.importers.taskscheduler import read_tasks
from crontopus_api.manifests import Selector
from crontopus_api.schedules import Schedule, ScheduleInvalid


def read(
    kind: Kind,
    data: bytes,
    *,
    namespace: str,
    timezone: str,
    selector: Selector | None,
    user: str | None = None,
    taken: Collection[str] = (),
) -> Imported:
    """Turn a crontab or an export of the Task Scheduler into manifests in `namespace`.

    `timezone` is that of the machine it comes from, `selector` says which endpoints will run the jobs (None: none
    yet), `user` whose crontab it is, `taken` lists job names not to use. Nothing wrong with `data` raises: it becomes a
    problem. Raises ValueError for a namespace that is none. The same input gives the same result.
    """
    result = Imported()
    writer = Writer(result, namespace, selector, taken)
    reason = _refused(data, timezone)
    if reason is not None:
        writer.problem(1, "", *reason)
        return result
    if kind == "task-scheduler":
        read_tasks(data, writer, timezone)
        return result
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if len(lines) > MAX_LINES:
        writer.problem(
            1, "", f"the file has {len(lines)} lines; the limit is {MAX_LINES}", "import it in parts"
        )
        return result
    reader = CrontabReader(result, writer, timezone, system=kind == "system-crontab", user=user)
    reader.read(lines)
    return result


def _refused(data: bytes, timezone: str) -> tuple[str, str | None] | None:
    """Why none of it can be read: reason and hint."""
    if len(data) > MAX_BYTES:
        return f"the file has {len(data)} bytes; the limit is {MAX_BYTES}", "import it in parts"
    try:
        Schedule.parse(["@daily"], timezone)
    except ScheduleInvalid as error:
        return error.message, error.hint
    return None
