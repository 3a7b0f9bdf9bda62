"""What somebody wants of a tree, and what they take it to be."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from crontopus_api.jobs.changing.tree import Found, TreeAt
from crontopus_api.kit.errors import Conflict, Invalid, NotFound
from crontopus_api.manifests import ManifestInvalid, is_name

Edits = dict[str, bytes | None]


@dataclass(frozen=True)
class Proposal:
    """What somebody wants of a tree. `expect` is what the thinking rests on: path → blob, None = no file."""

    edits: Edits
    expect: dict[str, str | None]
    message: str


Propose = Callable[[TreeAt], Awaitable[Proposal]]


@dataclass(frozen=True)
class Wish:
    """How a change is wanted, whatever it is."""

    message: str | None = None
    if_match: str | None = None
    if_none_match: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Target:
    """One definition: its file, and what people call it."""

    path: str
    name: str
    noun: str = "job"

    def told(self, verb: str) -> str:
        """As a commit's message: `Add default/hello`, `Add policy sane`."""
        return f"{verb} {self.name}" if self.noun == "job" else f"{verb} {self.noun} {self.name}"


def check_conditions(current: Found | None, wish: Wish, noun: str = "job") -> None:
    """Raises Conflict when the file is not what the caller knows."""
    if wish.if_match is not None and wish.if_match != (current.blob_id if current else None):
        raise Conflict(
            f"The {noun} was changed since you fetched it.",
            code="stale_etag",
            hint="Fetch it again, look at the difference, and repeat your change.",
        )
    if wish.if_none_match and current is not None:
        raise Conflict("There is one of that name already.", code="already_exists")


async def present(tree: TreeAt, target: Target, wish: Wish) -> Found:
    """The file that is to be changed. Raises NotFound or Conflict."""
    current = await tree.file(target.path)
    if current is None:
        raise NotFound(f"There is no {target.noun} {target.name}.")
    check_conditions(current, wish, target.noun)
    return current


def expected(found: Mapping[str, Found | None]) -> dict[str, str | None]:
    """As `Proposal.expect`."""
    return {path: each.blob_id if each else None for path, each in found.items()}


def checked_name(value: str, what: str) -> str:
    """Raises Invalid."""
    if not is_name(value):
        raise Invalid(
            f"{value!r} is not a valid {what}.",
            code="invalid_name",
            hint="Lower-case letters, digits and `-`, at most 63, beginning and ending in a letter or digit.",
        )
    return value


def unreadable(invalid: ManifestInvalid) -> Invalid:
    """With every error found."""
    errors = [error.as_dict() for error in invalid.errors]
    return Invalid(str(invalid.errors[0]), code="invalid_manifest", errors=errors)
