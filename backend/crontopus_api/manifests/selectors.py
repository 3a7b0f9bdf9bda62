"""Which endpoints a job runs on."""

from __future__ import annotations

from collections.abc import Mapping

from crontopus_api.manifests.models import Selector


def selects(selector: Selector | None, *, hostname: str, labels: Mapping[str, str]) -> bool:
    """Whether an endpoint is selected: every condition holds. No selector selects nothing."""
    if selector is None or (selector.hostname is None and not selector.match_labels):
        return False
    if selector.hostname is not None and not glob_matches(selector.hostname.lower(), hostname.lower()):
        return False
    return all(labels.get(key) == value for key, value in (selector.match_labels or {}).items())


def glob_matches(pattern: str, text: str) -> bool:
    """`*` stands for any characters; linear, unlike a regular expression made of user text."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    position = len(first)
    for piece in rest[:-1]:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return text.endswith(rest[-1]) and len(text) - len(rest[-1]) >= position
