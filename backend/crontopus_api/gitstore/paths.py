"""Which names may exist: slugs of repositories and paths inside them."""

import re
import unicodedata

from crontopus_api.gitstore.errors import PathNotAllowed
from crontopus_api.gitstore.host import TENANT_FILE

SLUG_PATTERN = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SLUG = re.compile(SLUG_PATTERN)
_OBJECT_ID = re.compile(r"[0-9a-f]{40}")

MAX_PATH_BYTES = 1024
MAX_SEGMENT_BYTES = 255
MAX_DEPTH = 16


def check_slug(slug: str) -> str:
    """The slug, if it is one: it becomes part of a directory's name, so nothing else may pass."""
    if not _SLUG.fullmatch(slug):
        raise PathNotAllowed(slug, "not a tenant's slug")
    return slug


def repository_name(slug: str) -> str:
    return f"job-manifests-{check_slug(slug)}.git"


def slug_of(name: str) -> str | None:
    """The slug in a repository's name (with or without `.git`), if it is one of ours."""
    slug = name.removesuffix(".git").removeprefix("job-manifests-")
    return slug if name.startswith("job-manifests-") and _SLUG.fullmatch(slug) else None


def clone_path(slug: str) -> str:
    return f"/git/crontopus/{repository_name(slug)}"


def is_object_id(text: str) -> bool:
    return _OBJECT_ID.fullmatch(text) is not None


def check_path(path: str) -> str:
    """The path, if a file of that name can safely be checked out on every machine that clones it."""
    reason = _whole_path_fault(path)
    segments = path.split("/")
    if reason is None and len(segments) > MAX_DEPTH:
        reason = f"more than {MAX_DEPTH} folders deep"
    if reason is None:
        reason = next(filter(None, map(_segment_fault, segments)), None)
    if reason is not None:
        raise PathNotAllowed(path, reason)
    return path


def check_editable(path: str) -> str:
    """`check_path`, and not the file that marks the repository as ours: that one never changes."""
    check_path(path)
    if path.casefold() == TENANT_FILE:
        raise PathNotAllowed(path, "this file marks the repository as this tenant's and never changes")
    return path


def _whole_path_fault(path: str) -> str | None:
    if not path:
        return "an empty path"
    if path.startswith("/"):
        return "an absolute path"
    if "\\" in path:
        return "a backslash in the path"
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in path):
        # Cf too: zero-width characters make ".g\u200cit" a ".git" for HFS+, and names that look alike.
        return "a control or invisible character in the path"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"longer than {MAX_PATH_BYTES} bytes"
    return None


def _segment_fault(segment: str) -> str | None:
    if not segment:
        return "an empty folder name"
    if segment in {".", ".."}:
        return f"{segment!r} as a folder name"
    # Windows drops trailing dots and blanks, and knows ".git" as "git~1"; ":" begins an NTFS stream.
    if segment.partition(":")[0].rstrip(". ").casefold() in {".git", "git~1"}:
        return "a name Git keeps for itself"
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        return f"a name longer than {MAX_SEGMENT_BYTES} bytes"
    return None
