"""Health, readiness and the installation's metrics."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Unauthenticated
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.settings import Settings

router = APIRouter(tags=["operations"])
"""Of every process that serves."""
ready = APIRouter(tags=["operations"])

_READY_SECONDS = 3


@router.get("/healthz", response_class=PlainTextResponse)
async def healthz() -> str:
    """The process is alive."""
    return "ok"


@ready.get("/readyz", responses={503: {"description": "Something it needs is away."}})
async def readyz(
    database: Annotated[Database, Depends(provided(Database))],
    limits: Annotated[RateLimits, Depends(provided(RateLimits))],
) -> JSONResponse:
    """What the process needs is there. Without Redis it still works, with limits counted per process."""
    redis = "ok" if await limits.ready() else "away: limits are counted per process"
    found = await standing(database)
    return JSONResponse({"database": found, "redis": redis}, 200 if found == "ok" else 503)


async def standing(database: Database) -> str:
    """`ok`, or in what way it is away."""
    try:
        async with asyncio.timeout(_READY_SECONDS), database.session() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return f"away: {type(error).__name__}"
    return "ok"


@router.get("/metrics", response_class=PlainTextResponse, responses=problem_responses(401))
async def metrics(request: Request, settings: Annotated[Settings, Depends(provided(Settings))]) -> Response:
    """The installation's own figures, for Prometheus. With `CRONTOPUS_METRICS_TOKEN` set, that token is asked for."""
    if not settings.metrics_readers.admit(request.headers.get("authorization", "")):
        raise Unauthenticated(
            "The installation's figures are not for everybody.",
            code="metrics_token_required",
            hint="Send CRONTOPUS_METRICS_TOKEN as a bearer token.",
        )
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
