"""What a push must satisfy before it becomes the truth. Pure: paths and contents in, errors out."""

from collections.abc import Iterable

from crontopus_api.gitstore.host import TENANT_FILE
from crontopus_api.manifests import ManifestError, ManifestInvalid, is_job_path, misplaced, parse_job

# What a terminal shows at once is read; the rest waits for the next push.
_MOST_LINES = 50


def check_file(path: str, content: bytes | None) -> list[ManifestError]:
    """What is wrong with one changed file; `content` None: it is removed."""
    if path == TENANT_FILE:
        message = "this file marks the repository as its tenant's and never changes"
        return [ManifestError(path, None, None, "", "immutable_file", message, "restore it as it was")]
    if content is None:
        return []
    wrong_place = misplaced(path)
    if wrong_place is not None:
        return [wrong_place]
    if not is_job_path(path):
        return []
    try:
        parse_job(path, content)
    except ManifestInvalid as invalid:
        return list(invalid.errors)
    return []


def refusals(changes: Iterable[tuple[str, bytes | None]]) -> list[str]:
    """The lines a pushing terminal shows, one per error; empty when the push is welcome."""
    lines = [str(error) for path, content in changes for error in check_file(path, content)]
    if len(lines) > _MOST_LINES:
        return [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more"]
    return lines
