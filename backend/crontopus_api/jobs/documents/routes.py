"""Policies, alert routes and maintenance windows, each at an address of its own.

Reading them takes what reading the repository takes. All are changed by commits, so that takes `jobs:write`; and
who decides whom incidents are told to or not (`alerts:manage`) decides of routes and windows.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.params import Depends as DependsParam
from fastapi.responses import PlainTextResponse

from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs import schemas as jobs
from crontopus_api.jobs.bodies import read_manifest
from crontopus_api.jobs.change_routes import MANIFEST_BODY, DryRun, unquoted
from crontopus_api.jobs.changing.editing import Outcome
from crontopus_api.jobs.changing.proposals import Wish
from crontopus_api.jobs.documents import schemas
from crontopus_api.jobs.documents.kinds import POLICY, ROUTE, WINDOW, DocumentType
from crontopus_api.jobs.documents.service import DocumentService
from crontopus_api.jobs.documents.windows_service import WindowService
from crontopus_api.jobs.routes import YAML
from crontopus_api.kit.database import Database
from crontopus_api.kit.paging import Page, PageQuery, decode_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["repository"])

Documents = Annotated[DocumentService, Depends(provided(DocumentService))]
Windows = Annotated[WindowService, Depends(provided(WindowService))]
CommitMessage = Annotated[str | None, Query(max_length=2000, description="The commit message.")]
_read = requires(scopes.JOBS_READ)
_write = requires(scopes.JOBS_WRITE)
_of_alerts = [_write, requires(scopes.ALERTS_MANAGE)]
_Answers = dict[int | str, dict[str, Any]]
_YAML_ANSWER: _Answers = {200: {"content": {YAML: {"schema": {"type": "string"}}}}}
_CREATED: _Answers = {201: {"model": schemas.ChangedDocumentOut}}


class Shown:
    """Answers a change of a document with the document as it is then."""

    def __init__(
        self, database: Annotated[Database, Depends(provided(Database))], documents: Documents
    ) -> None:
        self._database = database
        self._documents = documents

    async def after(
        self, outcome: Outcome, principal: Principal, of: DocumentType, name: str, response: Response
    ) -> schemas.ChangedDocumentOut | jobs.PlanOut:
        if outcome.plan is not None:
            response.status_code = 200
            return outcome.plan
        async with self._database.tenant(principal.tenant_id, principal.user_id) as session:
            document = await self._documents.get(session, principal.tenant_id, of, name)
        response.status_code = 201 if outcome.created else 200
        response.headers["ETag"] = f'"{document.etag}"'
        return schemas.ChangedDocumentOut(**dict(document), changed=outcome.changed().changed)


Show = Annotated[Shown, Depends()]


@router.get("/policies", dependencies=[_read], responses=problem_responses(401, 403, 422))
async def list_policies(
    query: Annotated[PageQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    documents: Documents,
) -> Page[jobs.DocumentOut]:
    """Rules about what jobs may be, in order of their names."""
    after = decode_cursor(query.cursor, 1)[0] if query.cursor is not None else None
    found = await documents.page(session, principal.tenant_id, POLICY, after, query.limit + 1)
    items, last = split_page(found, query.limit)
    return Page(items=list(items), next_cursor=encode_cursor(last.path) if last else None)


@router.post(
    "/maintenance-windows",
    status_code=201,
    dependencies=_of_alerts,
    response_model=schemas.ChangedDocumentOut | jobs.PlanOut,
    responses=problem_responses(401, 403, 409, 422, 503)
    | {200: {"model": jobs.PlanOut, "description": "With dry_run."}},
)
async def start_window(
    body: schemas.NewWindow,
    principal: CurrentPrincipal,
    windows: Windows,
    show: Show,
    response: Response,
    dry_run: DryRun = False,
) -> schemas.ChangedDocumentOut | jobs.PlanOut:
    """A window for this once, now or later: one commit by you, with a file whose name is made up. In it nothing is
    expected of the jobs it is about, and nobody is notified."""
    name, outcome = await windows.start(principal, body, Wish(body.message, dry_run=dry_run))
    return await show.after(outcome, principal, WINDOW, name, response)


@router.post(
    "/maintenance-windows/{name}/end",
    dependencies=_of_alerts,
    responses=problem_responses(401, 403, 404, 409, 422, 503),
)
async def end_window(
    name: str,
    principal: CurrentPrincipal,
    windows: Windows,
    show: Show,
    response: Response,
    body: jobs.MessageIn | None = None,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header()] = None,
) -> schemas.ChangedDocumentOut | jobs.PlanOut:
    """End a window now instead of at its end, by a commit. One that is over stays as it is; one that has not begun is
    deleted instead, and one that comes again by a schedule has no end to bring forward (409)."""
    wish = Wish(body.message if body else None, unquoted(if_match), dry_run=dry_run)
    outcome = await windows.end(principal, name, wish)
    return await show.after(outcome, principal, WINDOW, name, response)


def _offer_reading(of: DocumentType, one: str) -> None:
    @router.get(
        f"/{of.collection}/{{name}}",
        name=f"get_{one}",
        summary=f"Get {of.noun}",
        dependencies=[_read],
        response_model=jobs.DocumentOut,
        responses=problem_responses(401, 403, 404) | _YAML_ANSWER,
    )
    async def get_document(
        name: str,
        request: Request,
        response: Response,
        principal: CurrentPrincipal,
        session: TenantSession,
        documents: Documents,
    ) -> jobs.DocumentOut | Response:
        """As it is in force. `Accept: application/yaml` answers the file as it stands in the repository."""
        document = await documents.get(session, principal.tenant_id, of, name)
        etag = {"ETag": f'"{document.etag}"'}
        if YAML in request.headers.get("accept", ""):
            return PlainTextResponse(document.yaml, headers=etag, media_type=YAML)
        response.headers.update(etag)
        return document


def _offer_putting(of: DocumentType, one: str, doors: Sequence[DependsParam]) -> None:
    @router.put(
        f"/{of.collection}/{{name}}",
        name=f"put_{one}",
        summary=f"Put {of.noun}",
        dependencies=doors,
        openapi_extra=MANIFEST_BODY,
        responses=problem_responses(401, 403, 409, 413, 415, 422, 503) | _CREATED,
    )
    async def put_document(
        name: str,
        request: Request,
        response: Response,
        principal: CurrentPrincipal,
        documents: Documents,
        show: Show,
        message: CommitMessage = None,
        dry_run: DryRun = False,
        if_match: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> schemas.ChangedDocumentOut | jobs.PlanOut:
        """Create or change it: one commit by you. 201 when it is new."""
        body = await read_manifest(request)
        wish = Wish(message, unquoted(if_match), if_none_match == "*", dry_run)
        outcome = await documents.put(principal, of, name, body, wish)
        return await show.after(outcome, principal, of, name, response)


def _offer_deleting(of: DocumentType, one: str, doors: Sequence[DependsParam]) -> None:
    @router.delete(
        f"/{of.collection}/{{name}}",
        name=f"delete_{one}",
        summary=f"Delete {of.noun}",
        status_code=204,
        dependencies=doors,
        response_model=None,
        responses=problem_responses(401, 403, 404, 409, 422, 503)
        | {200: {"model": jobs.PlanOut, "description": "With dry_run."}},
    )
    async def delete_document(
        name: str,
        response: Response,
        principal: CurrentPrincipal,
        documents: Documents,
        message: CommitMessage = None,
        dry_run: DryRun = False,
        if_match: Annotated[str | None, Header()] = None,
    ) -> jobs.PlanOut | None:
        """Remove it: one commit by you."""
        wish = Wish(message, unquoted(if_match), dry_run=dry_run)
        outcome = await documents.delete(principal, of, name, wish)
        if outcome.plan is not None:
            response.status_code = 200
        return outcome.plan


def _offer(of: DocumentType, one: str, doors: Sequence[DependsParam]) -> None:
    _offer_reading(of, one)
    _offer_putting(of, one, doors)
    _offer_deleting(of, one, doors)


_offer(POLICY, "policy", [_write])
_offer(ROUTE, "route", _of_alerts)
_offer(WINDOW, "maintenance_window", _of_alerts)
