"""Edits of a manifest's text: one value changes, and nothing else does."""

from __future__ import annotations

import difflib
import json
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crontopus_api.manifests import (
    ManifestInvalid,
    dump_yaml,
    edit,
    job_from_mapping,
    moved,
    parse_job,
    with_spec_value,
)
from crontopus_api.manifests.yamltree import read_tree

from .strategies import jobs, names

ID = UUID("5f0c1b2a-0000-4000-8000-00000000000a")
PATH = "default/nightly.yaml"
HAND_WRITTEN = """\
# Backs up the database.
apiVersion: v1   # short
kind: Job
metadata:
  name: nightly    # what people call it
  labels: {team: platform}

spec:
  schedule:
    - "0 2 * * *"  # after the reports

  # the script is in the other repository
  command: /opt/backup.sh
  args:
    - --fast
    # no --all

# last words
"""


def test_a_new_key_comes_last_and_comments_stay() -> None:
    expected = HAND_WRITTEN.replace("    - --fast\n", "    - --fast\n  paused: true\n")
    assert with_spec_value(HAND_WRITTEN.encode(), "paused", True, path=PATH).decode() == expected


def test_a_value_is_replaced_where_it_stands() -> None:
    paused = HAND_WRITTEN.replace("spec:\n", "spec:\n  paused:   true # for now\n")
    resumed = paused.replace("paused:   true", "paused:   false")
    assert with_spec_value(paused.encode(), "paused", False, path=PATH).decode() == resumed


def test_what_is_so_already_stays_as_it_is() -> None:
    content = HAND_WRITTEN.encode()
    assert with_spec_value(content, "paused", False) is content
    paused = with_spec_value(content, "paused", True, path=PATH)
    assert with_spec_value(paused, "paused", True, path=PATH) is paused


def test_a_move_writes_name_and_id() -> None:
    expected = HAND_WRITTEN.replace(
        "  name: nightly    # what people call it\n",
        f"  name: at-night    # what people call it\n  id: {ID}\n",
    )
    assert moved(HAND_WRITTEN.encode(), PATH, "production/at-night.yaml", ID).decode() == expected


def test_a_move_writes_the_namespace_where_one_is_given() -> None:
    text = HAND_WRITTEN.replace("  name: nightly", "  namespace: discovered\n  id: 'x'\n  name: nightly")
    content = text.replace("'x'", f'"{UUID(int=7)}"').encode()
    found = moved(content, "discovered/nightly.yaml", "web/nightly.yaml", ID).decode()
    assert found == text.replace("'x'", str(ID)).replace("discovered", "web")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: nightly", "name: night\n  id: {id}"),
        ("name: 'nightly'  # c", "name: night  # c\n  id: {id}"),
        ("name: |-\n    nightly\n  labels: {}", "name: night\n  id: {id}\n  labels: {}"),
        (
            "name:\n    nightly\n  annotations:\n    a: b",
            "name:\n    night\n  id: {id}\n  annotations:\n    a: b",
        ),
        ("annotations: {a: |\n    b\n  }\n  name: nightly", None),
        ("{name: nightly}", "{id: {id}, name: night}"),
        ('{ "name" : "nightly" }', '{"id": "{id}", "name" : "night" }'),
        ("? name\n  : nightly", "? name\n  : night\n  id: {id}"),
        ("!<!> x", None),
    ],
)
def test_in_all_ways_of_writing(text: str, expected: str | None) -> None:
    start = "apiVersion: v1\nkind: Job\nmetadata:" + (" " if text.startswith("{") else "\n  ")
    content = f"{start}{text}\nspec: {{schedule: '@daily'}}\n".encode()
    if expected is None:
        with pytest.raises(ManifestInvalid):
            moved(content, PATH, "default/night.yaml", ID)
        return
    written = f"{start}{expected.replace('{id}', str(ID))}\nspec: {{schedule: '@daily'}}\n"
    assert moved(content, PATH, "default/night.yaml", ID).decode() == written


@pytest.mark.parametrize("wrong", ["", "a: [", HAND_WRITTEN, HAND_WRITTEN.replace("--fast", "--slow")])
def test_a_text_that_reads_differently_is_never_the_answer(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit, "_edited", lambda *_: wrong)
    paused = parse_job(PATH, with_spec_value(HAND_WRITTEN.encode(), "paused", True, path=PATH))
    before = parse_job(PATH, HAND_WRITTEN.encode())
    assert paused == before.model_copy(update={"spec": before.spec.model_copy(update={"paused": True})})


@pytest.mark.parametrize(
    ("name", "written"),
    [("123", '"123"'), ("1e3", '"1e3"'), ("true", '"true"'), ("on", '"on"'), ("a-1", "a-1")],
)
def test_names_that_look_like_something_else_are_quoted(name: str, written: str) -> None:
    if name == "123":  # reserved
        name, written = "1234", '"1234"'
    content = moved(HAND_WRITTEN.encode(), PATH, f"default/{name}.yaml", ID)
    assert f"  name: {written}    #" in content.decode()


def test_a_broken_job_or_a_broken_result_is_refused() -> None:
    content = HAND_WRITTEN.encode()
    with pytest.raises(ManifestInvalid):
        with_spec_value(b"nonsense", "paused", True, path=PATH)
    with pytest.raises(ManifestInvalid, match="unknown timezone"):
        with_spec_value(content, "timezone", "Nowhere", path=PATH)
    with pytest.raises(ManifestInvalid, match="unknown key"):
        with_spec_value(content, "pauzed", True, path=PATH)
    with pytest.raises(ManifestInvalid, match="reserved"):
        moved(content, PATH, "default/start.yaml", ID)
    with pytest.raises(ValueError, match="not a single value"):
        with_spec_value(content, "schedule", "@daily", path=PATH)
    with pytest.raises(ValueError, match="not a job's path"):
        moved(content, PATH, "../x.yaml", ID)


def _written(data: dict[str, Any], style: str) -> bytes:
    path = f"default/{data['metadata']['name']}.yaml"
    if style == "json":
        return json.dumps(data).encode()
    canonical = dump_yaml(job_from_mapping(path, data, namespace="default", name=data["metadata"]["name"]))
    if style == "flow":
        return yaml.safe_dump(
            read_tree(path, canonical.encode()).data, default_flow_style=True, allow_unicode=True, width=40
        ).encode()
    text = "\ufeff# first\n" + canonical.replace(
        "\nspec:\n", "  # of metadata\n\nspec: # of spec\n  # é first\n"
    )
    text += "  # end of spec\n\n# end\n"
    if style == "crlf":
        text = text.replace("\n", "\r\n")
    elif style == "no-end":
        text = canonical.rstrip("\n") if not canonical.endswith("\n\n") else canonical
    return text.encode()


_styles = st.sampled_from(["comments", "crlf", "no-end", "flow", "json"])


def _accepted(path: str, content: bytes) -> bool:
    try:
        parse_job(path, content)
    except ManifestInvalid:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(jobs, _styles, st.booleans(), st.sampled_from(["paused", "enabled"]))
def test_any_job_changes_in_one_value_only(data: dict[str, Any], style: str, value: bool, key: str) -> None:
    path = f"default/{data['metadata']['name']}.yaml"
    content = _written(data, style)
    if not _accepted(path, content):  # PyYAML's flow style and CRLF say something else for some texts
        return
    before = parse_job(path, content)
    edited = with_spec_value(content, key, value, path=path)
    expected = before.model_copy(update={"spec": before.spec.model_copy(update={key: value})})
    assert parse_job(path, edited) == expected
    if style in ("comments", "crlf", "no-end"):
        assert _touched(content, edited) <= 1


@settings(max_examples=300, deadline=None)
@given(jobs, _styles, names, names)
def test_any_job_can_move(data: dict[str, Any], style: str, namespace: str, name: str) -> None:
    path, target = f"default/{data['metadata']['name']}.yaml", f"{namespace}/{name}.yaml"
    content = _written(data, style)
    if not _accepted(path, content):
        return
    before = parse_job(path, content)
    edited = moved(content, path, target, ID)
    metadata = before.metadata.model_copy(update={"name": name, "namespace": namespace, "id": ID})
    assert parse_job(target, edited) == before.model_copy(update={"metadata": metadata})
    if style in ("comments", "crlf", "no-end"):
        assert _touched(content, edited) <= 3


def _touched(before: bytes, after: bytes) -> int:
    """How many lines are new or different."""
    old, new = before.decode().split("\n"), after.decode().split("\n")
    return sum(line.startswith("+ ") for line in difflib.ndiff(old, new))
