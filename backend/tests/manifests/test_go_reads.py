"""The agent reads manifests exactly as the server does.

Every manifest that the server accepts round-trips YAML → model → YAML → model and is read identically by
`agent/pkg/manifest`. What is valid YAML but no manifest both refuse with the same codes at the same places. The
server is the gate for text that is no valid YAML: there the two libraries need not say the same.
The agent's reader is built once per session with `go build`; without Go the tests fail.

The number of examples is small by default. `CRONTOPUS_SOAK=100 pytest backend/tests/manifests/test_go_reads.py` runs
a hundred times as many.
"""

from __future__ import annotations

import copy
import json
import os
import zipfile
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
import tzdata
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crontopus_api.manifests import dump_yaml, job_from_mapping, parse_job
from crontopus_api.schedules import zone_names

from .contract import load_cases, text_of
from .go_reader import AGENT, GoReader, build, codes, comparable, python_reads
from .go_strategies import (
    cron_texts,
    every_texts,
    fragments,
    instants,
    junk,
    manifests_with_odd_texts,
    objects,
    patterns,
    quantities,
)
from .strategies import jobs, texts

SOAK = int(os.environ.get("CRONTOPUS_SOAK", "1"))
PATH = "x/y/z.yaml"  # where a document is judged by its content alone
CASES = load_cases()
# In `[a: ]` nothing is an empty value, and where nothing stands is a matter of taste. Levels of brackets and of
# indentation are counted apart by the agent's library, so the first that is too deep may be another.
PLACELESS = ("null_value", "too_deep")


def examples(count: int) -> settings:
    # The reader keeps no state between questions, so one for all examples is sound.
    return settings(
        max_examples=count * SOAK,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoReader]:
    reader = GoReader(build(tmp_path_factory.mktemp("readmanifest")))
    yield reader
    reader.close()


def agree(go: GoReader, path: str, data: bytes) -> dict[str, Any]:
    """What both make of it."""
    ours, theirs = python_reads(path, data), go.read(path, data)
    assert comparable(ours) == comparable(theirs), data
    return ours


def agree_at_the_gate(go: GoReader, path: str, data: bytes) -> None:
    """What the server accepts the agent reads identically; where YAML itself is broken it may see something else."""
    ours, theirs = python_reads(path, data), go.read(path, data)
    if "manifest" in ours or "yaml_syntax" not in codes(ours) + codes(theirs):
        assert comparable(ours, PLACELESS) == comparable(theirs, PLACELESS), data
    elif "manifest" in theirs:
        assert codes(ours) == ["yaml_syntax"], data


def test_the_agent_counts_with_the_servers_zones() -> None:
    """`python agent/tools/zoneinfo/update.py` copies them when tzdata is updated."""
    package = resources.files("tzdata")
    with zipfile.ZipFile(AGENT / "pkg/schedule/zoneinfo.zip") as archive:
        assert archive.read("+VERSION").decode() == tzdata.IANA_VERSION
        assert set(archive.namelist()) - {"+VERSION", "Factory"} == zone_names()
        for name in zone_names():
            assert archive.read(name) == package.joinpath("zoneinfo", *name.split("/")).read_bytes(), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_vectors(go: GoReader, case: dict[str, Any]) -> None:
    agree(go, case["path"], text_of(case))


@examples(60)
@given(data=jobs)
def test_every_job_round_trips_and_go_reads_it_identically(go: GoReader, data: dict[str, Any]) -> None:
    name = data["metadata"]["name"]
    path = f"default/{name}.yaml"
    job = job_from_mapping(path, data, namespace="default", name=name)
    text = dump_yaml(job).encode()
    again = parse_job(path, text)
    assert again == job
    assert dump_yaml(again).encode() == text
    assert "manifest" in agree(go, path, text)


@examples(60)
@given(data=objects)
def test_the_other_kinds(go: GoReader, data: dict[str, Any]) -> None:
    agree(go, PATH, json.dumps(data, ensure_ascii=False).encode())


def _places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        found += _places(value, (*path, key))
    return found


@examples(150)
@given(data=st.one_of(jobs, objects), draw=st.data(), ascii_only=st.booleans())
def test_broken_shapes(go: GoReader, data: dict[str, Any], draw: st.DataObject, ascii_only: bool) -> None:
    """Change, remove or add something in up to three places."""
    broken = copy.deepcopy(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        places = _places(broken)
        if not places:
            break
        *parents, last = draw.draw(st.sampled_from(places))
        target = broken
        for step in parents:
            target = target[step]
        change = draw.draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del target[last]
        elif change == "add" and isinstance(target, dict):
            target[
                draw.draw(
                    st.one_of(
                        st.sampled_from(["extra", "args", "shell", "hostname", "start", "command"]), texts
                    )
                )
            ] = copy.deepcopy(draw.draw(junk))
        else:
            target[last] = copy.deepcopy(draw.draw(junk))
    text = json.dumps(broken, ensure_ascii=ascii_only, indent=draw.draw(st.sampled_from([None, 1]))).encode()
    # A line separator ends a line for YAML, not for JSON, and a key may not go on in the next one.
    broken_yaml = codes(python_reads(PATH, text)) == ["yaml_syntax"]
    (agree_at_the_gate if broken_yaml else agree)(go, PATH, text)


@examples(200)
@given(text=fragments)
def test_yaml_of_any_shape(go: GoReader, text: str) -> None:
    agree_at_the_gate(go, PATH, text.encode())


@examples(300)
@given(text=manifests_with_odd_texts(), line_break=st.sampled_from(["\n", "\r\n", "\r"]))
def test_odd_texts_in_a_job(go: GoReader, text: str, line_break: str) -> None:
    agree_at_the_gate(go, PATH, text.replace("\n", line_break).encode())


@examples(200)
@given(case=st.sampled_from(CASES), draw=st.data())
def test_noise_in_the_vectors(go: GoReader, case: dict[str, Any], draw: st.DataObject) -> None:
    """Cut something out of a vector, put something in, or go on with another one."""
    data = text_of(case)[:4_000]
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, min(start + 20, len(data))))
    noise = draw.draw(st.one_of(fragments.map(str.encode), st.binary(max_size=4)))
    tail = text_of(draw.draw(st.sampled_from(CASES)))[:4_000] if draw.draw(st.booleans()) else data
    agree_at_the_gate(go, case["path"], data[:start] + noise + tail[end:])


def _scalar(go: GoReader, key: str, text: Any, kind: str = "Job", **spec: Any) -> None:
    document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "spec": {**spec, key: text}}
    agree(go, PATH, json.dumps(document, ensure_ascii=False).encode())


@examples(200)
@given(
    text=st.one_of(cron_texts, every_texts, cron_texts.map("\v {}\n".format)),
    zone=st.one_of(texts, st.sampled_from(["UTC", "europe/london", "Factory", "Local"])),
)
def test_schedules(go: GoReader, text: str, zone: str) -> None:
    _scalar(go, "schedule", text)
    _scalar(go, "schedule", [text, "@daily", text])
    _scalar(go, "timezone", zone, schedule="@daily")


@examples(300)
@given(pattern=patterns)
def test_patterns(go: GoReader, pattern: str) -> None:
    _scalar(go, "output", {"redact": [pattern]}, schedule="@daily")


@examples(100)
@given(
    text=quantities,
    instant=st.one_of(
        instants,
        st.from_regex(
            r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[-+][0-9]{2}:[0-9]{2})\Z"
        ),
    ),
)
def test_quantities(go: GoReader, text: str, instant: str) -> None:
    _scalar(go, "timeout", text, schedule="@daily")
    _scalar(go, "output", {"maxBytes": text}, schedule="@daily")
    _scalar(go, "start", instant, "MaintenanceWindow", end="9999-12-31T00:00:00Z")
    _scalar(go, "allowedWindows", [{"from": text, "to": "00:00"}], "Policy")
