"""Hypothesis strategies for what the two readers must agree on: the other kinds, and text near what is allowed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .strategies import durations, label_keys, label_values, names, texts

_match = st.fixed_dictionaries(
    {},
    optional={
        "namespaces": st.lists(names, min_size=1, max_size=3, unique=True),
        "matchLabels": st.dictionaries(label_keys, label_values, min_size=1, max_size=3),
    },
)
_times = st.from_regex(r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z")
instants = st.builds(
    "{}T{}{}{}".format,
    st.dates().map(str),
    _times,
    st.sampled_from(["", ":00", ":59"]),
    st.one_of(st.just("Z"), _times.map("+{}".format), _times.map("-{}".format)),
)


def _some(options: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(options), min_size=1, max_size=3, unique=True)


_channels = st.lists(st.one_of(names, st.just("On Call")), min_size=1, max_size=4, unique=True)
_windows = st.lists(
    st.fixed_dictionaries({"from": _times, "to": _times}, optional={"days": _some(["mon", "tue", "sun"])}),
    min_size=1,
    max_size=3,
)
_rules = st.fixed_dictionaries(
    {"requiredLabels": st.lists(label_keys, min_size=1, max_size=3, unique=True)},
    optional={
        "allowedUsers": st.lists(st.sampled_from(["root", "a\\b", "h$"]), min_size=1, unique=True),
        "allowedCommands": st.lists(texts.filter(bool), min_size=1, max_size=3, unique=True),
        "minimumInterval": durations(60, 86_400),
        "maximumTimeout": durations(1, 86_400),
        "allowedWindows": _windows,
    },
)
_specs = {
    "Policy": st.fixed_dictionaries(
        {"rules": _rules}, optional={"enforcement": st.sampled_from(["enforce", "warn"]), "match": _match}
    ),
    "AlertRoute": st.fixed_dictionaries(
        {"channels": _channels},
        optional={
            "match": _match,
            "severities": _some(["info", "warning", "error", "critical"]),
            "incidents": _some(["missed", "failing", "stuck", "drifted", "outage"]),
            "continue": st.booleans(),
            "enabled": st.booleans(),
            "repeatEvery": durations(60, 86_400),
            "escalate": st.lists(
                st.fixed_dictionaries({"after": durations(60, 86_400), "channels": _channels}),
                min_size=1,
                max_size=2,
            ),
            "quietHours": st.fixed_dictionaries(
                {"windows": _windows},
                optional={"timezone": st.just("Europe/London"), "below": st.sampled_from(["info", "error"])},
            ),
        },
    ),
    "MaintenanceWindow": st.one_of(
        st.fixed_dictionaries(
            {"start": instants, "end": instants}, optional={"match": _match, "reason": texts}
        ),
        st.fixed_dictionaries(
            {"schedule": st.sampled_from(["0 22 * * sat", "every 1d"]), "duration": durations(60, 86_400)},
            optional={"match": _match, "reason": texts, "timezone": st.just("Europe/London")},
        ),
    ),
}
objects: st.SearchStrategy[dict[str, Any]] = st.one_of(
    [
        st.fixed_dictionaries(
            {
                "apiVersion": st.just("v1"),
                "kind": st.just(kind),
                "metadata": st.fixed_dictionaries(
                    {"name": names}, optional={"labels": st.dictionaries(label_keys, label_values)}
                ),
                "spec": spec,
            }
        )
        for kind, spec in _specs.items()
    ]
)


junk = st.one_of(
    st.integers(-5, 2**70),
    st.booleans(),
    texts,
    st.floats(),
    st.none(),
    st.sampled_from(
        [
            [],
            {},
            ["a"],
            [1, "a", "a"],
            ["a"] * 300,
            [["a"]],
            {"a": "b"},
            {"": ""},
            {"-": "-"},
            "a" * 5_000,
            "CRONTOPUS_A",
        ]
    ),
)


fragments = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                ": ",
                ":",
                "- ",
                "-",
                "\n",
                "\n  ",
                "\n    ",
                "\r\n",
                "\r",
                "\t",
                " ",
                "[",
                "]",
                "{",
                "}",
                ",",
                ", ",
            ),
            *(
                "'",
                '"',
                "#",
                " #",
                "|",
                "|-\n  ",
                ">+\n   ",
                "|2\n",
                ">1-\n",
                "? ",
                "?",
                "---\n",
                "...\n",
                "---",
                "%",
                "@",
                "`",
            ),
            *(
                "!",
                "!!str ",
                "!<x> ",
                "!%C3%BC ",
                "&a ",
                "*a",
                "<<: ",
                "~",
                "null",
                "true",
                "0o7",
                "0x",
                "1e3",
                ".inf",
                "99" * 12,
            ),
            *(
                "\\",
                "\\x41",
                "\\u00e9",
                "\\N",
                "\\\n",
                "\x85",
                "\u2028",
                "\ufeff",
                "é",
                "🦑",
                "\0",
                "\x1b",
                "spec:",
                "name: a",
            ),
            *(
                "%YAML 1.2\n",
                "%YAML 1.1\n",
                "%TAG ! x\n",
                "schedule: '@daily'\n",
                "kind: Job\n",
                "=",
                "1:30",
                "2026-01-01",
            ),
        ]
    ),
    max_size=12,
).map("".join)


cron_texts = st.lists(
    st.lists(
        st.sampled_from(
            [
                *"0123456789*/-,?LW#~",
                "59",
                "60",
                "23",
                "24",
                "31",
                "12",
                "7",
                "8",
                "jan",
                "SUN",
                "mon-fri",
                "*/",
                "\u00a0",
                "\u0131",
            ]
        ),
        min_size=1,
        max_size=4,
    ).map("".join),
    min_size=4,
    max_size=6,
).map(" ".join)
every_texts = st.lists(
    st.sampled_from(
        [
            "every",
            "EVERY",
            "@",
            " ",
            "\t",
            "\n",
            "\u00a0",
            "5",
            "90",
            "m",
            "h",
            "d",
            "w",
            "s",
            "daily",
            "reboot",
        ]
    ),
    max_size=6,
).map("".join)


patterns = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "b",
                ".",
                "*",
                "+",
                "?",
                "{",
                "}",
                "{2}",
                "{2,}",
                "{,2}",
                "{2,1}",
                "{1001}",
                "{100}",
                "{00}",
                "(",
                ")",
                "(?:",
                "|",
            ),
            *(
                "(?P<a>",
                "(?P<a",
                "(?i)",
                "(?i:",
                "(?-i:",
                "(?i-i:",
                "(?=",
                "(?#",
                "[",
                "]",
                "[^",
                "[]",
                "-",
                "a-z",
                "z-a",
                "^",
                "$",
            ),
            *(
                "\\d",
                "\\w",
                "\\b",
                "\\B",
                "\\A",
                "\\Z",
                "\\z",
                "\\x41",
                "\\x4",
                "\\1",
                "\\n",
                "\\-",
                "\\]",
                "\\",
                "\\Q",
                "\\pL",
                "\\C",
            ),
            *(
                "[:alpha:]",
                "[a&&b]",
                "[!--a]",
                "[a~~]",
                "[||a]",
                "[\\w-a]",
                "[a-\\d]",
                "[]a]",
                "[^]a-]",
                "&&",
                "--",
                "~~",
                "||",
                "é",
                "\n",
                "İ",
                "\u017f",
            ),
        ]
    ),
    max_size=8,
).map("".join)


quantities = st.lists(
    st.sampled_from([*"0123456789wdhms", "Ki", "Mi", "K", "k", "M", "-", "+", ".", " ", "000000", "٣"]),
    max_size=7,
).map("".join)


_PLACES = """\
apiVersion: crontopus/v1
kind: Job
metadata: {name: hello, annotations: {a: @, 'b': "@", c: '@'}}
spec:
  schedule: "0 2 * * *"
  command: @
  args: [@, '@', "@"]
  env:
    A: |
      @
    B: >-
      @

       @
    C: @
       @
# @
    E: "@
      @"
"""


@st.composite
def manifests_with_odd_texts(draw: st.DrawFn) -> str:
    """A job in which some texts are YAML's own signs; many are valid, so that what is read can be compared."""
    first, *parts = _PLACES.split("@")
    odd = draw(st.dictionaries(st.integers(0, len(parts) - 1), fragments, min_size=1, max_size=3))
    before = draw(st.sampled_from(["", "x"]))
    text = first + "".join((before + odd[i] if i in odd else "x") + part for i, part in enumerate(parts))
    end = draw(st.sampled_from(["\n", "", "\n  ", "# c", "\n\n"]))
    return text.rstrip("\n") + end
