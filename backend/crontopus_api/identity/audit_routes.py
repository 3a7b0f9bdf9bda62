"""Who did what in a tenant. For its administrators."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from crontopus_api.identity import scopes
from crontopus_api.identity.audit_schemas import AuditEntryOut, AuditExportQuery, AuditQuery, Format
from crontopus_api.identity.audit_service import AuditService
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.paging import Page, decode_uuid_cursor, encode_cursor
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.spreadsheet import csv_lines
from crontopus_api.kit.wiring import provided

router = APIRouter(
    prefix="/api/v1",
    tags=["audit"],
    dependencies=[requires(scopes.TENANT_ADMIN)],
    responses=problem_responses(401, 403, 422),
)

Audit = Annotated[AuditService, Depends(provided(AuditService))]
_MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {"schema": {"type": "string"}} for media in _MEDIA_TYPES.values()}}
}
_COLUMNS = (
    *(
        "id",
        "at",
        "actor_kind",
        "actor_id",
        "actor",
        "token_id",
        "action",
        "subject_kind",
        "subject_id",
        "subject",
    ),
    *("before", "after", "address", "agent"),
)


@router.get("/audit-log")
async def list_entries(
    query: Annotated[AuditQuery, Query()], principal: CurrentPrincipal, session: TenantSession, audit: Audit
) -> Page[AuditEntryOut]:
    """What was changed, newest first: people, tokens, endpoints and the tenant itself. Kept for 400 days."""
    after = decode_uuid_cursor(query.cursor)
    entries, last = await audit.page(session, principal.tenant_id, query, after, query.limit)
    return Page(items=entries, next_cursor=encode_cursor(last) if last else None)


@router.get("/audit-log/export", response_class=StreamingResponse, responses=_FILE)
async def export(
    query: Annotated[AuditExportQuery, Query()], principal: CurrentPrincipal, audit: Audit
) -> StreamingResponse:
    """All entries that fit, newest first, as a file. `limit` and `cursor` say nothing here."""
    pages = audit.pages(principal.tenant_id, query)
    return StreamingResponse(
        _as_csv(pages) if query.format == "csv" else _as_ndjson(pages),
        media_type=_MEDIA_TYPES[query.format],
        headers={
            "Content-Disposition": f'attachment; filename="audit-log.{query.format}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _as_ndjson(pages: AsyncIterator[list[AuditEntryOut]]) -> AsyncIterator[str]:
    async for entries in pages:
        yield "".join(f"{entry.model_dump_json()}\n" for entry in entries)


async def _as_csv(pages: AsyncIterator[list[AuditEntryOut]]) -> AsyncIterator[str]:
    yield csv_lines([_COLUMNS])
    async for entries in pages:
        yield csv_lines(_cells(entry) for entry in entries)


def _cells(entry: AuditEntryOut) -> list[Any]:
    flat = entry.model_dump(mode="json")
    actor, subject = flat["actor"], flat["subject"]
    changes = [json.dumps(flat[side]) if flat[side] is not None else "" for side in ("before", "after")]
    return [
        *(
            flat["id"],
            flat["at"],
            actor["kind"],
            actor["id"],
            actor["name"],
            actor["token_id"],
            flat["action"],
        ),
        *(subject["kind"], subject["id"], subject["name"], *changes, flat["address"], flat["agent"]),
    ]
