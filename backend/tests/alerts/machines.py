"""Endpoints with jobs, and what becomes of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from crontopus_api.checkins.scanner import scan_once
from crontopus_api.endpoints.watch import EndpointWatch

from ..endpoints.machine import Machine, new_machine
from ..platform import Person, Platform

__all__ = ["Machine", "new_machine"]


def manifest(name: str) -> str:
    return (
        f"apiVersion: crontopus/v1\nkind: Job\nmetadata: {{name: {name}}}\n"
        "spec: {schedule: '0 2 * * *', command: /bin/true, selector: {matchLabels: {role: db}}}\n"
    )


async def put_jobs(person: Person, count: int, text: Any = manifest) -> None:
    """In one commit; those of `manifest` run on every machine with the label role=db."""
    files = [{"path": f"default/job-{n}.yaml", "content": text(f"job-{n}")} for n in range(count)]
    answer = await person.api.post("/api/v1/jobs:apply", json={"files": files})
    assert answer.status_code == 200, answer.text


async def as_scanner(platform: Platform, statement: str, **values: Any) -> None:
    async with platform.services.database.session() as session:
        await session.execute(text("RESET ROLE"))
        await session.execute(text("SET LOCAL ROLE crontopus_scanner"))
        await session.execute(text(statement), values)


async def miss_everything(platform: Platform) -> None:
    """The deadline of every job passes."""
    overdue = "due_at = now() - interval '1 hour', deadline_at = now() - interval '1 s'"
    await as_scanner(platform, f"UPDATE instance_status SET {overdue} WHERE state <> 'missed'")
    async with await platform.services.database.connect_direct() as connection:
        while await scan_once(connection):
            pass


async def silent_for(platform: Platform, machine: Machine, seconds: int) -> None:
    """As if it had last been heard of so long ago."""
    async with platform.services.database.tenant(machine.tenant_id) as session:
        await session.execute(
            text("UPDATE endpoints SET last_seen_at = :at WHERE id = :id"),
            {"at": datetime.now(UTC) - timedelta(seconds=seconds), "id": machine.id},
        )


async def watch(platform: Platform) -> None:
    """A round of the watch over endpoints, on an installation that could be reported to all the time."""
    services = platform.services

    async def always(_: Any, now: datetime) -> datetime:
        return now - timedelta(hours=1)

    await EndpointWatch(services.database, services.clock, always).round()
