"""contract/vectors/manifest, run whole. The Go reader runs the same files."""

from __future__ import annotations

from typing import Any

import pytest

from crontopus_api.manifests import (
    ManifestInvalid,
    document_from_mapping,
    dump_yaml,
    parse_document,
    system_kind,
    to_mapping,
)
from crontopus_api.manifests.yamltree import read_tree

from .contract import VALIDATOR, load_cases, plain, text_of

COUNT = 353
CASES = load_cases()
VALID = [case for case in CASES if "expect" in case]
INVALID = [case for case in CASES if "errors" in case]
SOURCES = ({"manifest"}, {"base64"}, {"generated"})


def _name(case: dict[str, Any]) -> str:
    return str(case["name"])


def test_the_count_is_known_and_names_are_unique() -> None:
    assert len(CASES) == COUNT == len(VALID) + len(INVALID)
    assert len({case["name"] for case in CASES}) == COUNT


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_the_case_is_well_formed(case: dict[str, Any]) -> None:
    keys = case.keys() - {"why", "name", "path"}
    source = keys & {"manifest", "base64", "generated"}
    assert source in SOURCES
    assert keys - source in ({"expect"}, {"errors", "schema"}), "unknown or missing fields"
    for error in case.get("errors", []):
        assert error.keys() == {"code", "line", "column", "path"}


@pytest.mark.parametrize("case", VALID, ids=_name)
def test_valid(case: dict[str, Any]) -> None:
    manifest = parse_document(case["path"], text_of(case))
    data = plain(manifest.model_dump(by_alias=True))
    for dotted, expected in case["expect"].items():
        assert _look_up(manifest, data, dotted) == expected, dotted
    errors = list(VALIDATOR.iter_errors(read_tree(case["path"], text_of(case)).data))
    assert not errors, "the JSON Schema must agree"
    assert parse_document(case["path"], dump_yaml(manifest).encode()) == manifest
    if system_kind(case["path"]):
        assert document_from_mapping(case["path"], to_mapping(manifest)) == manifest


def _look_up(manifest: Any, data: Any, dotted: str) -> Any:
    if dotted == "mode":
        return manifest.mode
    for step in dotted.split("."):
        data = data[step]
    return data


@pytest.mark.parametrize("case", INVALID, ids=_name)
def test_invalid(case: dict[str, Any]) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse_document(case["path"], text_of(case))
    found = [
        {"code": error.code, "line": error.line, "column": error.column, "path": error.path}
        for error in caught.value.errors
    ]
    assert found == case["errors"]
    assert all(error.file == case["path"] and error.message for error in caught.value.errors)


@pytest.mark.parametrize("case", [case for case in INVALID if case["schema"] != "unreadable"], ids=_name)
def test_the_schema_agrees_where_it_can(case: dict[str, Any]) -> None:
    rejected = not VALIDATOR.is_valid(read_tree(case["path"], text_of(case)).data)
    assert rejected == (case["schema"] == "rejects")
