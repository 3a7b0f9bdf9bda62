"""Whatever comes in: nothing is lost on the way, nothing invalid comes out, nothing crashes or hangs."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontopus_api.importers import Imported, Kind, read
from crontopus_api.importers.windows import split_arguments
from crontopus_api.manifests import Selector, is_name, parse_job

_words = st.sampled_from(
    [
        *(
            "0",
            "*/5",
            "*",
            "1-5",
            "61",
            "@daily",
            "@reboot",
            "root",
            "/opt/a.sh",
            "cd",
            "/srv",
            "&&",
            "||",
            ";",
            "|",
        ),
        *(
            "X=1",
            "'a b'",
            '"c',
            "$X",
            "\\%",
            "%",
            "%in",
            ">/dev/null",
            "2>&1",
            "#",
            "MAILTO",
            "=",
            "SHELL=/bin/bash",
        ),
        *(
            "CRON_TZ=Asia/Tokyo",
            "CRON_TZ=x",
            "HOME=/srv",
            "RANDOM_DELAY=9",
            "é",
            "\t",
            "\0",
            "\x07",
            "\r",
            "\u2028",
        ),
        *(
            "200",
            "start",
            "-c",
            "flock",
            "sudo",
            "-u",
            "python3",
            "-m",
            "(",
            "{",
            "`",
            "<<EOF",
            "crontopus-run",
        ),
    ]
)
_lines = st.one_of(
    st.lists(_words, max_size=9).map(" ".join),
    st.lists(_words, min_size=1, max_size=6).map(lambda words: "0 2 * * * " + " ".join(words)),
    st.text(max_size=40),
)
_texts = st.lists(_lines, max_size=8).map(lambda lines: "\n".join(lines).encode("utf-8", "replace"))
_kinds: st.SearchStrategy[Kind] = st.sampled_from(["crontab", "system-crontab"])
_selectors = st.sampled_from([None, Selector(hostname="*"), Selector(matchLabels={"a": "b"})])


def _all_valid(result: Imported) -> None:
    assert len({job.name for job in result.jobs}) == len(result.jobs)
    for job in result.jobs:
        assert is_name(job.name)
        assert job.path == f"default/{job.name}.yaml"
        assert parse_job(job.path, job.yaml.encode()).mode == "agent"


@settings(max_examples=500, deadline=None)
@given(_kinds, st.one_of(_texts, st.binary(max_size=200)), _selectors)
@example("crontab", b"'a'='b\n", None)
@example("crontab", b"0 2 * * * a%\xff", None)
@example("crontab", b"#\x80\n0 2 * * * a", None)
def test_every_line_of_a_crontab_is_accounted_for(kind: Kind, data: bytes, selector: Selector | None) -> None:
    result = read(kind, data, namespace="default", timezone="UTC", selector=selector)
    _all_valid(result)
    found = [item.line for items in (result.jobs, result.problems, result.settings) for item in items]
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    wanted = [n for n, line in enumerate(lines, 1) if (bare := _bare(line)) and not bare.startswith(b"#")]
    assert sorted(found) == wanted
    assert all(problem.reason for problem in result.problems)


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\r").lstrip(b" \t")


_tags = st.sampled_from(
    [
        *(
            "Task",
            "Tasks",
            "Triggers",
            "CalendarTrigger",
            "TimeTrigger",
            "BootTrigger",
            "Repetition",
            "Interval",
        ),
        *(
            "Duration",
            "StartBoundary",
            "ScheduleByDay",
            "DaysInterval",
            "ScheduleByWeek",
            "DaysOfWeek",
            "Monday",
        ),
        *(
            "ScheduleByMonth",
            "DaysOfMonth",
            "Day",
            "Months",
            "May",
            "Actions",
            "Exec",
            "Command",
            "Arguments",
        ),
        *(
            "Settings",
            "Enabled",
            "ExecutionTimeLimit",
            "Principals",
            "Principal",
            "UserId",
            "RestartOnFailure",
            "Count",
        ),
        *("RandomDelay", "RegistrationInfo", "URI", "WorkingDirectory", "WeeksInterval"),
    ]
)
_values = st.sampled_from(
    [
        *(
            "PT5M",
            "PT1H",
            "P1D",
            "PT0S",
            "P",
            "x",
            "1",
            "2",
            "false",
            "2026-01-05T02:30:00",
            "S-1-5-18",
            "CORP\\u",
        ),
        *(
            "2026-01-05T23:30:00+02:00",
            "0001-01-01T00:00:00Z",
            "C:\\a b\\c.exe",
            "cmd.exe",
            '/c "a"',
            "%windir%\\x",
        ),
        *("\\X\\Y", ""),
    ]
)


@st.composite
def _elements(draw: st.DrawFn, depth: int = 5) -> str:
    tag = draw(_tags)
    inner = draw(_values) if depth == 0 or draw(st.booleans()) else ""
    if not inner and depth:
        inner = "".join(draw(st.lists(_elements(depth - 1), max_size=4)))
    return f"<{tag}>{inner.replace('&', '&amp;').replace('<', '&lt;') if not inner.startswith('<') else inner}</{tag}>"


@settings(max_examples=300, deadline=None)
@given(st.one_of(_elements().map(str.encode), st.binary(max_size=100)))
def test_any_xml_is_read_or_refused(data: bytes) -> None:
    result = read("task-scheduler", data, namespace="default", timezone="UTC", selector=None)
    _all_valid(result)
    assert result.jobs or result.problems


_fragments = {
    "StartBoundary": ["2026-01-05T02:30:00", "2026-01-05T23:30:00+02:00", "2026-01-05T00:00:59Z", "soon"],
    "Repetition": ["", "<Interval>PT7M</Interval>", "<Interval>PT15M</Interval><Duration>P1D</Duration>"],
    "RandomDelay": ["PT5M", "PT3H", "nonsense"],
    "Enabled": ["true", "false"],
}
_dates = st.sampled_from(
    [
        "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>",
        "<ScheduleByWeek><DaysOfWeek><Monday/><Sunday/></DaysOfWeek></ScheduleByWeek>",
        "<ScheduleByMonth><DaysOfMonth><Day>31</Day></DaysOfMonth><Months><February/></Months></ScheduleByMonth>",
        "<ScheduleByMonth><DaysOfMonth><Day>1</Day></DaysOfMonth></ScheduleByMonth>",
        "",
    ]
)


@st.composite
def _tasks(draw: st.DrawFn) -> str:
    def some(name: str) -> str:
        return (
            f"<{name}>{draw(st.sampled_from(_fragments[name]))}</{name}>" if draw(st.integers(0, 3)) else ""
        )

    kind = draw(st.sampled_from(["CalendarTrigger", "TimeTrigger", "LogonTrigger"]))
    triggers = "".join(
        f"<{kind}>{''.join(map(some, _fragments))}{draw(_dates)}</{kind}>"
        for _ in range(draw(st.integers(0, 3)))
    )
    command = draw(st.sampled_from(["a.exe", "C:\\Program Files\\b.exe", "cmd", "%X%\\c"]))
    arguments = draw(st.text(st.sampled_from('ab "\\%/c'), max_size=12))
    exec_ = f"<Exec><Command>{command}</Command><Arguments>{arguments}</Arguments></Exec>"
    return f"<Task><Triggers>{triggers}</Triggers><Actions>{exec_}</Actions></Task>"


@settings(max_examples=300, deadline=None)
@given(st.lists(_tasks(), max_size=3))
def test_every_task_is_accounted_for(tasks: list[str]) -> None:
    data = f"<Tasks>{chr(10).join(tasks)}</Tasks>".encode("utf-16")
    result = read("task-scheduler", data, namespace="default", timezone="UTC", selector=None)
    _all_valid(result)
    assert {item.line for items in (result.jobs, result.problems) for item in items} == set(
        range(1, max(len(tasks), 1) + 1)
    )


@given(st.text(st.sampled_from('ab "\\\t'), max_size=40))
def test_arguments_are_split_and_nothing_but_quotes_and_slashes_is_lost(line: str) -> None:
    found = "".join(split_arguments(line))
    assert [c for c in found if c in "ab"] == [c for c in line if c in "ab"]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("crontab", b"0 2 * * * cd " + b" " * 16_000 + b"x"),
        ("crontab", (b"0 2 * * * " + b"'" * 16_000 + b"\n") * 20),
        ("crontab", (b"0 2 * * * " + b"a=" * 8_000 + b"\n") * 20),
        ("crontab", (b"0 2 * * * cd / && " + b'"' * 15_999 + b"\n") * 20),
        ("crontab", (b"0 2 * * * " + b"http://" * 2_300 + b"\n") * 20),
        ("crontab", b"x" * 1_000_000),
        ("crontab", b"\n".join([b"# comment"] * 10_000)),
        ("task-scheduler", b"<a>" * 300_000),
        ("task-scheduler", b"<Tasks>" + b"<Task/>" * 60_000 + b"</Tasks>"),
        ("task-scheduler", b"<Task>" + b"x" * 1_000_000 + b"</Task>"),
        (
            "task-scheduler",
            b"<Task><Triggers><TimeTrigger><StartBoundary>2026-01-01T00:00:00</StartBoundary><Repetition><Interval>"
            b"PT1M</Interval></Repetition></TimeTrigger></Triggers><Actions><Exec><Command>a</Command><Arguments>"
            + b"\\" * 900_000
            + b"</Arguments></Exec></Actions></Task>",
        ),
    ],
    ids=range(11),
)
def test_hostile_input_is_bounded_work(kind: Kind, data: bytes) -> None:
    began = time.process_time()
    read(kind, data, namespace="default", timezone="UTC", selector=None)
    # A second where work grows with the input, minutes where it grows with its square.
    assert time.process_time() - began < 15
