"""Runs of any age, put into the database as check-ins would have left them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.models import Run, RunOutput
from crontopus_api.kit.database import Scope
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import table
from crontopus_api.manifests import instance_id

from ...platform import Person, Platform

INGEST = Scope(role="crontopus_ingest")
SCANNER = Scope(role="crontopus_scanner")


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def run_of(person: Person, job_id: str, at: datetime, **more: Any) -> dict[str, Any]:
    """One finished run that began at `at`."""
    return {
        "tenant_id": person.tenant_id,
        "partition_at": at,
        "id": uuid7(at),
        "instance_id": instance_id(UUID(job_id), None),
        "job_id": UUID(job_id),
        "endpoint_id": None,
        "state": "success",
        "source": "ping",
        "slot_at": None,
        "started_at": at,
        "finished_at": at + timedelta(seconds=1),
        "duration_ms": 1000,
        "exit_code": 0,
        "commit_id": None,
        "message": None,
        "output_bytes": None,
        "output_total_bytes": None,
        "output_truncated": False,
        "host": None,
        "environment": None,
        "metrics": None,
    } | more


async def put_runs(platform: Platform, runs: Sequence[dict[str, Any]]) -> None:
    async with platform.services.database.session(INGEST) as session:
        await session.execute(insert(table(Run)), list(runs))


async def put_output(platform: Platform, run: dict[str, Any], content: bytes) -> None:
    row = {key: run[key] for key in ("tenant_id", "partition_at")} | {"run_id": run["id"], "content": content}
    async with platform.services.database.session(INGEST) as session:
        await session.execute(insert(table(RunOutput)), [row])


async def places(platform: Platform, name: str = "runs") -> dict[str, int]:
    """How many rows each partition holds."""
    async with platform.services.database.session(SCANNER) as session:
        query = text(f"SELECT tableoid::regclass::text, count(*) FROM {name} GROUP BY 1")
        return {row[0]: row[1] for row in await session.execute(query)}


async def count(session: AsyncSession, name: str) -> int:
    return await session.scalar(text(f"SELECT count(*) FROM {name}")) or 0
