"""Jobs from what a machine has: a crontab, the Task Scheduler. Read, shown, and added as one commit."""

import base64
from collections.abc import Collection

from anyio import to_thread
from pydantic import ValidationError

from crontopus_api.identity.principal import Principal
from crontopus_api.importers import Imported, read
from crontopus_api.jobs import schemas
from crontopus_api.jobs.changing.editing import EditingService
from crontopus_api.jobs.changing.proposals import Edits, Proposal, Wish
from crontopus_api.jobs.changing.tree import TreeAt
from crontopus_api.kit.errors import Invalid
from crontopus_api.manifests import Selector, is_name
from crontopus_api.schedules import ScheduleInvalid
from crontopus_api.schedules.zones import load_zone


class ImportService:
    def __init__(self, editing: EditingService) -> None:
        self._editing = editing

    async def run(
        self, principal: Principal, request: schemas.ImportIn, *, dry_run: bool
    ) -> schemas.ImportOut:
        """Add every job that can be read, under names that are free. Raises Invalid for a wrong request; what in
        the file cannot become a job is part of the answer."""
        data, selector = _data(request), _selector(request)
        imported = Imported()

        async def propose(tree: TreeAt) -> Proposal:
            nonlocal imported
            taken = await tree.names_in(request.namespace)
            imported = await to_thread.run_sync(_read, request, data, selector, taken)
            edits: Edits = {job.path: job.yaml.encode() for job in imported.jobs}
            message = f"Import {len(edits)} jobs from a {request.kind}"
            return Proposal(edits, dict.fromkeys(edits), message)

        outcome = await self._editing.change(principal, propose, Wish(request.message, dry_run=dry_run))
        return schemas.ImportOut(
            jobs=[schemas.ImportedJobOut.model_validate(job) for job in imported.jobs],
            problems=[schemas.ImportProblemOut.model_validate(problem) for problem in imported.problems],
            settings=[schemas.ImportSettingOut.model_validate(setting) for setting in imported.settings],
            plan=outcome.plan,
            commit=outcome.result.commit if outcome.result else None,
        )


def _read(
    request: schemas.ImportIn, data: bytes, selector: Selector | None, taken: Collection[str]
) -> Imported:
    return read(
        request.kind,
        data,
        namespace=request.namespace,
        timezone=request.timezone,
        selector=selector,
        user=request.user,
        taken=taken,
    )


def _selector(request: schemas.ImportIn) -> Selector | None:
    if not is_name(request.namespace):
        raise Invalid(f"{request.namespace!r} is not a valid namespace.", code="invalid_name")
    try:
        load_zone(request.timezone)
        if not request.match_labels and not request.hostname:
            return None
        return Selector(matchLabels=request.match_labels or None, hostname=request.hostname)
    except ScheduleInvalid as error:
        raise Invalid(error.message, code=error.code, hint=error.hint) from error
    except ValidationError as error:
        raise Invalid(
            f"The selector is not valid: {error.errors()[0]['msg']}.", code="bad_selector"
        ) from error


def _data(request: schemas.ImportIn) -> bytes:
    if (request.text is None) == (request.base64 is None):
        raise Invalid("Give exactly one of `text` and `base64`.", code="bad_body")
    if request.text is not None:
        return request.text.encode()
    try:
        return base64.b64decode(request.base64 or "", validate=True)
    except ValueError as error:  # also for letters beyond ASCII
        raise Invalid("`base64` is not base64.", code="bad_body") from error
