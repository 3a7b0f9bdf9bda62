"""The contract's files, for the tests that hold the package to them."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

ROOT = Path(__file__).parents[3]
SCHEMA: dict[str, Any] = json.loads((ROOT / "contract/manifest/v1.schema.json").read_text(encoding="utf-8"))


def _pattern(_: Any, pattern: str, instance: object, __: Any) -> Any:
    # JSON Schema's `$` is ECMA's: only the very end. Python's also matches before a last newline.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


SchemaValidator = validators.extend(Draft202012Validator, {"pattern": _pattern})
VALIDATOR = SchemaValidator(SCHEMA)


def load_cases() -> list[dict[str, Any]]:
    """Every manifest vector."""
    cases = []
    for file in sorted((ROOT / "contract/vectors/manifest").glob("*.yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert document.keys() == {"format", "cases"}, file
        assert document["format"] == "crontopus/manifest-vectors/1", file
        cases += document["cases"]
    return cases


def text_of(case: dict[str, Any]) -> bytes:
    """The bytes of a case's file."""
    if "manifest" in case:
        return str(case["manifest"]).encode()
    if "base64" in case:
        return base64.b64decode(case["base64"])
    parts = case["generated"]
    assert parts.keys() == {"before", "repeat", "times", "after"}
    return f"{parts['before']}{parts['repeat'] * parts['times']}{parts['after']}".encode()


def plain(value: Any) -> Any:
    """A model's value as vectors write it: durations in seconds, sizes in bytes, the rest as text."""
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
