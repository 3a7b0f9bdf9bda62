"""Bytes or JSON to a validated manifest, with every error found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from crontopus_api.manifests.errors import ManifestError, ManifestInvalid, Path, dotted
from crontopus_api.manifests.models import API_VERSION, JobManifest
from crontopus_api.manifests.others import AlertRoute, MaintenanceWindow, Policy
from crontopus_api.manifests.paths import is_job_path, split_job_path, stem_of, system_kind
from crontopus_api.manifests.rules import Problem, address_problems, shape_problems, timing_problems
from crontopus_api.manifests.translate import nearest, translate
from crontopus_api.manifests.yamltree import MAX_DEPTH, MAX_NODES, Tree, read_tree, text_problem
from crontopus_api.schedules.durations import clip

Manifest = JobManifest | Policy | AlertRoute | MaintenanceWindow
KINDS: dict[str, type[JobManifest | Policy | AlertRoute | MaintenanceWindow]] = {
    "Job": JobManifest,
    "Policy": Policy,
    "AlertRoute": AlertRoute,
    "MaintenanceWindow": MaintenanceWindow,
}
_VERSIONS = (API_VERSION, "v1")
_M = TypeVar("_M", bound=BaseModel)


def parse_job(path: str, data: bytes) -> JobManifest:
    """Read the job at `namespace/name.yaml`; an absent namespace is filled in from the folder.

    Raises ManifestInvalid with every error found.
    """
    return parse_job_located(path, data)[0]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the keys and values of one manifest stand in its file, for whoever finds fault with it later."""

    file: str
    _tree: Tree

    @classmethod
    def nowhere(cls, file: str) -> Places:
        """For a manifest that never was text, such as a JSON body."""
        return cls(file, Tree(file))

    def error(
        self, path: Path, code: str, message: str, hint: str | None = None, *, at_key: bool = False
    ) -> ManifestError:
        """An error at the value (or key) of `path`, or at the nearest thing around it that has a place."""
        return self._tree.error(path, code, message, hint, at_key=at_key)


def parse_job_located(path: str, data: bytes) -> tuple[JobManifest, Places]:
    """`parse_job`, and where in the file everything stands. Raises ManifestInvalid."""
    return _parsed_job(path, data)


# One change looks at the same two files half a dozen times: as proposed, as judged, as projected.
@lru_cache(maxsize=64)
def _parsed_job(path: str, data: bytes) -> tuple[JobManifest, Places]:
    tree = read_tree(path, data)
    return _job(tree), Places(path, tree)


def parse_document(path: str, data: bytes) -> Manifest:
    """Read a manifest of any kind; its path, where that says a kind and a name, must agree.

    Raises ManifestInvalid with every error found.
    """
    if is_job_path(path):
        return parse_job(path, data)
    tree = read_tree(path, data)
    kind = _check_header(tree, system_kind(path))
    return _job(tree) if kind == "Job" else _other(tree, kind)


def from_data(path: str, data: dict[str, Any]) -> Manifest:
    """Validate a manifest that was read from YAML already and then changed. Raises ManifestInvalid, without lines."""
    tree, kind = Tree(path, data), system_kind(path)
    return _job(tree) if kind is None else _other(tree, kind)


def job_from_mapping(path: str, data: Mapping[str, Any], *, namespace: str, name: str) -> JobManifest:
    """Read a job from a JSON body; `apiVersion`, `kind`, name and namespace default from the address.

    `path` names the file in errors, which have a place in the document but no line. Raises ManifestInvalid.
    """
    tree = _tree_of(path, data, "Job", {"name": name, "namespace": namespace})
    return _job(tree, address=(namespace, name))


def document_from_mapping(path: str, data: Mapping[str, Any]) -> Manifest:
    """The same for what lives at `.crontopus/…/name.yaml`. Raises ValueError when nothing lives at `path`."""
    kind = system_kind(path)
    if kind is None:
        raise ValueError(f"no document's path: {path!r}")
    tree = _tree_of(path, data, kind, {"name": stem_of(path)})
    return _other(tree, _check_header(tree, kind))


def _tree_of(path: str, data: Mapping[str, Any], kind: str, metadata: Mapping[str, str]) -> Tree:
    """A JSON body as if it had been a file, with what goes without saying filled in."""
    tree = Tree(path)
    document = _JsonReader(tree).read(data, (), 1)
    if isinstance(document, dict):
        given = document.get("metadata", {})
        if isinstance(given, dict):
            document["metadata"] = {**metadata, **given}
        document = {"apiVersion": API_VERSION, "kind": kind} | document
    tree.data = document
    return tree


def _job(tree: Tree, address: tuple[str, str] | None = None) -> JobManifest:
    if address is None and is_job_path(tree.file):
        address = split_job_path(tree.file)
    _check_header(tree, "Job")
    problems = list(address_problems(tree.data, address))
    if isinstance(spec := tree.data.get("spec"), Mapping):
        problems += shape_problems(spec)
    if address is not None and isinstance(metadata := tree.data.get("metadata"), dict):
        metadata.setdefault("namespace", address[0])
    errors = tree.errors + [_placed(tree, problem) for problem in problems]
    job = _validate(tree, JobManifest, errors)
    if job is not None:
        errors += [_placed(tree, problem) for problem in timing_problems(job)]
    if job is None or errors:
        raise ManifestInvalid(errors)
    return job


def _other(tree: Tree, kind: str) -> Manifest:
    errors = list(tree.errors)
    if system_kind(tree.file):
        address = (None, stem_of(tree.file))
        errors += [_placed(tree, problem) for problem in address_problems(tree.data, address)]
    manifest = _validate(tree, KINDS[kind], errors)
    if manifest is None or errors:
        raise ManifestInvalid(errors)
    return manifest


def _check_header(tree: Tree, wanted: str | None) -> str:
    """The kind. Stops early at a file that is something else: its other errors would only confuse."""
    document = tree.data
    if not isinstance(document, dict):
        hint = "a manifest starts with `apiVersion: crontopus/v1`"
        raise _stop(tree, (), "wrong_type", "a manifest is a mapping of keys", hint)
    version, kind = document.get("apiVersion"), document.get("kind")
    if isinstance(version, str) and version not in _VERSIONS:
        hint = f"write `{API_VERSION}`"
        raise _stop(tree, ("apiVersion",), "unknown_api_version", f"unknown apiVersion {clip(version)}", hint)
    if not isinstance(kind, str):
        return wanted or "Job"  # validation will say that it is missing, or not text
    if kind not in KINDS:
        near = nearest(kind, KINDS)
        hint = f"did you mean `{near}`?" if near else "kinds: " + ", ".join(KINDS)
        raise _stop(tree, ("kind",), "unknown_kind", f"unknown kind {clip(kind)}", hint)
    if wanted is not None and kind != wanted:
        hint = f"files in this folder are `kind: {wanted}`"
        raise _stop(tree, ("kind",), "wrong_kind", f"a {kind} does not belong here", hint)
    return kind


def _stop(tree: Tree, path: Path, code: str, message: str, hint: str) -> ManifestInvalid:
    return ManifestInvalid([*tree.errors, tree.error(path, code, message, hint)])


def _validate(tree: Tree, model: type[_M], errors: list[ManifestError]) -> _M | None:
    """The model, or None after adding its errors; a place that already has an error gets no second one."""
    try:
        return model.model_validate(tree.data)
    except ValidationError as invalid:
        taken = {error.path for error in errors if error.code != "duplicate_key"}
        found = translate(tree, invalid.errors(include_url=False), lambda path: _known_keys(model, path))
        errors += [error for error in found if error.path not in taken]
        return None


def _placed(tree: Tree, problem: Problem) -> ManifestError:
    return tree.error(problem.path, problem.code, problem.message, problem.hint, at_key=problem.at_key)


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys the mapping at `path` may have; empty where any key may stand."""
    for step in path:
        by_key = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        annotation = by_key.get(str(step))
        candidates = [annotation, *get_args(annotation)]
        inner = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not inner:
            return []
        model = inner[0]
    return [field.alias or name for name, field in model.model_fields.items()]


class _JsonReader:
    """Copies a JSON value into plain data under the same limits as YAML."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._nodes = 0

    def read(self, value: Any, path: Path, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            code = "too_deep" if depth > MAX_DEPTH else "too_many_nodes"
            message = f"deeper than {MAX_DEPTH} levels or more than {MAX_NODES} values"
            raise ManifestInvalid([*self._tree.errors, self._tree.error(path[:4], code, message)])
        if isinstance(value, Mapping):
            return self._mapping(value, path, depth)
        if isinstance(value, list | tuple):
            return [self.read(item, (*path, index), depth + 1) for index, item in enumerate(value)]
        if value is None:
            self._add(
                path, "null_value", f"{clip(dotted(path))} is empty", "remove the key, or give it a value"
            )
        elif isinstance(value, str) and (problem := text_problem(value)):
            self._add(path, "bad_character", problem)
        return value

    def _mapping(self, value: Mapping[Any, Any], path: Path, depth: int) -> dict[str, Any]:
        result = {}
        for key, item in value.items():
            if not isinstance(key, str):
                self._add(path, "bad_key", f"the key {clip(str(key))} is not text")
            elif text_problem(key):
                self._add(path, "bad_character", text_problem(key) or "")
            elif (read := self.read(item, (*path, key), depth + 1)) is not None:
                result[key] = read
        return result

    def _add(self, path: Path, code: str, message: str, hint: str | None = None) -> None:
        self._tree.errors.append(self._tree.error(path, code, message, hint))
