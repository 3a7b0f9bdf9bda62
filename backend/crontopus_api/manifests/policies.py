"""What a tenant's policies make of a job. Pure, and independent of the date: see schedules/nominal.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal

from crontopus_api.manifests.errors import ManifestError, Path
from crontopus_api.manifests.models import JobManifest
from crontopus_api.manifests.others import JobMatch, Policy, Rules, Window
from crontopus_api.manifests.parse import Places
from crontopus_api.manifests.rules import Problem
from crontopus_api.manifests.selectors import glob_matches
from crontopus_api.schedules import format_duration
from crontopus_api.schedules.durations import clip
from crontopus_api.schedules.nominal import DAY, WEEK, WeekMinute, first_outside, smallest_gap

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY_NAMES = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
# What `*` may not stand for, or `/opt/jobs/*` would allow `/opt/jobs/../../bin/sh`; and in a shell's line what
# begins another command or another file, or it would allow `/opt/jobs/x; anything`.
_NOT_IN_PATHS = re.compile(r"(\.\.)")
_NOT_IN_LINES = re.compile(r"(\.\.|[;&|<>()$`\r\n])")


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule of one policy that a job breaks. Reads like a ManifestError: `file:line:column: reason`.

    With `enforce` the job is refused, with `warn` it is only talked about.
    """

    policy: str
    enforcement: Literal["enforce", "warn"]
    file: str
    line: int | None
    column: int | None
    path: str
    code: str
    message: str
    hint: str | None = None

    @property
    def refuses(self) -> bool:
        """Whether the job may not become the truth."""
        return self.enforcement == "enforce"

    def as_error(self) -> ManifestError:
        """The same as an error of the manifest, for where those are listed."""
        return ManifestError(self.file, self.line, self.column, self.path, self.code, self.message, self.hint)

    def as_dict(self) -> dict[str, str | int | None]:
        """JSON data: a ManifestError's keys, and `policy` and `enforcement`."""
        return asdict(self)

    def __str__(self) -> str:
        return str(self.as_error())


def violations(
    path: str, manifest: JobManifest, policies: Iterable[Policy], places: Places | None = None
) -> list[Violation]:
    """Every rule the job at `path` breaks, in reading order. `places` come from `parse_job_located`."""
    where = places or Places.nowhere(path)
    found = [
        _located(where, policy, problem)
        for policy in policies
        if applies(policy.spec.match, manifest)
        for check in _CHECKS
        for problem in check(policy.spec.rules, manifest)
    ]
    return sorted(found, key=lambda v: (v.line or 0, v.column or 0, v.path, v.policy, v.code))


def applies(match: JobMatch, manifest: JobManifest) -> bool:
    """Whether a policy, route or window is about this job: every condition given holds."""
    if match.namespaces is not None and manifest.metadata.namespace not in match.namespaces:
        return False
    labels = manifest.metadata.labels
    return all(labels.get(key) == value for key, value in (match.match_labels or {}).items())


def _located(places: Places, policy: Policy, problem: Problem) -> Violation:
    name = policy.metadata.name
    message = f"policy `{name}`: {problem.message}"
    error = places.error(problem.path, problem.code, message, problem.hint, at_key=problem.at_key)
    return Violation(
        name,
        policy.spec.enforcement,
        error.file,
        error.line,
        error.column,
        error.path,
        error.code,
        error.message,
        error.hint,
    )


def _user(rules: Rules, job: JobManifest) -> Iterator[Problem]:
    if rules.allowed_users is None or job.mode == "ping" or job.spec.user in rules.allowed_users:
        return
    hint = "allowed: " + _some(rules.allowed_users)
    if job.spec.user is None:
        message = "`user` must be given: without it the job runs as the agent's own user"
        yield Problem(("spec", "user"), "policy_user", message, hint)
    else:
        message = f"jobs may not run as {clip(job.spec.user)}"
        yield Problem(("spec", "user"), "policy_user", message, hint)


def _command(rules: Rules, job: JobManifest) -> Iterator[Problem]:
    command = job.spec.command
    if rules.allowed_commands is None or command is None:
        return
    if not any(command_allowed(pattern, command, job.spec.shell) for pattern in rules.allowed_commands):
        hint = "allowed: " + _some(rules.allowed_commands)
        if job.spec.shell:
            hint += "; in a shell line `*` stands for one command's words only, not for `;`, `|`, `$`…"
        message = f"the command {clip(command)} is not allowed"
        yield Problem(("spec", "command"), "policy_command", message, hint)


def command_allowed(pattern: str, command: str, shell: bool) -> bool:
    """Whether a pattern of `allowedCommands` allows a command.

    The pattern `*` allows everything. Otherwise `*` stands for any characters but `..`, and with `shell` none of
    `; & | < > ( ) $`, backtick and line breaks: such must stand in the pattern as they do in the command.
    """
    if pattern == "*":
        return True
    special = _NOT_IN_LINES if shell else _NOT_IN_PATHS
    wanted, given = special.split(pattern), special.split(command)
    return (
        len(wanted) == len(given)
        and wanted[1::2] == given[1::2]
        and all(map(glob_matches, wanted[0::2], given[0::2]))
    )


def _interval(rules: Rules, job: JobManifest) -> Iterator[Problem]:
    if rules.minimum_interval is None:
        return
    gap = smallest_gap(job.spec.parsed_schedule())
    if gap < rules.minimum_interval:
        least = format_duration(rules.minimum_interval)
        message = f"runs come {format_duration(gap)} apart; at least {least} is required"
        hint = None
        expressions = job.spec.schedule
        if len({text.startswith("every") for text in expressions}) > 1:
            hint = "nothing keeps `every …` away from the times of day beside it: use one or the other"
        yield Problem(("spec", "schedule"), "policy_interval", message, hint)


def _timeout(rules: Rules, job: JobManifest) -> Iterator[Problem]:
    if rules.maximum_timeout is None:
        return
    most = format_duration(rules.maximum_timeout)
    if job.spec.timeout is None:
        message = "`timeout` must be given"
        yield Problem(("spec", "timeout"), "policy_timeout", message, f"at most `timeout: {most}`")
    elif job.spec.timeout > rules.maximum_timeout:
        message = f"a timeout of {format_duration(job.spec.timeout)} is longer than {most}"
        yield Problem(("spec", "timeout"), "policy_timeout", message, None)


def _labels(rules: Rules, job: JobManifest) -> Iterator[Problem]:
    for key in rules.required_labels or ():
        if key not in job.metadata.labels:
            message = f"the label {clip(key)} is required"
            hint = f"add `{key}: …` under `metadata.labels`"
            yield Problem(("metadata", "labels"), "policy_label", message, hint, at_key=True)


def _windows(rules: Rules, job: JobManifest) -> Iterator[Problem]:
    if rules.allowed_windows is None:
        return
    outside = first_outside(job.spec.parsed_schedule(), week_of(rules.allowed_windows))
    if outside is None:
        return
    index, when = outside
    hint = "allowed: " + _some([_window_text(window) for window in rules.allowed_windows])
    path: Path = ("spec", "schedule")
    if len(job.spec.schedule) > 1:
        path = (*path, index)
    if when is None:
        message = "`every …` keeps to no time of day, so it cannot keep within a window"
        yield Problem(path, "policy_window", message, f"give times of day; {hint}")
    else:
        message = (
            f"a run would come on {_DAY_NAMES[when.weekday]} at {_clock(when)}, outside the allowed times"
        )
        yield Problem(path, "policy_window", message, hint)


_Check = Callable[[Rules, JobManifest], Iterator[Problem]]
_CHECKS: tuple[_Check, ...] = (_user, _command, _interval, _timeout, _labels, _windows)


@lru_cache(maxsize=256)
def _week(windows: tuple[tuple[tuple[str, ...], str, str], ...]) -> bytes:
    week = bytearray(WEEK)
    for days, start, end in windows:
        first, last = _minute(start), _minute(end)
        length = last - first if last > first else last - first + DAY
        for day in days:
            begin = _WEEKDAYS.index(day) * DAY + first
            for minute in range(begin, begin + length):
                week[minute % WEEK] = 1
    return bytes(week)


def week_of(windows: Iterable[Window]) -> bytes:
    """One byte for each minute of the week from Sunday 00:00: 1 inside a window. `to` = `from`: a whole day."""
    return _week(tuple((window.days or _WEEKDAYS, window.start, window.end) for window in windows))


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _clock(when: WeekMinute) -> str:
    return f"{when.hour:02}:{when.minute:02}"


def _window_text(window: Window) -> str:
    days = f" ({', '.join(window.days)})" if window.days else ""
    return f"{window.start}–{window.end}{days}"


def _some(items: Iterable[str]) -> str:
    """The first few of a list that could be long."""
    shown = [clip(item, 40) for item in items]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
