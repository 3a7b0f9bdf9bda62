"""The schema, the model, the page and the examples tell one story."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from crontopus_api.manifests import (
    AlertRoute,
    JobManifest,
    MaintenanceWindow,
    Policy,
    job_from_mapping,
    parse_job,
)
from crontopus_api.manifests.docs import render
from crontopus_api.manifests.models import Part

from .contract import ROOT, SCHEMA, VALIDATOR, load_cases

DEFS = SCHEMA["$defs"]
KINDS: dict[str, type[Part]] = {
    "Job": JobManifest,
    "Policy": Policy,
    "AlertRoute": AlertRoute,
    "MaintenanceWindow": MaintenanceWindow,
}


def _resolve(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    return {**_resolve(DEFS[part["$ref"].removeprefix("#/$defs/")]), **part}


def _objects(part: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    part = _resolve(part)
    if part.get("type") == "array":
        yield from _objects(part["items"], path + "[]")
    if "properties" in part:
        yield path, part
        for name, inner in part["properties"].items():
            yield from _objects(inner, f"{path}.{name}")


def _models(model: type[Part], path: str) -> Iterator[tuple[str, type[Part]]]:
    yield path, model
    for name, field in model.model_fields.items():
        for found, suffix in _parts_in(field.annotation):
            yield from _models(found, f"{path}.{field.alias or name}{suffix}")


def _parts_in(annotation: Any, suffix: str = "") -> Iterator[tuple[type[Part], str]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation, suffix
    is_list = getattr(annotation, "__origin__", None) is tuple
    for inner in get_args(annotation):
        yield from _parts_in(inner, suffix + "[]" * is_list)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("kind", KINDS)
def test_schema_and_model_have_the_same_keys(kind: str) -> None:
    in_schema = {
        path: (set(part["properties"]), set(part.get("required", ())))
        for path, part in _objects(DEFS[kind], kind)
    }
    in_model = {
        path: (
            {field.alias or name for name, field in model.model_fields.items()},
            {field.alias or name for name, field in model.model_fields.items() if field.is_required()},
        )
        for path, model in _models(KINDS[kind], kind)
    }
    assert in_model == in_schema


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described_and_every_leaf_shown_by_example(kind: str) -> None:
    for path, part in _objects(DEFS[kind], kind):
        for name, raw in part["properties"].items():
            field = _resolve(raw)
            assert field.get("description"), f"{path}.{name}"
            is_container = name in ("metadata", "spec")
            assert is_container or field.get("examples"), f"{path}.{name}"
            for example in field.get("examples", ()):
                validator = Draft202012Validator({**raw, "$defs": DEFS})
                assert validator.is_valid(example), f"{path}.{name}: {example}"


DEFAULTS = [
    (path, name, _resolve(raw)["default"])
    for path, part in _objects(DEFS["jobSpec"], "spec")
    for name, raw in part["properties"].items()
    if "default" in _resolve(raw)
]


@pytest.mark.parametrize(("path", "name", "default"), DEFAULTS)
def test_the_schemas_defaults_are_the_models(path: str, name: str, default: Any) -> None:
    """Writing a default down changes nothing."""

    def job(**extra: Any) -> JobManifest:
        spec: dict[str, Any] = {"schedule": "@daily", "command": "/bin/true", "retry": {"attempts": 2}}
        target = spec
        for step in path.split(".")[1:]:
            target = target.setdefault(step, {})
        target.update(extra)
        return job_from_mapping("default/x.yaml", {"spec": spec}, namespace="default", name="x")

    if name == "args":
        assert job().spec.args == ()
    assert job(**{name: default}) == job()


def test_the_page_is_not_stale() -> None:
    page = (ROOT / "docs/user/manifests.md").read_text(encoding="utf-8")
    assert page == render(SCHEMA), "run `python -m crontopus_api.manifests.docs`"


def test_every_error_code_in_the_vectors_is_documented() -> None:
    readme = (ROOT / "contract/README.md").read_text(encoding="utf-8")
    codes = {error["code"] for case in load_cases() for error in case.get("errors", ())}
    listed = set(
        readme.partition("### Error codes")[2].partition("## Schedule vectors")[0].replace("`", " ").split()
    )
    assert codes <= listed


EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {
        "nightly-backup",
        "monthly-report",
        "temp-cleanup",
        "market-open",
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid(example: Any) -> None:
    job = parse_job(f"default/{example.name}", example.read_bytes())
    assert job.mode == ("ping" if example.stem == "monthly-report" else "agent")
    assert job.spec.parsed_schedule().describe()


def test_the_schema_refuses_what_is_no_manifest() -> None:
    assert not VALIDATOR.is_valid({})
    assert not VALIDATOR.is_valid({"apiVersion": "v1", "kind": "Job"})
