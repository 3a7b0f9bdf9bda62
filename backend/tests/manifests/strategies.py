"""Hypothesis strategies: valid manifests as JSON data, built from what the fields allow."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from crontopus_api.manifests.fields import RESERVED_NAMES

names = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?\Z").filter(lambda n: n not in RESERVED_NAMES)
label_keys = st.from_regex(r"\A([a-z0-9]{1,5}\.[a-z]{1,3}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?\Z")
label_values = st.from_regex(r"\A([A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?)?\Z")
# Everything a string may hold, and a good share of what YAML readers trip over.
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    st.sampled_from(
        [
            *("yes", "no", "null", "~", "1", "0o17", "1e3", ".5", "1_000", "1:30", "2026-01-01", "0x1F", "-"),
            *(
                "a: b",
                "#x",
                " a",
                "a ",
                "a\n",
                "\na",
                "a\n\n",
                "a\r\nb",
                "*a",
                "&a",
                "!a",
                "@a",
                "%a",
                "`a",
                "{a",
            ),
            *(
                "",
                "'",
                '"',
                "\\",
                "\t",
                "a\tb",
                "\x85",
                "\u2028",
                "\ufeff",
                "=",
                "<<",
                ".inf",
                ".NaN",
                "True",
            ),
            *("? a", "🦑", "---", "...", "- a", "a\n\n\nb", "a \nb", "  a\nb", "\ta\nb"),
        ]
    ),
)
expressions = st.sampled_from(
    ["0 2 * * *", "*/7 * * * *", "@daily", "every 15m", "every 1h30m", "0 9 * * mon-fri", "5 4 1,15 * 5"]
)


def durations(low: int, high: int) -> st.SearchStrategy[str]:
    return st.one_of(
        st.integers(low, high).map(lambda n: f"{n}s"),
        st.integers(-(-low // 60) or 1, high // 60).map(lambda n: f"{n}m"),
    )


_common: dict[str, Any] = {
    "timezone": st.sampled_from(["UTC", "Europe/London", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]),
    "timeout": durations(1, 86_400),
    "grace": durations(300, 86_400),
    "enabled": st.booleans(),
    "paused": st.booleans(),
    "alerts": st.fixed_dictionaries(
        {},
        optional={
            "failureThreshold": st.integers(1, 100),
            "recoveryThreshold": st.integers(1, 100),
            "repeatEvery": durations(60, 86_400),
            "severity": st.sampled_from(["info", "warning", "error", "critical"]),
        },
    ),
    "output": st.one_of(
        st.just({"capture": "none"}),
        st.fixed_dictionaries(
            {},
            optional={
                "capture": st.sampled_from(["headtail", "head", "tail"]),
                "maxBytes": st.one_of(
                    st.integers(0, 1_048_576), st.sampled_from(["64Ki", "1Mi", "64k", "1M"])
                ),
                "redact": st.lists(st.sampled_from(["a+b", r"(?i)pass=\S+", "[0-9]{4}"]), max_size=3),
            },
        ),
    ),
}
_agent: dict[str, Any] = {
    "workingDir": st.sampled_from(["/", "/opt/x y", "C:\\Temp", "\\\\host\\share"]),
    "env": st.dictionaries(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,10}\Z"), texts, max_size=4),
    "user": st.sampled_from(["root", "www-data", "CORP\\svc", "host$"]),
    "selector": st.fixed_dictionaries(
        {"hostname": st.sampled_from(["*", "web-*", "db1.example.com"])},
        optional={"matchLabels": st.dictionaries(label_keys, label_values, min_size=1, max_size=3)},
    ),
    "retry": st.fixed_dictionaries(
        {"attempts": st.integers(1, 10)},
        optional={"backoff": st.sampled_from(["fixed", "exponential"]), "delay": durations(0, 3600)},
    ),
    "concurrency": st.sampled_from(["allow", "forbid", "replace"]),
    "jitter": durations(0, 300),  # never above the default grace
}
_schedules = st.one_of(expressions, st.lists(expressions, min_size=1, max_size=4, unique=True))
_arguments = st.lists(texts, max_size=4)
_spec = st.one_of(
    st.fixed_dictionaries({"schedule": _schedules}, optional=_common),
    st.fixed_dictionaries(
        {
            "schedule": _schedules,
            "command": texts.filter(lambda text: text != "" and not set(text) & set("\r\n")),
            "args": _arguments,
        },
        optional=_common | _agent,
    ),
    st.fixed_dictionaries(
        {"schedule": _schedules, "command": texts.filter(bool), "shell": st.just(True)},
        optional=_common | _agent,
    ),
)
jobs: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["crontopus/v1", "v1"]),
        "kind": st.just("Job"),
        "metadata": st.fixed_dictionaries(
            {"name": names},
            optional={
                "namespace": st.just("default"),
                "id": st.uuids().map(str),
                "labels": st.dictionaries(label_keys, label_values, max_size=3),
                "annotations": st.dictionaries(label_keys, texts, max_size=3),
            },
        ),
        "spec": _spec,
    }
)
