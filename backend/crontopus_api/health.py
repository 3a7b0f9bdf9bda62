"""Health, readiness and the installation's metrics."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crontopus_api.kit.database import Database
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.wiring import provided

router = APIRouter(tags=["operations"])

_READY_SECONDS = 3


@router.get("/healthz", response_class=PlainTextResponse)
async def healthz() -> str:
    """The process is alive."""
    return "ok"


@router.get("/readyz", responses={503: {"description": "Something it needs is away."}})
async def readyz(
    database: Annotated[Database, Depends(provided(Database))],
    limits: Annotated[RateLimits, Depends(provided(RateLimits))],
) -> JSONResponse:
    """What the process needs is there. Without Redis it still works, with limits counted per process."""
    redis = "ok" if await limits.ready() else "away: limits are counted per process"
    try:
        async with asyncio.timeout(_READY_SECONDS), database.session() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return JSONResponse({"database": f"away: {type(error).__name__}", "redis": redis}, 503)
    return JSONResponse({"database": "ok", "redis": redis})


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """The installation's own figures, for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
