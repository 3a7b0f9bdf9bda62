"""Pydantic's errors in our own words, at their place in the file."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from crontopus_api.manifests.errors import ManifestError, Path, dotted
from crontopus_api.manifests.yamltree import Tree
from crontopus_api.schedules.durations import clip

KnownKeys = Callable[[Path], list[str]]

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "`true` or `false`",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "tuple_type": "a list",
    "list_type": "a list",
}


def translate(tree: Tree, details: Iterable[ErrorDetails], known_keys: KnownKeys) -> list[ManifestError]:
    """Pydantic's errors as ours, one for each place. `known_keys(path)` lists the keys a mapping may have."""
    found: dict[str, ManifestError] = {}
    for detail in details:
        error = _one(tree, detail, known_keys)
        found.setdefault(error.path, error)
    # A list whose items failed also counts as too short for pydantic; that says nothing new.
    return [error for error in found.values() if error.code != "empty" or not _has_inner(error.path, found)]


def _has_inner(path: str, found: Iterable[str]) -> bool:
    return any(other.startswith((f"{path}[", f"{path}.")) for other in found)


def _one(tree: Tree, detail: ErrorDetails, known_keys: KnownKeys) -> ManifestError:
    kind, context = detail["type"], detail.get("ctx", {})
    path, in_key = _document_path(tree, detail["loc"])
    if "message" in context and "hint" in context:
        return tree.error(path, kind, context["message"], context["hint"], at_key=in_key)
    if kind == "extra_forbidden":
        return _unknown_key(tree, path, known_keys(path[:-1]))
    if kind == "missing":
        return tree.error(path, "required", f"`{dotted(path)}` is required")
    if kind in _EXPECTED:
        return _wrong_type(tree, path, _EXPECTED[kind], detail["input"])
    if kind == "literal_error":
        return _not_allowed(tree, path, context.get("expected", ""), detail["input"])
    code, message = _bounds(kind, context)
    return tree.error(path, code, message or detail["msg"], at_key=in_key)


def _document_path(tree: Tree, location: tuple[int | str, ...]) -> tuple[Path, bool]:
    """Pydantic's location without what is not in the document: `[key]` marks, the index of a lone string."""
    in_key = bool(location) and location[-1] == "[key]"
    steps = list(location[:-1] if in_key else location)
    if steps and isinstance(steps[-1], int) and not isinstance(_at(tree.data, steps[:-1]), list):
        steps.pop()
    return tuple(steps), in_key


def _at(data: Any, steps: list[int | str]) -> Any:
    """What stands there; None when nothing does."""
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _unknown_key(tree: Tree, path: Path, known: list[str]) -> ManifestError:
    key = str(path[-1])
    near = nearest(key, known)
    hint = f"did you mean `{near}`?" if near else ("known keys: " + ", ".join(known) if known else None)
    return tree.error(path, "unknown_key", f"unknown key {clip(key)}", hint, at_key=True)


def _wrong_type(tree: Tree, path: Path, expected: str, value: Any) -> ManifestError:
    hint = None
    if expected == "text" and isinstance(value, bool | int | float):
        hint = f'quote it: "{tree.source_of(path, value)}"'
    elif expected == "`true` or `false`" and isinstance(value, str):
        meant = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
        bare = meant.get(value.lower(), value.lower())
        hint = f"write `{bare}` without quotes" if bare in ("true", "false") else None
    elif expected == "a whole number" and isinstance(value, str) and value.isdecimal():
        hint = "remove the quotes"
    elif expected == "a list" and isinstance(value, str):
        hint = f"write it as a list: [{clip(value, 30)[1:-1]}]"
    what = dotted(path) or "the file"
    return tree.error(path, "wrong_type", f"`{what}` must be {expected}, not {_describe(value)}", hint)


def _not_allowed(tree: Tree, path: Path, expected: str, value: Any) -> ManifestError:
    options = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
    if not isinstance(value, str):
        return _wrong_type(tree, path, "one of " + ", ".join(options), value)
    near = nearest(value, options)
    message = f"`{dotted(path)}` cannot be {clip(value)}"
    hint = f"did you mean `{near}`?" if near else "one of: " + ", ".join(options)
    return tree.error(path, "not_allowed", message, hint)


def _bounds(kind: str, context: Mapping[str, Any]) -> tuple[str, str | None]:
    if kind in ("string_too_short", "too_short"):
        return "empty", "may not be empty"
    if kind in ("string_too_long", "too_long"):
        unit = "characters" if kind == "string_too_long" else "entries"
        return "too_long", f"has more than {context.get('max_length')} {unit}"
    if kind in ("greater_than_equal", "less_than_equal"):
        limit = context.get("ge", context.get("le"))
        side = "at least" if kind == "greater_than_equal" else "at most"
        return "out_of_range", f"must be {side} {limit}"
    return kind, None


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option somebody who typed `word` probably meant."""
    by_plain = {_plain(option): option for option in options}
    near = difflib.get_close_matches(_plain(word)[:64], by_plain, n=1, cutoff=0.6)
    return by_plain[near[0]] if near else None


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def _describe(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"the number {str(value)[:24]}"
    if isinstance(value, str):
        return f"the text {clip(value, 30)}"
    return "a list" if isinstance(value, list) else "a mapping"
