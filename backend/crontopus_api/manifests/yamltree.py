"""YAML text to plain data plus the line and column of everything in it.

YAML 1.2 core schema read from libyaml's event stream, so that nothing is built before it is checked: no
`yes` as a boolean, no sexagesimal numbers, no timestamps, no tags, no aliases, no merge keys. Size, depth and
node count are bounded. The Go reader does the same; contract/vectors/manifest holds both to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml import events
from yaml._yaml import CParser

from crontopus_api.manifests.errors import ManifestError, ManifestInvalid, Path, dotted
from crontopus_api.manifests.yamlodd import first_oddity
from crontopus_api.schedules.durations import clip

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
MAX_NODES = 4_000  # the fullest manifest the schema allows has about 1,500

_NULL = re.compile(r"null|Null|NULL|~|", re.ASCII)
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE", re.ASCII)
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    re.ASCII,
)
# What YAML does not let stand in a file. Quoted escapes can still make NUL, which strings may not hold.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_MAYBE_NOT_TEXT = frozenset("-+.0123456789~nNtTfF")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")


class Mark(NamedTuple):
    """Where something starts, counted from 1. A tuple: a file has one for every key and value."""

    line: int
    column: int


@dataclass(slots=True)
class Tree:
    """Plain data, where its keys and values stand, and the errors met that did not stop the reading."""

    file: str
    data: Any = None
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    errors: list[ManifestError] = field(default_factory=list)
    # Numbers and booleans as they were written: `1.10` is not `1.1` to the person who must quote it.
    sources: dict[Path, str] = field(default_factory=dict)

    def source_of(self, path: Path, value: object) -> str:
        """How the value at `path` was written."""
        plain = str(value).lower() if isinstance(value, bool) else str(value)
        return self.sources.get(path, plain)[:40]

    def mark_of(self, path: Path, *, at_key: bool = False) -> Mark | None:
        """The place of the value (or key) of `path`, or of the nearest thing around it that has one."""
        mark = self.keys.get(path) if at_key else None
        place = path
        while mark is None and (mark := self.values.get(place)) is None and place:
            place = place[:-1]
            mark = self.keys.get(place)  # something missing is best shown where its parent is named
        return mark

    def error(
        self, path: Path, code: str, message: str, hint: str | None = None, *, at_key: bool = False
    ) -> ManifestError:
        """An error at the value (or key) of `path`, or at the nearest thing around it that has a place."""
        mark = self.mark_of(path, at_key=at_key)
        return ManifestError(
            self.file,
            mark.line if mark else None,
            mark.column if mark else None,
            dotted(path),
            code,
            message,
            hint,
        )


def text_problem(text: str) -> str | None:
    """Why a string may not stand in a manifest: neither PostgreSQL nor a process's argv can hold these."""
    bad = _UNUSABLE.search(text)
    if bad is None:
        return None
    if bad[0] == "\0":
        return "the NUL character cannot be stored or passed to a program"
    return "half of a surrogate pair is not a character"


def is_plain_text(text: str) -> bool:
    """Whether an unquoted scalar of these characters is text, not a number, a boolean or null."""
    try:
        return isinstance(_resolve(text), str)
    except ValueError:
        return False  # a number, if one that nobody means


def read_tree(file: str, data: bytes) -> Tree:
    """Read one YAML document. Raises ManifestInvalid when there is nothing worth validating further."""
    text = _decode(file, data)
    if odd := first_oddity(text):
        raise ManifestInvalid(
            [ManifestError(file, odd.line, odd.column, "", "yaml_syntax", odd.message, odd.hint)]
        )
    reader = _Reader(file, text)
    try:
        reader.read()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, text, error) from None
    except UnicodeDecodeError:  # libyaml unescapes `!%C0` without a look at what comes out
        bad_tag = yaml.MarkedYAMLError(problem="a tag is not UTF-8")
        raise _syntax_error(file, text, bad_tag) from None
    except yaml.YAMLError as error:  # the reader's own, already caught by _decode in practice
        raise ManifestInvalid([ManifestError(file, 1, 1, "", "yaml_syntax", str(error)[:200])]) from None
    return reader.tree


def _decode(file: str, data: bytes) -> str:
    def refuse(line: int, column: int, code: str, message: str, hint: str | None = None) -> ManifestInvalid:
        return ManifestInvalid([ManifestError(file, line, column, "", code, message, hint)])

    if len(data) > MAX_BYTES:
        raise refuse(1, 1, "too_large", f"the file has {len(data)} bytes; the limit is {MAX_BYTES}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise refuse(*_place(before), "not_utf8", "the file is not UTF-8 text", "save it as UTF-8") from None
    text = text.removeprefix("\ufeff")
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        message = f"the character U+{ord(bad[0]):04X} may not stand in YAML"
        raise refuse(*_place(text[: bad.start()]), "bad_character", message, "remove or escape it")
    return text


def _place(before: str) -> tuple[int, int]:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(lines), len(lines[-1]) + 1


def _syntax_error(file: str, text: str, error: yaml.MarkedYAMLError) -> ManifestInvalid:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    source = lines[line - 1] if line <= len(lines) else ""
    hint = None
    if "\t" in source[: len(source) - len(source.lstrip())]:
        hint = "indent with spaces, never with tabs"
    elif error.problem and "mapping values are not allowed" in error.problem:
        hint = "quote the value if it contains `: `, or check the indentation"
    elif source.lstrip()[:1] in ("%", "@", "`"):
        hint = "quote the value"
    elif re.search(r":\s+[%@`*&!|>{\[]", source):
        hint = 'quote the value: "…"'
    detail = ", ".join(part for part in (error.context, error.problem) if part) or "cannot be read"
    return ManifestInvalid([ManifestError(file, line, column, "", "yaml_syntax", f"YAML: {detail}", hint)])


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self.tree = Tree(file)
        self._nodes = 0
        # The next event; `None` behind the end of the stream, where nobody asks.
        self._next: Callable[[], Any] = CParser(text).get_event

    def read(self) -> None:
        self._next()  # StreamStart
        start = self._next()
        if isinstance(start, events.StreamEndEvent):
            raise self._stop(start, "empty_file", "the file is empty", "a manifest starts with `apiVersion:`")
        assert isinstance(start, events.DocumentStartEvent)
        if start.version not in (None, (1, 2)) or start.tags:
            raise self._stop(start, "directive_not_allowed", "YAML directives are not used", "remove `%…`")
        self.tree.data = self._node(self._next(), (), 1)
        self._next()  # DocumentEnd
        end = self._next()
        if not isinstance(end, events.StreamEndEvent):
            hint = "one manifest each file: move the others into files of their own"
            raise self._stop(end, "multiple_documents", "a second YAML document starts here", hint)

    def _stop(self, event: events.Event, code: str, message: str, hint: str | None = None) -> ManifestInvalid:
        mark = _mark(event)
        error = ManifestError(self.tree.file, mark.line, mark.column, "", code, message, hint)
        return ManifestInvalid([*self.tree.errors, error])

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._stop(event, "too_many_nodes", f"more than {MAX_NODES} values in one file")
        if depth > MAX_DEPTH:
            raise self._stop(event, "too_deep", f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None or event.tag is not None:  # an alias has an anchor, and no tag
            self._refuse_anchor_and_tag(event)
        self.tree.values[path] = _mark(event)
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, events.SequenceStartEvent):
            return self._sequence(path, depth)
        assert isinstance(event, events.MappingStartEvent)
        return self._mapping(path, depth)

    def _refuse_anchor_and_tag(self, event: events.Event) -> None:
        if isinstance(event, events.AliasEvent):
            hint = "write the value out"
            raise self._stop(event, "alias_not_allowed", f"alias {clip(f'*{event.anchor}')}", hint)
        if getattr(event, "anchor", None):
            name = clip("&" + str(getattr(event, "anchor", "")))
            hint = "write values out, or quote the text if it starts with `&`"
            raise self._stop(event, "alias_not_allowed", f"anchor {name}: anchors are not used", hint)
        tag = getattr(event, "tag", None)
        if tag and not (tag == "!" and getattr(event, "style", None)):
            hint = "quote a value to make it text, or if it starts with `!`"
            raise self._stop(event, "tag_not_allowed", f"tag {clip(tag)}: tags are not used", hint)

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), events.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        seen: dict[str, Mark] = {}
        while not isinstance(event := self._next(), events.MappingEndEvent):
            key = self._key(event, path)
            value_path = (*path, key)
            mark = _mark(event)
            if key in seen:
                self._duplicate(event, path, key, seen[key], depth)
                continue
            seen[key] = mark
            self.tree.keys[value_path] = mark
            value = self._node(self._next(), value_path, depth + 1)
            if value is not None:  # _scalar has recorded the error
                result[key] = value
        return result

    def _duplicate(self, event: events.Event, path: Path, key: str, first: Mark, depth: int) -> None:
        mark = _mark(event)
        message = f"duplicate key {clip(key)}, first on line {first.line}"
        shown = dotted((*path, key))
        self.tree.errors.append(
            ManifestError(self.tree.file, mark.line, mark.column, shown, "duplicate_key", message)
        )
        spare = self.tree  # read the second value for its own errors' sake, but keep nothing of it
        self.tree = Tree(spare.file, errors=spare.errors)
        self._node(self._next(), (*path, key), depth + 1)
        self.tree = spare

    def _key(self, event: Any, path: Path) -> str:
        if event.anchor is not None or getattr(event, "tag", None) is not None:
            self._refuse_anchor_and_tag(event)
        if not isinstance(event, events.ScalarEvent):
            raise self._stop(event, "bad_key", "a key must be text, not a list or a mapping")
        self._nodes += 1
        if problem := text_problem(event.value):
            raise self._stop(event, "bad_character", problem)
        if event.implicit[0] and not event.style:
            if event.value == "<<":
                hint = "write the keys out"
                raise self._stop(event, "bad_key", "merge keys (`<<`) are not used", hint)
            if not is_plain_text(event.value):
                mark = _mark(event)
                hint = f'quote it: "{event.value[:40]}"'
                error = ManifestError(
                    self.tree.file,
                    mark.line,
                    mark.column,
                    dotted((*path, event.value)),
                    "bad_key",
                    f"the key {clip(event.value)} is not text",
                    hint,
                )
                self.tree.errors.append(error)
        return event.value

    def _scalar(self, event: events.ScalarEvent, path: Path) -> Any:
        if event.style or not event.implicit[0]:
            if problem := text_problem(event.value):
                self.tree.errors.append(self.tree.error(path, "bad_character", problem))
            return event.value
        try:
            value = _resolve(event.value)
        except ValueError:
            self.tree.errors.append(
                self.tree.error(path, "out_of_range", f"the number {clip(event.value)} is too large")
            )
            return 0
        if not isinstance(value, str):
            self.tree.sources[path] = event.value
        if value is None and path:
            hint = "remove the key, or give it a value"
            if isinstance(path[-1], int):
                hint = 'remove it, or quote it: ""'
            self.tree.errors.append(
                self.tree.error(path, "null_value", f"{clip(dotted(path))} is empty", hint)
            )
        return value


def _resolve(text: str) -> str | int | float | bool | None:
    """YAML 1.2 core schema, section 10.3.2. Raises ValueError for a number nobody means."""
    if text and text[0] not in _MAYBE_NOT_TEXT:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        if len(text) > 20:
            raise ValueError(text)
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _mark(event: events.Event) -> Mark:
    mark = event.start_mark
    assert mark is not None  # libyaml marks every event
    return Mark(mark.line + 1, mark.column + 1)
