"""Files of a repository, as definitions. Pure: contents in, manifests and errors out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from crontopus_api.gitstore.host import CommitInfo
from crontopus_api.manifests import (
    JobManifest,
    Manifest,
    ManifestError,
    ManifestInvalid,
    is_job_path,
    is_name,
    misplaced,
    parse_document,
    parse_job,
    system_kind,
)

_KEEP = ".gitkeep"

# Jobs that were read already, by path and content.
Known = Mapping[tuple[str, bytes], JobManifest]


class Origin(NamedTuple):
    """The commit that last changed a file, by whom and when."""

    commit: str
    by: str
    at: datetime

    @classmethod
    def of(cls, commit: CommitInfo) -> "Origin":
        return cls(commit.id, commit.author.name, commit.at)


@dataclass(frozen=True, slots=True)
class FileState:
    """A file that differs from the projection; `blob_id` None: it is gone."""

    path: str
    origin: Origin
    blob_id: str | None = None
    content: bytes = b""


class JobRead(NamedTuple):
    file: FileState
    manifest: JobManifest


class DocumentRead(NamedTuple):
    file: FileState
    kind: str
    manifest: Manifest


class InvalidRead(NamedTuple):
    file: FileState
    errors: list[ManifestError]


@dataclass
class Reading:
    """What files say. `gone` has every path where no definition is any more."""

    jobs: list[JobRead] = field(default_factory=list)
    documents: list[DocumentRead] = field(default_factory=list)
    invalid: list[InvalidRead] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    namespaces: dict[str, bool] = field(default_factory=dict)

    @property
    def paths(self) -> list[str]:
        """Of every definition that was looked at."""
        files = [job.file for job in self.jobs]
        files += [document.file for document in self.documents]
        files += [invalid.file for invalid in self.invalid]
        return [*(file.path for file in files), *self.gone]


def kept_namespace(path: str) -> str | None:
    """The namespace that `name/.gitkeep` makes."""
    folder, _, name = path.partition("/")
    return folder if name == _KEEP and is_name(folder) else None


def concerns_us(path: str) -> bool:
    """Whether a file at `path` is a definition, makes a namespace, or looks as if it should be one."""
    return (
        is_job_path(path)
        or system_kind(path) is not None
        or kept_namespace(path) is not None
        or misplaced(path) is not None
    )


def read_files(files: Iterable[FileState], known: Known | None = None) -> Reading:
    """`known` saves reading those files again, which is most of the work of a large push."""
    reading = Reading()
    for file in files:
        _read_one(file, reading, known or {})
    return reading


def _read_one(file: FileState, reading: Reading, known: Known) -> None:
    namespace = kept_namespace(file.path)
    if namespace is not None:
        reading.namespaces[namespace] = file.blob_id is not None
        return
    if file.blob_id is None:
        reading.gone.append(file.path)
        return
    try:
        kind = system_kind(file.path)
        if kind is not None:
            reading.documents.append(DocumentRead(file, kind, parse_document(file.path, file.content)))
        elif (error := misplaced(file.path)) is not None:
            reading.invalid.append(InvalidRead(file, [error]))
        else:
            job = known.get((file.path, file.content)) or parse_job(file.path, file.content)
            reading.jobs.append(JobRead(file, job))
    except ManifestInvalid as invalid:
        reading.invalid.append(InvalidRead(file, list(invalid.errors)))
