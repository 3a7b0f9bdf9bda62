"""Changes of single values in a manifest's own text: comments, order and formatting stay as their author left them.

A new text is never trusted: it must read as exactly the old data with that one change. Where a manifest is written
in a way this module cannot follow (`? key` over two lines), the canonical text takes its place: right, but plain.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import yaml

from crontopus_api.manifests.dump import dump_yaml
from crontopus_api.manifests.errors import ManifestInvalid
from crontopus_api.manifests.parse import Manifest, from_data, parse_document, parse_job
from crontopus_api.manifests.paths import split_job_path, system_kind
from crontopus_api.manifests.yamltree import is_plain_text, read_tree

Scalar = str | int | bool
_BOM = "\ufeff"
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_PLAIN = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_./+]*[A-Za-z0-9])?", re.ASCII)
# Readers of YAML 1.1 take these for booleans; in our files they are text, and quotes say so to everybody.
_OLD_BOOLEANS = frozenset({"y", "n", "yes", "no", "on", "off"})


def with_spec_value(content: bytes, key: str, value: Scalar, *, path: str = "job.yaml") -> bytes:
    """A manifest with `spec.<key>` set to `value`, e.g. `paused: true`; unchanged if that is what it says.

    `path` names the file in errors, and what it says of kind, name and namespace must be so; elsewhere than under
    `.crontopus/` it is a job. Raises ManifestInvalid when the manifest is invalid before or after, ValueError when the
    key holds a list or a mapping.
    """
    before = _parsed(path, content)
    default = type(before.spec).model_fields[key].default if key in type(before.spec).model_fields else None
    spec = read_tree(path, content).data["spec"]
    if isinstance(spec.get(key), list | dict):
        raise ValueError(f"spec.{key} is not a single value")  # noqa: TRY004 - the file's type, not the caller's
    if (key not in spec and value == default) or (key in spec and _same(spec[key], value)):
        return content
    return _changed(path, path, content, [("spec", key, value)])


def moved(content: bytes, old_path: str, new_path: str, job_id: UUID) -> bytes:
    """The job at `old_path` as it must read at `new_path`: `metadata.name`, `namespace` if given, and its `id`.

    `job_id` is the id the job had so far: written down, it carries the history along. Raises ManifestInvalid when the
    job is invalid, also under its new name (`reserved_name`), ValueError when a path is not a job's.
    """
    parse_job(old_path, content)
    namespace, name = split_job_path(new_path)
    metadata = read_tree(old_path, content).data["metadata"]
    edits: list[tuple[str, str, Scalar]] = [("metadata", "name", name)]
    if "namespace" in metadata:
        edits.append(("metadata", "namespace", namespace))
    return _changed(old_path, new_path, content, [*edits, ("metadata", "id", str(job_id))])


def _changed(old_path: str, new_path: str, content: bytes, edits: list[tuple[str, str, Scalar]]) -> bytes:
    wanted = read_tree(old_path, content).data
    text = content.decode("utf-8")
    for section, key, value in edits:
        wanted[section][key] = value
        text = _edited(text, section, key, value)
    result = text.encode()
    if not _reads_as(new_path, result, wanted):
        result = dump_yaml(from_data(new_path, wanted)).encode()
    _parsed(new_path, result)
    return result


def _parsed(path: str, content: bytes) -> Manifest:
    return parse_document(path, content) if system_kind(path) else parse_job(path, content)


def _reads_as(path: str, content: bytes, wanted: dict[str, Any]) -> bool:
    try:
        data = read_tree(path, content).data
    except ManifestInvalid:
        return False
    return json.dumps(data, sort_keys=True) == json.dumps(
        wanted, sort_keys=True
    )  # 1, 1.0 and true all differ


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


@dataclass(frozen=True, slots=True)
class _Section:
    """The mapping that is to change, within a text whose places are counted in characters."""

    text: str
    node: yaml.MappingNode

    @property
    def entries(self) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        return {str(key.value): (key, value) for key, value in self.node.value}

    @property
    def in_json(self) -> bool:
        """Whether its keys are quoted, so that a new one should be as well."""
        key: yaml.Node = self.node.value[0][0]
        return isinstance(key, yaml.ScalarNode) and key.style == '"'

    def set(self, key: str, value: Scalar) -> str:
        written = _written(value, quoted=self.in_json)
        if key in self.entries:
            return self._replace(self.entries[key][1], written)
        entry = f'"{key}": {written}' if self.in_json else f"{key}: {written}"
        if self.node.flow_style:
            start = _index(self.node.start_mark) + 1
            return f"{self.text[:start]}{entry}, {self.text[start:].lstrip(' ')}"
        return self._insert(entry, self._sibling(key))

    def _replace(self, old: yaml.Node, written: str) -> str:
        start, end = _index(old.start_mark), _index(old.end_mark)
        line_break = _BREAK.search(self.text[max(start, end - 2) : end])  # the end of a block scalar (`|`)
        return self.text[:start] + written + (line_break[0] if line_break else "") + self.text[end:]

    def _sibling(self, key: str) -> yaml.Node:
        """The value a new entry is written below: an id below the name, anything else at the end."""
        entries = self.entries
        for above in ("namespace", "name") if key == "id" else ():
            if above in entries:
                return entries[above][1]
        last: yaml.Node = self.node.value[-1][1]
        return last

    def _insert(self, entry: str, below: yaml.Node) -> str:
        indent = " " * self.node.start_mark.column
        end = _end(below)
        any_break = _BREAK.search(self.text)
        newline = any_break[0] if any_break else "\n"
        if self.text[end - 1 : end] in "\n\r\x85\u2028\u2029":
            return f"{self.text[:end]}{indent}{entry}{newline}{self.text[end:]}"
        line_end = _BREAK.search(self.text, end)
        end = line_end.start() if line_end else len(self.text)
        return f"{self.text[:end]}{newline}{indent}{entry}{self.text[end:]}"


def _edited(text: str, section: str, key: str, value: Scalar) -> str:
    bom = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    root = yaml.compose(body, Loader=yaml.CSafeLoader)
    assert isinstance(root, yaml.MappingNode)  # parse_job has accepted it
    nodes = {key.value: node for key, node in root.value}
    return bom + _Section(body, nodes[section]).set(key, value)


def _end(node: yaml.Node) -> int:
    """Where a value's own text ends: a block collection's mark stands behind the comments that follow it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(node, yaml.MappingNode) else last
    return _index(node.end_mark)


def _index(mark: Any) -> int:
    return int(mark.index)


def _written(value: Scalar, *, quoted: bool) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    plain = _PLAIN.fullmatch(value) and is_plain_text(value) and value.lower() not in _OLD_BOOLEANS
    return value if plain and not quoted else json.dumps(value, ensure_ascii=False)
