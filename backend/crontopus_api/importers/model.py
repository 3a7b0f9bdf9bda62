"""What an import results in, and how much of it there may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["crontab", "system-crontab", "task-scheduler"]

MAX_BYTES = 1024 * 1024
MAX_LINES = 10_000
MAX_JOBS = 1_000
_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class ImportedJob:
    """A job as it would be added: `yaml` at `path` is a valid manifest.

    `line` counts from 1; `source` is what stood there; `warnings` are sentences about what is different now.
    """

    name: str
    path: str
    yaml: str
    line: int
    source: str
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """Something that would run there and cannot become a job: why, and what to do instead."""

    line: int
    source: str
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ImportSetting:
    """A line that is no job but acts on those after it (`PATH=…`), and what became of it."""

    line: int
    source: str
    effect: str


@dataclass(slots=True)
class Imported:
    """Everything found: each line is a job, a problem, a setting, a comment or blank."""

    jobs: list[ImportedJob] = field(default_factory=list)
    problems: list[ImportProblem] = field(default_factory=list)
    settings: list[ImportSetting] = field(default_factory=list)


def shown(text: str) -> str:
    """A source line, without the power to flood an answer."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
