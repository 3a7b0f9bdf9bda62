"""Jobs from what a machine has: a crontab, the Task Scheduler. Read, shown, and added as one commit."""

import base64
import binascii

from crontopus_api.identity.principal import Principal
from crontopus_api.importers import Imported, read
from crontopus_api.jobs import schemas
from crontopus_api.jobs.editing import EditingService, Proposal, Wish
from crontopus_api.jobs.tree import TreeAt
from crontopus_api.kit.errors import Conflict, Invalid
from crontopus_api.manifests import Selector, is_name


class ImportService:
    def __init__(self, editing: EditingService) -> None:
        self._editing = editing

    async def run(
        self, principal: Principal, request: schemas.ImportIn, *, dry_run: bool
    ) -> schemas.ImportOut:
        """Add every job that could be read. Raises Invalid for a file in which there is none, Conflict where a
        job of that name is there already."""
        imported = _read(request)
        edits: dict[str, bytes | None] = {job.path: job.yaml.encode() for job in imported.jobs}

        async def propose(tree: TreeAt) -> Proposal:
            taken = [
                path for path, content in (await tree.contents(list(edits))).items() if content is not None
            ]
            if taken and not dry_run:
                raise Conflict(
                    f"{taken[0]} is there already.",
                    code="already_exists",
                    hint="Import into another namespace, for example discovered, or delete it first.",
                )
            return Proposal(edits, dict.fromkeys(edits), f"Import {len(edits)} jobs from a {request.kind}")

        answer = _answer(imported)
        if not edits:
            return answer
        outcome = await self._editing.change(principal, propose, Wish(request.message, dry_run=dry_run))
        answer.plan = outcome.plan
        answer.commit = outcome.result.commit if outcome.result else None
        return answer


def _read(request: schemas.ImportIn) -> Imported:
    if not is_name(request.namespace):
        raise Invalid(f"{request.namespace!r} is not a valid namespace.", code="invalid_name")
    selector = None
    if request.match_labels or request.hostname:
        selector = Selector(match_labels=request.match_labels or None, hostname=request.hostname)
    return read(
        request.kind,
        _data(request),
        namespace=request.namespace,
        timezone=request.timezone,
        selector=selector,
    )


def _data(request: schemas.ImportIn) -> bytes:
    if (request.text is None) == (request.base64 is None):
        raise Invalid("Give exactly one of `text` and `base64`.", code="bad_body")
    if request.text is not None:
        return request.text.encode()
    try:
        return base64.b64decode(request.base64 or "", validate=True)
    except binascii.Error as error:
        raise Invalid("`base64` is not base64.", code="bad_body") from error


def _answer(imported: Imported) -> schemas.ImportOut:
    return schemas.ImportOut(
        jobs=[schemas.ImportedJobOut.model_validate(job) for job in imported.jobs],
        problems=[schemas.ImportProblemOut.model_validate(problem) for problem in imported.problems],
    )
