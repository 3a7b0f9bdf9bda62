"""A manifest as data and as YAML: only what differs from the defaults, always in the same order."""

from __future__ import annotations

import re
from typing import Any

import yaml

from crontopus_api.manifests.models import JobManifest
from crontopus_api.manifests.parse import Manifest

# YAML 1.2's core schema reads these plain scalars as something else than text, and PyYAML's own (1.1)
# resolver does not know them all: `0o17`, `1e3`. Whatever either would misread is quoted.
_CORE_NUMBER = re.compile(
    r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$"
)

# YAML 1.1 breaks lines at these too, and PyYAML's writer folds them away unless they are escaped.
_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Lists stand further in than their key, which people find easier to edit.
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if _OTHER_BREAKS.search(text):
        style = '"'
    elif "\n" in text.strip("\n"):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _CORE_NUMBER, list("-+.0123456789"))


def to_mapping(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON data (`job_from_mapping`, `document_from_mapping` read it back): only what differs from
    the defaults."""
    data: dict[str, Any] = manifest.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude_none=True
    )
    return _with_job_shapes(manifest, data) if isinstance(manifest, JobManifest) else data


def _with_job_shapes(job: JobManifest, data: dict[str, Any]) -> dict[str, Any]:
    schedule = data["spec"]["schedule"]
    if len(schedule) == 1:
        data["spec"]["schedule"] = schedule[0]
    if job.spec.command is not None and not job.spec.shell and re.search(r"\s", job.spec.command):
        data["spec"].setdefault("args", [])  # rules.py: says that the space belongs to the program's path
    return data


def dump_yaml(manifest: Manifest) -> str:
    """Canonical, readable YAML in schema order, ending in a newline. `parse_document` reads it back unchanged."""
    return yaml.dump(
        to_mapping(manifest),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=1_000_000,
    )
