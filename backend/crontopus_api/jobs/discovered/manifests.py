"""A found job as a manifest. Pure."""

import hashlib
import json
from uuid import UUID

from crontopus_api.importers.drafts import slug
from crontopus_api.importers.naming import subject
from crontopus_api.jobs.discovered.schemas import FoundIn
from crontopus_api.manifests import DISCOVERED, ManifestInvalid, dump_yaml, job_from_mapping, job_path

ADOPTS = "crontopus.dev/adopts"
ENDPOINT = "crontopus.dev/endpoint"
# A digest of what was found: while it stays, so does the file, whatever people write into it.
FOUND = "crontopus.dev/found"
REDACTED = "crontopus.dev/redacted"
FIXED = "crontopus.dev/fixed"
REMOVED = "[REDACTED]"
"""What the agent puts where a secret stood."""

# They steer a crontab, not the command.
_NOT_FOR_COMMANDS = frozenset({"MAILTO", "MAILFROM", "CRON_TZ", "SHELL", "RANDOM_DELAY"})


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def path_of(endpoint_id: UUID, hostname: str, found: FoundIn) -> str:
    """Says where and what, and ends in what makes it the only one: the same job always has the same path."""
    host = slug(hostname.partition(".")[0])[:20].strip("-")
    what = slug(subject(found.command))[:32].strip("-")
    return job_path(DISCOVERED, f"{host}-{what}-{digest(str(endpoint_id), found.id)[:8]}")


def content_of(endpoint_id: UUID, hostname: str, found: FoundIn, path: str) -> bytes:
    """The file. Not enabled, and no agent reads it there. Raises ManifestInvalid."""
    name = path.removeprefix(f"{DISCOVERED}/").removesuffix(".yaml")
    annotations = {
        "description": f"Found on {hostname}: {found.source} {found.place}".strip()[:500],
        ADOPTS: found.id,
        ENDPOINT: str(endpoint_id),
        FOUND: digest(json.dumps(found.model_dump(), sort_keys=True))[:16],
    }
    if found.redacted:
        annotations[REDACTED] = "secrets were taken out: give the command in full when you adopt it"
    if found.fixed:
        annotations[FIXED] = found.fixed
    spec: dict[str, object] = {
        "schedule": found.schedule,
        "command": found.command,
        "shell": True,
        "selector": {"hostname": hostname},
        "enabled": False,
    }
    env = {key: value for key, value in found.env.items() if key not in _NOT_FOR_COMMANDS}
    spec |= {
        key: value
        for key, value in (("timezone", found.timezone), ("user", found.user), ("env", env))
        if value
    }
    data = {"metadata": {"name": name, "annotations": annotations}, "spec": spec}
    return dump_yaml(job_from_mapping(path, data, namespace=DISCOVERED, name=name)).encode()


def files_of(
    endpoint_id: UUID, hostname: str, entries: list[FoundIn]
) -> tuple[dict[str, tuple[FoundIn, bytes]], dict[str, str]]:
    """path → what was found and its file, and id → why it has none."""
    files: dict[str, tuple[FoundIn, bytes]] = {}
    left_out: dict[str, str] = {}
    for found in entries:
        if not found.schedule:
            left_out[found.id] = "no manifest can say when it runs"
            continue
        path = path_of(endpoint_id, hostname, found)
        try:
            files[path] = (found, content_of(endpoint_id, hostname, found, path))
        except ManifestInvalid as invalid:
            left_out[found.id] = invalid.errors[0].message
    return files, left_out
