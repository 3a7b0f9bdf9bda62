"""Exports of the Windows Task Scheduler: one task (`schtasks /query /xml /tn …`, the Export… menu) or all of them.

Each task becomes one job, or one problem for each reason why it does not; a task keeps those of its triggers that
a schedule can say. What a task has that a job has not is told in its warnings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from crontopus_api.importers.drafts import Draft, Writer
from crontopus_api.importers.naming import subject
from crontopus_api.importers.triggers import Translated, Untranslatable, iso_duration, translate
from crontopus_api.importers.windows import command_spec, user_of
from crontopus_api.importers.xmltree import Element, XmlRefused, read_xml
from crontopus_api.schedules import format_duration
from crontopus_api.schedules.durations import clip

_CONCURRENCY = {"Parallel": "allow", "IgnoreNew": "forbid", "StopExisting": "replace", "Queue": "forbid"}
_LONGEST_TIMEOUT = timedelta(days=30)
_LONGEST_DELAY = timedelta(hours=1)
_LEAST_GRACE = timedelta(minutes=5)
_DROPPED = {
    "RunOnlyIfIdle": "It ran only while the machine was idle; the job runs at its time.",
    "RunOnlyIfNetworkAvailable": "It ran only with a network; the job runs at its time.",
    "WakeToRun": "It woke the machine up to run; the job does not.",
    "StartWhenAvailable": "A start missed while the machine was off was made up for; for the job it is a missed run.",
}


def read_tasks(data: bytes, writer: Writer, timezone: str) -> None:
    """Add every task of an export."""
    try:
        root = read_xml(data)
    except XmlRefused as error:
        writer.problem(error.line, "", error.reason, "export the task again: `schtasks /query /xml ONE`")
        return
    tasks = [root] if root.name == "Task" else list(root.named("Task")) if root.name == "Tasks" else []
    if not tasks:
        hint = "an export begins with <Task> or <Tasks>"
        writer.problem(root.line, f"<{root.name[:80]}>", "there is no task in this file", hint)
    for task in tasks:
        _Task(task, writer, timezone).add()


class _Task:
    def __init__(self, task: Element, writer: Writer, timezone: str) -> None:
        self._task = task
        self._writer = writer
        self._timezone = timezone
        self._title = task.value("RegistrationInfo/URI") or task.note or ""
        self._warnings: list[str] = []

    def add(self) -> None:
        if self._title.startswith("\\Crontopus\\"):
            self._problem(self._task, "Crontopus wrote this task: its job is in the repository already")
            return
        action = self._action()
        triggers = self._triggers()
        if action is None or not triggers:
            return
        if len({trigger.utc for trigger in triggers}) > 1:
            reason = "some of its times are UTC and some the machine's own, and a job has one timezone"
            self._problem(self._task, reason, "make it two tasks")
            return
        try:
            self._writer.add(self._draft(action, triggers))
        except Untranslatable as error:
            self._problem(self._task, error.reason, error.hint)

    def _problem(self, element: Element, reason: str, hint: str | None = None) -> None:
        source = self._title if element is self._task else f"{self._title} <{element.name[:80]}>".strip()
        self._writer.problem(element.line, source, reason, hint)

    def _action(self) -> Element | None:
        """The one program the task runs; anything else is a problem."""
        actions = self._task.find("Actions")
        found = actions.children if actions else []
        for action in found:
            if action.name != "Exec":
                self._problem(action, "a job runs programs; this is something else Windows does")
                return None
        if len(found) > 1:
            self._problem(
                self._task, "it runs several programs, one after the other", "put them into one script"
            )
            return None
        if not found or not found[0].value("Command"):
            self._problem(self._task, "it runs nothing")
            return None
        return found[0]

    def _triggers(self) -> list[Translated]:
        """The triggers a schedule can say; those it cannot are problems."""
        triggers = self._task.find("Triggers")
        found = triggers.children if triggers else []
        on = [trigger for trigger in found if trigger.value("Enabled", "true").lower() != "false"]
        if not on:
            reason = (
                "all its triggers are switched off" if found else "it has no trigger: it runs on demand only"
            )
            self._problem(self._task, reason)
        elif len(on) < len(found):
            self._warnings.append("A trigger that was switched off is left out.")
        results = []
        for trigger in on:
            try:
                results.append(translate(trigger))
            except Untranslatable as error:
                self._problem(trigger, error.reason, error.hint)
        if results and len(results) < len(on):
            self._warnings.append("Not all of its triggers could become a schedule; see the problems.")
        return results

    def _draft(self, action: Element, triggers: list[Translated]) -> Draft:
        expressions = list(dict.fromkeys(text for trigger in triggers for text in trigger.expressions))
        self._warnings += [warning for trigger in triggers for warning in trigger.warnings]
        spec: dict[str, Any] = {
            "schedule": expressions if len(expressions) > 1 else expressions[0],
            "timezone": "UTC" if triggers[0].utc else self._timezone,
        }
        command, remarks = command_spec(
            action.value("Command"), action.value("Arguments"), action.value("WorkingDirectory")
        )
        self._warnings += remarks
        spec |= command
        spec |= dict(self._who())
        spec |= dict(self._limits())
        spec |= dict(self._jitter(max(trigger.delay for trigger in triggers)))
        command_line = f"{action.value('Command')} {action.value('Arguments')}"
        name = re.split(r"[\\/]", self._title)[-1] or subject(command_line)
        description = self._task.value("RegistrationInfo/Description")
        source = f"{self._title}: {command_line}" if self._title else command_line
        return Draft(name, self._task.line, source.strip(), spec, description, self._warnings)

    def _who(self) -> Iterator[tuple[str, Any]]:
        user, remark = user_of(self._task.find("Principals/Principal"))
        if user:
            yield "user", user
        if remark:
            self._warnings.append(remark)

    def _limits(self) -> Iterator[tuple[str, Any]]:
        settings = self._task.find("Settings") or Element("Settings", self._task.line)
        if settings.value("Enabled", "true").lower() == "false":
            yield "enabled", False
        limit = iso_duration(settings.value("ExecutionTimeLimit", "PT72H"))  # Windows' own default
        if limit > _LONGEST_TIMEOUT:
            self._warnings.append(f"Its time limit was {format_duration(limit)}; the longest here is 30d.")
        if limit:
            yield "timeout", format_duration(min(limit, _LONGEST_TIMEOUT))
        policy = settings.value("MultipleInstancesPolicy", "IgnoreNew")
        yield "concurrency", _CONCURRENCY.get(policy, "forbid")
        if policy == "Queue":
            self._warnings.append("A start during a run waited for its end; for the job it is skipped.")
        yield from self._retry(settings)
        for key, remark in _DROPPED.items():
            if settings.value(key).lower() == "true":
                self._warnings.append(remark)

    def _retry(self, settings: Element) -> Iterator[tuple[str, Any]]:
        count = settings.value("RestartOnFailure/Count")
        if not count:
            return
        if not re.fullmatch("[0-9]{1,4}", count, re.ASCII):
            raise Untranslatable(f"{clip(count)} is not a number of restarts")
        interval = iso_duration(settings.value("RestartOnFailure/Interval"))
        if int(count) > 9 or interval > _LONGEST_DELAY:
            self._warnings.append(
                "It was restarted more often or later than a job is: 9 times, an hour apart."
            )
        delay = format_duration(min(interval, _LONGEST_DELAY))
        yield "retry", {"attempts": min(int(count), 9) + 1, "backoff": "fixed", "delay": delay}

    def _jitter(self, delay: timedelta) -> Iterator[tuple[str, Any]]:
        if delay > _LONGEST_DELAY:
            self._warnings.append(
                f"Its random delay was up to {format_duration(delay)}; the longest here is 1h."
            )
        delay = min(delay, _LONGEST_DELAY)
        if delay:
            yield "jitter", format_duration(delay)
            yield "grace", format_duration(max(delay, _LEAST_GRACE))
