"""Manifests on disk, read just far enough to know their place in the repository. Whether they are valid, the
server says.

A file by itself names its place; the files of a directory are where they are in it. The YAML is looked at as
nodes, with every scalar a string: a job may well be called `on` or `1e3`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

_MAX_BYTES = 1024 * 1024
_SYSTEM_FOLDER = ".crontopus"
_SYSTEM_FOLDERS = {"Policy": "policies", "AlertRoute": "routes", "MaintenanceWindow": "windows"}
_SUFFIXES = {".yaml", ".yml"}


class ManifestError(Exception):
    """What is wrong with a file, as `file:line:column: message`."""


@dataclass(frozen=True)
class ManifestFile:
    """A file's text, and where in the repository it goes. `label` is how the user called it."""

    label: str
    path: str
    text: str


def manifests_in(name: str) -> Iterator[tuple[Path, str]]:
    """The manifests of a directory that is laid out like a repository: each file, and its path there.

    That is every YAML file outside hidden folders, wherever it lies: one that lies where no job is read from is
    told by the server, and not passed over in silence.
    """
    root = Path(name)
    for file in sorted(root.rglob("*")):
        parts = file.relative_to(root).parts
        hidden = parts[1:] if parts[0] == _SYSTEM_FOLDER and len(parts) == 3 else parts
        if file.suffix in _SUFFIXES and file.is_file() and not any(part.startswith(".") for part in hidden):
            yield file, "/".join(parts)


def read_at(file: Path, path: str) -> ManifestFile:
    """A file that goes to `path`, whatever is in it."""
    return ManifestFile(str(file), path, _read(str(file), str(file)))


def read_manifest(name: str, *, default_namespace: str) -> ManifestFile:
    """A file that itself says where it goes. `-` is standard input."""
    label = "<stdin>" if name == "-" else name
    text = _read(name, label)
    root = _compose(text, label)
    metadata = _child(root, "metadata")
    if not isinstance(metadata, yaml.MappingNode):
        raise _at(label, metadata or root, "the manifest has no metadata (add `metadata:` with a `name:`)")
    own_name = _scalar(metadata, "name", label)
    if own_name is None or not own_name.value:
        raise _at(label, own_name or metadata, "metadata has no name (add `name:`)")
    if "/" in own_name.value:
        raise _at(label, own_name, "a name has no slash (the namespace is a key of its own)")
    namespace = _scalar(metadata, "namespace", label)
    kind = _scalar(root, "kind", label)
    system_folder = _SYSTEM_FOLDERS.get(kind.value) if kind else None
    folder = namespace.value if namespace else default_namespace
    if system_folder:
        folder = f"{_SYSTEM_FOLDER}/{system_folder}"
    return ManifestFile(label, f"{folder}/{own_name.value}.yaml", text)


def _read(name: str, label: str) -> str:
    try:
        if name == "-":
            content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ManifestError(f"{label}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ManifestError(f"{label}:{line}: the file is not UTF-8 text") from error
    if len(content) > _MAX_BYTES:
        raise ManifestError(f"{label}: the file is larger than 1 MiB")
    return text


def _compose(text: str, label: str) -> yaml.MappingNode:
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        if isinstance(error, yaml.composer.ComposerError) and "single document" in str(error.context):
            raise ManifestError(
                f"{label}{place}: a second document begins here (one job per file)"
            ) from error
        raise ManifestError(f"{label}{place}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ManifestError(f"{label}: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ManifestError(f"{label}: the YAML is nested too deeply") from error
    if not isinstance(root, yaml.MappingNode):
        raise ManifestError(f"{label}:1:1: the file holds no manifest (see `crontopus jobs apply --help`)")
    return root


def _child(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in node.value if name.value == key), None)


def _scalar(node: yaml.MappingNode, key: str, label: str) -> yaml.ScalarNode | None:
    value = _child(node, key)
    if value is not None and not isinstance(value, yaml.ScalarNode):
        raise _at(label, value, f"{key} must be text")
    return value


def _at(label: str, node: yaml.Node, message: str) -> ManifestError:
    return ManifestError(f"{label}:{node.start_mark.line + 1}:{node.start_mark.column + 1}: {message}")
