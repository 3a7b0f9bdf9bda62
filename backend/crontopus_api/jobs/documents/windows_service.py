"""Maintenance windows for this once: begun and ended by a commit, like everything in the repository."""

from datetime import UTC, datetime, timedelta

from crontopus_api.identity.principal import Principal
from crontopus_api.jobs.changing.editing import EditingService, Outcome
from crontopus_api.jobs.changing.proposals import Proposal, Target, Wish, expected, present, unreadable
from crontopus_api.jobs.changing.tree import TreeAt
from crontopus_api.jobs.documents.kinds import WINDOW
from crontopus_api.jobs.documents.schemas import NewWindow
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.errors import Conflict, Invalid
from crontopus_api.manifests import (
    MaintenanceWindow,
    ManifestInvalid,
    document_from_mapping,
    dump_yaml,
    parse_document,
    with_spec_value,
)
from crontopus_api.manifests.others import write_instant

_SECOND = timedelta(seconds=1)


class WindowService:
    def __init__(self, editing: EditingService, clock: Clock) -> None:
        self._editing = editing
        self._clock = clock

    async def start(self, principal: Principal, wanted: NewWindow, wish: Wish) -> tuple[str, Outcome]:
        """A new window and its name. Raises Invalid, or Conflict when the name is taken."""
        start, end = _bounds(wanted, self._clock.now())
        name = f"ad-hoc-{start:%Y-%m-%d-%H%M}" if wanted.name is None else wanted.name
        target = WINDOW.target(name)

        async def propose(tree: TreeAt) -> Proposal:
            nonlocal target
            if wanted.name is None:
                target = await _free(tree, name)
            elif await tree.file(target.path) is not None:
                raise Conflict("There is one of that name already.", code="already_exists")
            content = _written(target, wanted, start, end)
            return Proposal({target.path: content}, {target.path: None}, target.told("Start"))

        outcome = await self._editing.change(principal, propose, wish)
        return target.name, outcome

    async def end(self, principal: Principal, name: str, wish: Wish) -> Outcome:
        """End a window now. One that is over stays as it is. Raises NotFound, or Conflict for one that has not
        begun or that comes again."""
        target = WINDOW.target(name)

        async def propose(tree: TreeAt) -> Proposal:
            current = await present(tree, target, wish)
            content = _ended(target, current.content, self._clock.now())
            return Proposal({target.path: content}, expected({target.path: current}), target.told("End"))

        return await self._editing.change(principal, propose, wish)


def _bounds(wanted: NewWindow, now: datetime) -> tuple[datetime, datetime]:
    """In whole seconds, as manifests have them."""
    try:
        start = (wanted.start or now).astimezone(UTC).replace(microsecond=0)
        if wanted.duration_seconds is not None:
            end = start + timedelta(seconds=wanted.duration_seconds)
        else:
            assert wanted.end is not None  # the payload has one or the other
            end = wanted.end.astimezone(UTC).replace(microsecond=0)
    except OverflowError as error:
        raise Invalid("There is no such time.", code="out_of_range") from error
    if end <= now:
        raise Invalid("The window would be over already.", code="over", hint="Give it a later `end`.")
    return start, end


async def _free(tree: TreeAt, name: str) -> Target:
    """The first name that nobody has: another window may have begun in the same minute."""
    target, number = WINDOW.target(name), 1
    while await tree.file(target.path) is not None:
        number += 1
        target = WINDOW.target(f"{name}-{number}")
    return target


def _written(target: Target, wanted: NewWindow, start: datetime, end: datetime) -> bytes:
    spec = {
        "reason": wanted.reason,
        "match": wanted.match,
        "start": write_instant(start),
        "end": write_instant(end),
    }
    said = {key: value for key, value in spec.items() if value}
    try:
        return dump_yaml(document_from_mapping(target.path, {"spec": said})).encode()
    except ManifestInvalid as invalid:
        raise unreadable(invalid) from invalid


def _ended(target: Target, content: bytes, now: datetime) -> bytes:
    try:
        manifest = parse_document(target.path, content)
        assert isinstance(manifest, MaintenanceWindow)  # its path says so
        start, end = manifest.spec.start, manifest.spec.end
        if start is None or end is None:
            raise Conflict(
                f"The maintenance window {target.name} comes again by its schedule: it has no end to bring forward.",
                code="recurring_window",
                hint="Change its schedule or duration, or delete it.",
            )
        if now < start:
            raise Conflict(
                f"The maintenance window {target.name} has not begun.",
                code="not_begun",
                hint="Delete it, and it never will.",
            )
        if end <= now:
            return content
        # A window lasts a second at least.
        ended = max(now.replace(microsecond=0), start + _SECOND)
        return with_spec_value(content, "end", write_instant(ended), path=target.path)
    except ManifestInvalid as invalid:
        raise unreadable(invalid) from invalid
