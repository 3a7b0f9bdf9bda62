"""From what was read to a manifest that is known to be valid, or to the reason why there is none."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from crontopus_api.importers.model import MAX_JOBS, Imported, ImportedJob, ImportProblem, shown
from crontopus_api.manifests import (
    RESERVED_NAMES,
    ManifestInvalid,
    Selector,
    dump_yaml,
    job_from_mapping,
    job_path,
    parse_job,
)

_LONGEST_NAME = 50  # leaves room for `-2`
_LONGEST_DESCRIPTION = 1024
_SECRET = re.compile(r"(?i)(?:passw(?:or)?d|secret|token|api[-_]?key)\w{0,20}[\"']?\s{0,2}[=:]\s{0,2}\S")
_PING = re.compile(r"https?://[^\s'\"]{0,200}(?:hc-ping\.com|healthchecks|/ping/)[^\s'\"]{0,200}")


@dataclass(slots=True)
class Draft:
    """A job as read: what it should be called, its `spec` (schedule, command…), and what to say about it."""

    name: str
    line: int
    source: str
    spec: dict[str, Any]
    description: str = ""
    warnings: list[str] = field(default_factory=list)


class Writer:
    """Adds drafts to a result, under names that are valid, readable and unique."""

    def __init__(
        self, result: Imported, namespace: str, selector: Selector | None, taken: Collection[str]
    ) -> None:
        self._result = result
        self._namespace = namespace
        self._selector = selector
        self._taken = set(taken)

    def problem(self, line: int, source: str, reason: str, hint: str | None = None) -> None:
        self._result.problems.append(ImportProblem(line, shown(source), reason, hint))

    def add(self, draft: Draft) -> None:
        """The draft as a job, or as the problem that keeps it from being one."""
        if len(self._result.jobs) >= MAX_JOBS:
            reason = f"one import has at most {MAX_JOBS} jobs"
            self.problem(draft.line, draft.source, reason, "import the rest separately")
            return
        name = self._name(draft.name)
        path = job_path(self._namespace, name)
        try:
            text = dump_yaml(
                job_from_mapping(path, self._document(draft), namespace=self._namespace, name=name)
            )
            parse_job(path, text.encode())
        except ManifestInvalid as invalid:
            error = invalid.errors[0]
            self.problem(draft.line, draft.source, error.message, error.hint)
            return
        self._taken.add(name)
        warnings = list(dict.fromkeys([*draft.warnings, *_remarks(draft)]))
        self._result.jobs.append(ImportedJob(name, path, text, draft.line, shown(draft.source), warnings))

    def _document(self, draft: Draft) -> dict[str, Any]:
        spec = dict(draft.spec)
        if self._selector is not None:
            spec["selector"] = self._selector.model_dump(mode="json", by_alias=True, exclude_none=True)
        metadata: dict[str, Any] = {}
        if draft.description:
            metadata["annotations"] = {"description": draft.description[:_LONGEST_DESCRIPTION]}
        return {"metadata": metadata, "spec": spec}

    def _name(self, wish: str) -> str:
        name = slug(wish)
        number, unique = 1, name
        while unique in self._taken:
            number += 1
            unique = f"{name}-{number}"
        return unique


def slug(text: str) -> str:
    """A valid job name that looks like the text."""
    name = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_NAME].strip("-") or "job"
    return f"{name}-job" if name in RESERVED_NAMES else name


def _remarks(draft: Draft) -> list[str]:
    remarks = []
    if _SECRET.search(draft.source) or any(map(_SECRET.search, _env_lines(draft.spec))):
        remarks.append(
            "This looks as if it contained a secret. Git keeps it for ever: let the command read it from a file."
        )
    ping = _PING.search(draft.source)
    if ping is not None:
        remarks.append(
            f"This reports to {ping[0]} by itself. Crontopus records every run, so you can remove that later."
        )
    return remarks


def _env_lines(spec: dict[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in spec.get("env", {}).items()]
