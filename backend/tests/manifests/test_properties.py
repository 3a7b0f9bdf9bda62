"""What must hold for any manifest, and for any bytes at all."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontopus_api.manifests import (
    ManifestInvalid,
    dump_yaml,
    job_from_mapping,
    parse_document,
    parse_job,
    to_mapping,
)

from .contract import VALIDATOR
from .strategies import jobs, texts

# What JSON Schema says too: a document with one of these errors is invalid under it.
STRUCTURAL = {
    "wrong_type",
    "unknown_key",
    "required",
    "not_allowed",
    "too_long",
    "needs_command",
    "conflict",
    "command_has_spaces",
    "bad_command",
    "bad_name",
    "bad_label",
    "bad_env_key",
    "bad_user",
    "bad_path",
    "bad_id",
    "bad_duration",
    "bad_size",
    "reserved_name",
    "unknown_kind",
    "unknown_api_version",
}


@settings(max_examples=200, deadline=None)
@given(data=jobs)
@example(
    data={
        "apiVersion": "v1",
        "kind": "Job",
        "metadata": {"name": "a", "annotations": {"a": "\x85", "b": "a\u2028b", "c": "\r", "d": "a\x85\nb"}},
        "spec": {"schedule": "@daily"},
    }
)
def test_round_trip(data: dict[str, Any]) -> None:
    """JSON is YAML; and YAML → model → YAML → model changes nothing, and neither does JSON → model → JSON."""
    name = data["metadata"]["name"]
    path = f"default/{name}.yaml"
    job = job_from_mapping(path, data, namespace="default", name=name)
    text = dump_yaml(job)
    assert parse_job(path, text.encode()) == job
    assert dump_yaml(parse_job(path, text.encode())) == text
    assert text.endswith("\n")
    wire = json.loads(json.dumps(to_mapping(job)))
    assert job_from_mapping(path, wire, namespace="default", name=name) == job


@settings(max_examples=150, deadline=None)
@given(data=jobs)
def test_every_valid_job_is_valid_under_the_schema(data: dict[str, Any]) -> None:
    job = job_from_mapping("default/x.yaml", data, namespace="default", name=data["metadata"]["name"])
    assert VALIDATOR.is_valid(data)
    assert VALIDATOR.is_valid(to_mapping(job))


junk = st.one_of(
    st.integers(-5, 300),
    st.booleans(),
    texts,
    st.floats(allow_nan=False),
    st.just([]),
    st.just({}),
    st.just(["a"]),
)


def _places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        found += _places(value, (*path, key))
    return found


@settings(max_examples=300, deadline=None)
@given(data=jobs, draw=st.data())
def test_a_broken_job_is_broken_for_model_and_schema_alike(data: dict[str, Any], draw: st.DataObject) -> None:
    """Change, remove or add one thing anywhere: a structural error if and only if the schema objects."""
    broken = copy.deepcopy(data)
    *parents, last = draw.draw(st.sampled_from(_places(broken)))
    target = broken
    for step in parents:
        target = target[step]
    change = draw.draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "remove":
        del target[last]
    elif change == "add" and isinstance(target, dict):
        target[draw.draw(st.sampled_from(["extra", "args", "shell", "hostname"]))] = draw.draw(junk)
    else:
        target[last] = draw.draw(junk)
    codes = _codes(broken)
    if codes & STRUCTURAL:
        assert not VALIDATOR.is_valid(broken), codes
    elif not codes:
        assert VALIDATOR.is_valid(broken)


def _codes(document: dict[str, Any]) -> set[str]:
    try:
        parse_document("x/y/z.yaml", json.dumps(document).encode())
    except ManifestInvalid as invalid:
        return {error.code for error in invalid.errors}
    return set()


_yamlish = st.text(st.sampled_from("ab: -\n\t[]{},&*!|>'\"%@`#?~.0\\\r\ufeff"), max_size=60).map(str.encode)


@settings(max_examples=400, deadline=None)
@given(data=st.one_of(st.binary(max_size=200), _yamlish))
@example(data=b"? ? ? a")
@example(data=b"\xff\xfe")
@example(data=b"%YAML 9999999999999999999.1\n---\n")
@example(data=b'"\\U00110000"')
@example(data=b"a: !%C0%80 b")
@example(data=b"%TAG !e! tag:%C0%80\n---\na: b")
@example(data=b"999999999999999999999: a")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse_document("default/x.yaml", data)
    assert caught.value.errors
    assert all((error.line or 0) >= 1 and (error.column or 0) >= 1 for error in caught.value.errors)


@settings(max_examples=100, deadline=None)
@given(data=jobs, noise=st.binary(min_size=1, max_size=6), at=st.floats(0, 1))
def test_noise_inside_a_job_is_read_or_refused(data: dict[str, Any], noise: bytes, at: float) -> None:
    name = data["metadata"]["name"]
    text = dump_yaml(job_from_mapping("a", data, namespace="default", name=name)).encode()
    cut = int(len(text) * at)
    try:
        parse_job(f"default/{name}.yaml", text[:cut] + noise + text[cut:])
    except ManifestInvalid:
        return  # refused; anything else would have failed the test


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(data=st.dictionaries(st.sampled_from(["apiVersion", "kind", "metadata", "spec", "x"]), json_values))
def test_any_json_is_read_or_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ManifestInvalid):
        job_from_mapping("default/x.yaml", data, namespace="default", name="x")


BOMBS = {
    "billion laughs": b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        f"{c}: &{c} [{','.join([f'*{p}'] * 10)}]\n".encode()
        for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "merge bomb": b"a: &a {x: 1}\n" + b"b: {<<: [*a,*a,*a]}\n" * 1000,
    "brackets": b"[" * 200_000,
    "braces": b"{a: " * 60_000,
    "dashes": b"- " * 100_000,
    "question marks": b"? " * 100_000,
    "values": b"[" + b"1," * 120_000 + b"]",
    "keys": b"".join(b"k%d: 1\n" % n for n in range(25_000)),
    "one long word": b"a: " + b"x" * 250_000,
    "one long key": b"x" * 250_000 + b": a",
    "a huge number": b"a: " + b"9" * 250_000,
    "quotes": b'"' + b"\\u00fc" * 40_000 + b'"',
    "comments": b"#\n" * 130_000,
    "anchors": b"".join(b"- &a%d x\n" % n for n in range(20_000)),
    "long path": b"? " + b"a" * 200_000 + b"\n: [" + b"~," * 1_900 + b"]",
    "above the limit": b"x" * 50_000_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_at_once(bomb: str) -> None:
    with pytest.raises(ManifestInvalid):
        parse_document("default/x.yaml", BOMBS[bomb])
    # Processor time, and the fastest of three: other processes may hold the machine.
    limit = 0.05 if bomb == "billion laughs" else 0.2
    assert min(_seconds(BOMBS[bomb]) for _ in range(3)) < limit


def _seconds(data: bytes) -> float:
    start = time.process_time()
    with pytest.raises(ManifestInvalid):
        parse_document("default/x.yaml", data)
    return time.process_time() - start
