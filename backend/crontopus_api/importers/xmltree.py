"""XML of a stranger as a small tree: no document type, no entities, bounded depth and number of elements.

Expat itself is used, as it stops at the first declaration that could make it expand or fetch anything, and tells
the line of each element. Names lose their namespace: the Task Scheduler has only one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

_MOST_ELEMENTS = 50_000
_DEEPEST = 32
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_FORBIDDEN = re.compile(r"<!(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)


class XmlRefused(Exception):
    """Not XML we read: `line` and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(slots=True)
class Element:
    """One element; `note` is the comment right before it."""

    name: str
    line: int
    note: str = ""
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)

    def find(self, path: str) -> Element | None:
        """The first element at `a/b/c` below this one."""
        found: Element | None = self
        for name in path.split("/"):
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def value(self, path: str, default: str = "") -> str:
        """The text of the first element at `a/b/c`, or the default where there is none."""
        found = self.find(path)
        return found.text.strip() if found is not None else default

    def named(self, name: str) -> Iterator[Element]:
        """The direct children of that name."""
        return (child for child in self.children if child.name == name)


def decode(data: bytes) -> str:
    """UTF-16 with or without a mark, or UTF-8; whatever the XML declaration says. Raises XmlRefused."""
    encoding = "utf-8-sig"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[1:2] == b"\0":
        encoding = "utf-16-le"
    elif data[:1] == b"\0":
        encoding = "utf-16-be"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise XmlRefused(1, "the file is neither UTF-8 nor UTF-16 text") from None


def read_xml(data: bytes) -> Element:
    """The document's root element. Raises XmlRefused."""
    text = decode(data)
    forbidden = _FORBIDDEN.search(text)
    if forbidden is not None:
        line = text.count("\n", 0, forbidden.start()) + 1
        raise XmlRefused(line, "document types and entities are not read")
    return _Builder().read(_DECLARATION.sub("", text, count=1))


class _Builder:
    def __init__(self) -> None:
        self._root = Element("", 1)
        self._open = [self._root]
        self._count = 0
        self._note = ""
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.CommentHandler = self._comment
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse

    def read(self, text: str) -> Element:
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            raise XmlRefused(error.lineno, f"this is not XML: {expat.ErrorString(error.code)}") from None
        except UnicodeEncodeError:
            raise XmlRefused(1, "half of a surrogate pair is not a character") from None
        return self._root.children[0]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        line = self._parser.CurrentLineNumber
        if self._count > _MOST_ELEMENTS or len(self._open) > _DEEPEST:
            raise XmlRefused(line, f"more than {_MOST_ELEMENTS} elements, or deeper than {_DEEPEST} levels")
        element = Element(_local(name), line, self._note, "", attributes)
        self._note = ""
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()
        self._note = ""

    def _characters(self, text: str) -> None:
        self._open[-1].text += text

    def _comment(self, text: str) -> None:
        self._note = text.strip()

    def _refuse(self, *_: object) -> None:
        raise XmlRefused(self._parser.CurrentLineNumber, "document types and entities are not read")


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]
