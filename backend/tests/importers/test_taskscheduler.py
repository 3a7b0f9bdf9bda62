"""Exports of the Task Scheduler as manifests."""

from __future__ import annotations

from typing import Any

import pytest

from crontopus_api.importers import Imported, ImportedJob, read
from crontopus_api.importers.windows import split_arguments
from crontopus_api.manifests import JobManifest, parse_job

EXPORT = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Date>2025-11-03T09:12:44.1234567</Date>
    <Author>CORP\\ada</Author>
    <Description>Copies the database to the vault.</Description>
    <URI>\\Backup\\Nightly Backup</URI>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2025-11-03T02:15:00</StartBoundary>
      <Enabled>true</Enabled>
      <RandomDelay>PT10M</RandomDelay>
      <ScheduleByWeek>
        <DaysOfWeek>
          <Monday /><Tuesday /><Wednesday /><Thursday /><Friday />
        </DaysOfWeek>
        <WeeksInterval>1</WeeksInterval>
      </ScheduleByWeek>
    </CalendarTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>CORP\\svc-backup</UserId>
      <LogonType>Password</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>StopExisting</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>true</DisallowStartIfOnBatteries>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT4H</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT5M</Interval><Count>2</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>"C:\\Program Files\\Vault\\backup.exe"</Command>
      <Arguments>--db "my db" --out=D:\\x\\</Arguments>
      <WorkingDirectory>C:\\Jobs</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
DAILY = "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>"
START = "<StartBoundary>2026-01-05T02:30:00</StartBoundary>"  # a Monday


def _read(data: bytes) -> Imported:
    return read("task-scheduler", data, namespace="default", timezone="Europe/Berlin", selector=None)


def _task(triggers: str, settings: str = "", action: str = "", principal: str = "") -> str:
    action = action or "<Exec><Command>C:\\a.exe</Command></Exec>"
    return (
        f"<Task><RegistrationInfo><URI>\\A</URI></RegistrationInfo><Triggers>{triggers}</Triggers>"
        f"<Principals><Principal>{principal}</Principal></Principals><Settings>{settings}</Settings>"
        f"<Actions>{action}</Actions></Task>"
    )


def _calendar(schedule: str, more: str = "", start: str = START) -> str:
    return f"<CalendarTrigger>{start}{more}{schedule}</CalendarTrigger>"


def _repeat(interval: str, duration: str = "") -> str:
    end = f"<Duration>{duration}</Duration>" if duration else ""
    return f"<Repetition><Interval>{interval}</Interval>{end}</Repetition>"


def _one(text: str) -> tuple[ImportedJob, JobManifest]:
    result = _read(text.encode())
    assert not result.problems
    (job,) = result.jobs
    return job, parse_job(job.path, job.yaml.encode())


def test_a_whole_export() -> None:
    result = _read(EXPORT.replace("\n", "\r\n").encode("utf-16"))
    assert not result.problems
    (job,) = result.jobs
    assert (job.name, job.line, job.warnings) == ("nightly-backup", 2, [])
    assert job.source.startswith("\\Backup\\Nightly Backup: ")
    assert job.yaml == (
        "apiVersion: crontopus/v1\nkind: Job\nmetadata:\n  name: nightly-backup\n  namespace: default\n"
        "  annotations:\n    description: Copies the database to the vault.\n"
        "spec:\n  schedule: 15 2 * * 1-5\n  timezone: Europe/Berlin\n"
        "  command: C:\\Program Files\\Vault\\backup.exe\n"
        "  args:\n    - --db\n    - my db\n    - --out=D:\\x\\\n"
        "  workingDir: C:\\Jobs\n  user: CORP\\svc-backup\n  timeout: 4h\n  grace: 10m\n"
        "  retry:\n    attempts: 3\n    backoff: fixed\n    delay: 5m\n"
        "  concurrency: replace\n  jitter: 10m\n"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig"])
def test_in_every_encoding(encoding: str) -> None:
    text = EXPORT.replace("Copies", "Kopiert für Łódź")
    assert "Kopiert für Łódź" in _read(text.encode(encoding)).jobs[0].yaml


@pytest.mark.parametrize(
    ("trigger", "schedule"),
    [
        (_calendar(DAILY), ["30 2 * * *"]),
        (_calendar("<ScheduleByDay/>"), ["30 2 * * *"]),
        (
            _calendar("<ScheduleByWeek><DaysOfWeek><Sunday/><Monday/></DaysOfWeek></ScheduleByWeek>"),
            ["30 2 * * 0,1"],
        ),
        (_calendar("<ScheduleByWeek/>"), ["30 2 * * 1"]),
        (
            _calendar(
                "<ScheduleByMonth><DaysOfMonth><Day>1</Day><Day>15</Day></DaysOfMonth>"
                "<Months><January/><July/></Months></ScheduleByMonth>"
            ),
            ["30 2 1,15 1,7 *"],
        ),
        (
            _calendar("<ScheduleByMonth><DaysOfMonth><Day>31</Day></DaysOfMonth></ScheduleByMonth>"),
            ["30 2 31 * *"],
        ),
        (_calendar(DAILY, _repeat("PT1H", "P1D")), ["30 * * * *"]),
        (_calendar(DAILY, _repeat("PT15M", "P1D")), ["*/15 * * * *"]),
        (_calendar(DAILY, _repeat("PT20M", "PT1H")), ["30,50 2 * * *", "10 3 * * *"]),
        (_calendar(DAILY, _repeat("PT6H", "P1D")), ["30 2,8,14,20 * * *"]),
        (_calendar(DAILY, _repeat("PT2H", "PT23H")), ["30 */2 * * *"]),
        (_calendar("<ScheduleByWeek/>", _repeat("PT1H", "PT3H")), ["30 2-4 * * 1"]),
        (f"<TimeTrigger>{START}{_repeat('PT5M')}</TimeTrigger>", ["*/5 * * * *"]),
        (f"<TimeTrigger>{START}{_repeat('PT1H')}</TimeTrigger>", ["30 * * * *"]),
        (f"<TimeTrigger>{START}{_repeat('P1D')}</TimeTrigger>", ["30 2 * * *"]),
        (f"<TimeTrigger>{START}{_repeat('PT7H')}</TimeTrigger>", ["every 7h"]),
        (
            _calendar(DAILY) + _calendar(DAILY, start=START.replace("02:30", "14:45")),
            ["30 2 * * *", "45 14 * * *"],
        ),
    ],
)
def test_triggers(trigger: str, schedule: list[str]) -> None:
    _, job = _one(_task(trigger))
    assert job.spec.schedule == tuple(schedule)
    assert job.spec.timezone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("start", "schedule"),
    [
        ("2026-01-05T02:30:00Z", "30 2 * * 1"),
        ("2026-01-05T02:30:00+01:00", "30 1 * * 1"),
        ("2026-01-05T00:30:00+01:00", "30 23 * * 0"),
        ("2026-01-05T23:30:00-02:00", "30 1 * * 2"),
    ],
)
def test_times_with_an_offset_are_utc(start: str, schedule: str) -> None:
    weekly = "<ScheduleByWeek><DaysOfWeek><Monday/></DaysOfWeek></ScheduleByWeek>"
    _, job = _one(_task(_calendar(weekly, start=f"<StartBoundary>{start}</StartBoundary>")))
    assert (job.spec.schedule, job.spec.timezone) == ((schedule,), "UTC")


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        ("<BootTrigger/>", "at start-up"),
        ("<LogonTrigger/>", "when somebody logs on"),
        ("<EventTrigger/>", "when an event is logged"),
        ("<OtherTrigger/>", "not a kind of trigger"),
        (f"<TimeTrigger>{START}</TimeTrigger>", "it runs once only, from 2026-01-05 02:30"),
        (f"<TimeTrigger>{START}{_repeat('PT5M', 'PT1H')}</TimeTrigger>", "for a limited time"),
        (f"<TimeTrigger>{START}{_repeat('PT90S')}</TimeTrigger>", "not whole minutes"),
        (f"<TimeTrigger>{START}{_repeat('soon')}</TimeTrigger>", "not a length of time"),
        (_calendar("<ScheduleByDay><DaysInterval>3</DaysInterval></ScheduleByDay>"), "every `3` days"),
        (_calendar("<ScheduleByWeek><WeeksInterval>2</WeeksInterval></ScheduleByWeek>"), "every `2` weeks"),
        (_calendar("<ScheduleByWeek><DaysOfWeek><Moonday/></DaysOfWeek></ScheduleByWeek>"), "not a day"),
        (
            _calendar("<ScheduleByMonth><DaysOfMonth><Day>Last</Day></DaysOfMonth></ScheduleByMonth>"),
            "the last day of a month",
        ),
        (_calendar("<ScheduleByMonth/>"), "no day of the month"),
        (_calendar("<ScheduleByMonthDayOfWeek/>"), "nth or last weekday"),
        (_calendar(""), "no schedule"),
        (_calendar(DAILY, start="<StartBoundary>soon</StartBoundary>"), "not the time of a first run"),
        (_calendar(DAILY, _repeat("PT1H")), "repeats without an end"),
        (_calendar(DAILY, _repeat("PT1H", "P2D")), "overlap"),
        (_calendar("<ScheduleByWeek/>", _repeat("PT1H", "P1D")), "past midnight"),
        (_calendar(DAILY, _repeat("PT17M", "P1D")), "too irregular"),
        (
            _calendar(
                "<ScheduleByMonth><DaysOfMonth><Day>1</Day></DaysOfMonth></ScheduleByMonth>",
                start="<StartBoundary>2026-01-01T00:30:00+02:00</StartBoundary>",
            ),
            "other days in UTC",
        ),
        ("", "no trigger"),
        (_calendar(DAILY, "<Enabled>false</Enabled>"), "switched off"),
        (
            _calendar(DAILY) + _calendar(DAILY, start="<StartBoundary>2026-01-01T00:30:00Z</StartBoundary>"),
            "a job has one timezone",
        ),
        (
            _calendar(
                "<ScheduleByMonth><DaysOfMonth><Day>31</Day></DaysOfMonth><Months><June/></Months></ScheduleByMonth>"
            ),
            "never fires",
        ),
    ],
)
def test_triggers_no_schedule_can_say(trigger: str, reason: str) -> None:
    result = _read(("\n" + _task(trigger)).encode())
    assert not result.jobs
    (problem,) = result.problems
    assert problem.line == 2
    assert problem.source.startswith("\\A")
    assert reason in problem.reason


def test_the_triggers_that_can_be_said_are_kept() -> None:
    result = _read(_task("<BootTrigger/>" + _calendar(DAILY)).encode())
    (job,), (problem,) = result.jobs, result.problems
    assert problem.source == "\\A <BootTrigger>"
    assert any("Not all of its triggers" in warning for warning in job.warnings)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", {"concurrency": "forbid", "timeout": 3 * 86_400}),
        ("<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>", {"timeout": None}),
        ("<ExecutionTimeLimit>P90D</ExecutionTimeLimit>", {"timeout": 30 * 86_400}),
        ("<MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy>", {"concurrency": "allow"}),
        ("<MultipleInstancesPolicy>Queue</MultipleInstancesPolicy>", {"concurrency": "forbid"}),
        ("<Enabled>false</Enabled>", {"enabled": False}),
    ],
)
def test_settings(settings: str, expected: dict[str, Any]) -> None:
    _, job = _one(_task(_calendar(DAILY), settings))
    timeout = job.spec.timeout
    found = {
        "concurrency": job.spec.concurrency,
        "timeout": int(timeout.total_seconds()) if timeout else None,
        "enabled": job.spec.enabled,
    }
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("command", "arguments", "folder", "expected"),
    [
        ("a.exe", "", "", ("a.exe", (), False, None)),
        ("a b.exe", "", "", ("a b.exe", (), False, None)),
        ("a.exe", 'x "y z" \\"q', "C:\\x", ("a.exe", ("x", "y z", '"q'), False, "C:\\x")),
        ("%windir%\\a.exe", "-x %TEMP%", "", ("%windir%\\a.exe -x %TEMP%", (), True, None)),
        ("C:\\a b\\c.exe", "%X%", "C:\\x", ('"C:\\a b\\c.exe" %X%', (), True, "C:\\x")),
        ("a.exe", "", "%TEMP%", ('cd /d "%TEMP%" && a.exe', (), True, None)),
        ("cmd.exe", '/c "C:\\a b\\c.bat"', "", ('"C:\\a b\\c.bat"', (), True, None)),
        (
            "C:\\Windows\\System32\\cmd.exe",
            '/C ""C:\\a b\\c.bat" x"',
            "",
            ('"C:\\a b\\c.bat" x', (), True, None),
        ),
        ("cmd", "/c dir > x", "", ("dir > x", (), True, None)),
        ("cmd", "/k dir", "", ("cmd", ("/k", "dir"), False, None)),
    ],
)
def test_actions(command: str, arguments: str, folder: str, expected: tuple[Any, ...]) -> None:
    action = (
        f"<Exec><Command>{command}</Command><Arguments>{arguments.replace('>', '&gt;')}</Arguments>"
        f"<WorkingDirectory>{folder}</WorkingDirectory></Exec>"
    )
    _, job = _one(_task(_calendar(DAILY), action=action))
    assert (job.spec.command, job.spec.args, job.spec.shell, job.spec.working_dir) == expected


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ('a b "c d"', ["a", "b", "c d"]),
        ('"a\\\\" b', ["a\\", "b"]),
        ('a\\\\b "c\\d"', ["a\\\\b", "c\\d"]),
        ('"a\\"b"', ['a"b']),
        ('a""b ""', ["ab", ""]),
        ('"a""b"', ['a"b']),
        ("\ta  ", ["a"]),
        ("", []),
    ],
)
def test_arguments_are_split_as_windows_does(line: str, arguments: list[str]) -> None:
    assert split_arguments(line) == arguments


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("<SendEmail/>", "something else"),
        ("<Exec><Command>a</Command></Exec><Exec><Command>b</Command></Exec>", "several programs"),
        ("<Exec/>", "runs nothing"),
    ],
)
def test_actions_that_are_no_command(action: str, reason: str) -> None:
    result = _read(_task(_calendar(DAILY), action=action).encode())
    assert not result.jobs
    assert reason in result.problems[0].reason


@pytest.mark.parametrize(
    ("principal", "user", "remark"),
    [
        ("<UserId>S-1-5-18</UserId>", "SYSTEM", None),
        ("<UserId>NT AUTHORITY\\SYSTEM</UserId>", "SYSTEM", None),
        ("<UserId>CORP\\ada</UserId>", "CORP\\ada", None),
        ("<UserId>CORP\\Ada L</UserId>", None, "Ada L"),
        ("<UserId>S-1-5-21-1-2-3-1001</UserId>", None, "S-1-5-21"),
        ("<GroupId>S-1-5-32-545</GroupId>", None, "S-1-5-32-545"),
        ("<UserId>ada</UserId><RunLevel>HighestAvailable</RunLevel>", "ada", "highest privileges"),
        ("", None, None),
    ],
)
def test_principals(principal: str, user: str | None, remark: str | None) -> None:
    found, job = _one(_task(_calendar(DAILY), principal=principal))
    assert job.spec.user == user
    assert (remark or "") in " ".join(found.warnings)
    assert bool(found.warnings) == bool(remark)


@pytest.mark.parametrize(
    ("trigger", "settings", "warning"),
    [
        (_calendar(DAILY, "<EndBoundary>2027-01-01T00:00:00</EndBoundary>"), "", "ends on 2027-01-01"),
        (_calendar(DAILY, "<RandomDelay>PT3H</RandomDelay>"), "", "up to 3h"),
        (_calendar(DAILY, start=START.replace("02:30:00", "02:30:59")), "", "59 s past the minute"),
        (_calendar(DAILY) + _calendar(DAILY, "<Enabled>false</Enabled>"), "", "switched off is left out"),
        (_calendar(DAILY, _repeat("PT30M", "PT1H")), "", "very end of each repetition"),
        (f"<TimeTrigger>{START}{_repeat('PT7H')}</TimeTrigger>", "", "counts them from 1970"),
        (_calendar(DAILY), "<WakeToRun>true</WakeToRun>", "woke the machine"),
        (_calendar(DAILY), "<StartWhenAvailable>true</StartWhenAvailable>", "made up for"),
        (
            _calendar(DAILY),
            "<RestartOnFailure><Count>99</Count><Interval>PT1M</Interval></RestartOnFailure>",
            "9 times",
        ),
    ],
)
def test_what_is_different_is_said(trigger: str, settings: str, warning: str) -> None:
    found, _ = _one(_task(trigger, settings))
    assert any(warning in text for text in found.warnings)


def test_many_tasks_are_named_by_the_comments_between_them() -> None:
    bare = _task(_calendar(DAILY)).replace("<URI>\\A</URI>", "")
    text = f"<Tasks>\n<!-- \\Reports\\Monthly -->\n{bare}\n{bare}\n<!-- \\X\\Y -->\n{bare}\n</Tasks>"
    result = _read(text.encode())
    assert [(job.name, job.line) for job in result.jobs] == [("monthly", 3), ("a", 4), ("y", 6)]


def test_our_own_tasks_are_left_alone() -> None:
    result = _read(_task(_calendar(DAILY)).replace("\\A<", "\\Crontopus\\5f0c<").encode())
    assert not result.jobs
    assert "Crontopus wrote this task" in result.problems[0].reason


BOMB = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><Task>&c;</Task>'


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (BOMB.encode(), 1, "document types"),
        (("\n\n" + BOMB).encode("utf-16"), 3, "document types"),
        (b'<!doctype a SYSTEM "file:///etc/passwd"><a/>', 1, "document types"),
        (b"<Task>\n&x;</Task>", 2, "not XML"),
        (b"<Task>", 1, "not XML"),
        (b"", 1, "not XML"),
        (b"hello", 1, "not XML"),
        (b"<Task>\0</Task>", 1, "not XML"),
        (b"\xff\xfe\x00", 1, "neither UTF-8 nor UTF-16"),
        (b"<\xe9/>", 1, "neither UTF-8 nor UTF-16"),
        (b"<html/>", 1, "no task"),
        (b"<Tasks/>", 1, "no task"),
        (b"<a>" * 100, 1, "levels"),
    ],
)
def test_what_is_no_export_is_a_problem(data: bytes, line: int, reason: str) -> None:
    result = _read(data)
    assert not result.jobs
    (problem,) = result.problems
    assert problem.line == line
    assert reason in problem.reason
