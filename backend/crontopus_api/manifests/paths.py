"""Where manifests live in a repository, and the ids that follow from it."""

from __future__ import annotations

import re
from uuid import UUID, uuid5

from crontopus_api.manifests.errors import ManifestError
from crontopus_api.manifests.fields import NAME_LENGTH, NAME_PATTERN
from crontopus_api.manifests.models import JobManifest
from crontopus_api.schedules.durations import clip

SYSTEM_FOLDER = ".crontopus"
# Jobs found on endpoints wait here: they are shown, but expected nowhere until somebody adopts them.
DISCOVERED = "discovered"
# The folder each other kind lives in, below `.crontopus/`.
SYSTEM_KINDS = {"policies": "Policy", "routes": "AlertRoute", "windows": "MaintenanceWindow"}
_NAME = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z", re.ASCII)
_YAML = (".yaml", ".yml")


def is_name(text: str) -> bool:
    """Whether `text` can be a namespace's or a job's name (reserved words aside)."""
    return len(text) <= NAME_LENGTH and _NAME.match(text) is not None


def is_job_path(path: str) -> bool:
    """Whether a file at `path` is a job: exactly `namespace/name.yaml`. Anything else is not read as one."""
    parts = path.split("/")
    if len(parts) != 2 or not parts[1].endswith(".yaml"):
        return False
    return is_name(parts[0]) and is_name(parts[1].removesuffix(".yaml"))


def job_path(namespace: str, name: str) -> str:
    """The file of a job. Raises ValueError for names that could lead anywhere else."""
    if not (is_name(namespace) and is_name(name)):
        raise ValueError(f"not a namespace and a name: {namespace!r}, {name!r}")
    return f"{namespace}/{name}.yaml"


def split_job_path(path: str) -> tuple[str, str]:
    """The namespace and name of a job's file. Raises ValueError when `is_job_path` is false."""
    if not is_job_path(path):
        raise ValueError(f"not a job's path: {path!r}")
    namespace, _, file = path.partition("/")
    return namespace, file.removesuffix(".yaml")


def system_kind(path: str) -> str | None:
    """The kind that belongs at `.crontopus/{policies,routes,windows}/name.yaml`; None anywhere else."""
    parts = path.split("/")
    if len(parts) != 3 or parts[0] != SYSTEM_FOLDER or not parts[2].endswith(".yaml"):
        return None
    return SYSTEM_KINDS.get(parts[1]) if is_name(parts[2].removesuffix(".yaml")) else None


def system_path(kind: str, name: str) -> str:
    """The file of a policy, route or window. Raises ValueError for names that could lead anywhere else."""
    folder = next((folder for folder, each in SYSTEM_KINDS.items() if each == kind), None)
    if folder is None or not is_name(name):
        raise ValueError(f"not a kind and a name: {kind!r}, {name!r}")
    return f"{SYSTEM_FOLDER}/{folder}/{name}.yaml"


def stem_of(path: str) -> str:
    """What a manifest's file says its name is."""
    return path.rsplit("/", 1)[-1].removesuffix(".yaml")


def misplaced(path: str) -> ManifestError | None:
    """The error for a YAML file where its author must expect a job, but where none is read from.

    Hidden folders and files, and anything that is not YAML, are nobody's business: None.
    """
    parts = path.split("/")
    hidden = any(part.startswith(".") for part in parts)
    if hidden or not path.lower().endswith(_YAML) or is_job_path(path):
        return None
    stem = parts[-1].rsplit(".", 1)[0]
    message, hint = "a job's file ends in `.yaml`", f"rename it to `{parts[0]}/{stem}.yaml`"
    if len(parts) == 1:
        message = "a job lives in a namespace folder, not at the top"
        hint = f"move it into a namespace: `default/{stem}.yaml`"
    elif len(parts) > 2:
        message, hint = "a namespace has no folders inside", f"move it to `{parts[0]}/{stem}.yaml`"
    elif not is_name(parts[0]):
        message, hint = f"{clip(parts[0])} is not a valid namespace", "lower-case letters, digits, `-`"
    elif not is_name(stem):
        message, hint = f"{clip(stem)} is not a valid job name", "lower-case letters, digits, `-`"
    return ManifestError(path, None, None, "", "misplaced_file", message, hint)


def job_id(tenant_id: UUID, job: JobManifest | str) -> UUID:
    """A job's id: `metadata.id`, else UUIDv5(tenant id, "namespace/name"). `job` may be that address."""
    if isinstance(job, str):
        return uuid5(tenant_id, job)
    return job.metadata.id or uuid5(tenant_id, job.address)


def instance_id(job: UUID, endpoint_id: UUID | None) -> UUID:
    """The id of a job on an endpoint, or in ping mode (endpoint None)."""
    return uuid5(job, "-" if endpoint_id is None else str(endpoint_id))
