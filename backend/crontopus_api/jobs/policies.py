"""The tenant's policies and maintenance windows, and what they make of its jobs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.jobs.expectation import Expectation
from crontopus_api.jobs.windows import Window
from crontopus_api.manifests import JobManifest, MaintenanceWindow, Policy, applies, parse_document
from crontopus_api.manifests.others import JobMatch
from crontopus_api.manifests.parse import parse_job_located
from crontopus_api.manifests.policies import violations


async def policies_in_force(session: AsyncSession, tenant_id: UUID) -> dict[str, Policy]:
    """By path."""
    rows = await definitions.documents(session, tenant_id, "Policy")
    found = ((row.path, parse_document(row.path, row.source.encode())) for row in rows)
    return {path: policy for path, policy in found if isinstance(policy, Policy)}


class WindowInForce(NamedTuple):
    match: JobMatch
    window: Window


async def windows_in_force(session: AsyncSession, tenant_id: UUID) -> list[WindowInForce]:
    """In order of their paths."""
    rows = await definitions.documents(session, tenant_id, "MaintenanceWindow")
    found = (parse_document(row.path, row.source.encode()) for row in rows)
    return [
        WindowInForce(manifest.spec.match, Window.of(manifest))
        for manifest in found
        if isinstance(manifest, MaintenanceWindow)
    ]


def expectation_of(manifest: JobManifest, windows: Iterable[WindowInForce], now: datetime) -> Expectation:
    """What is expected of a job; windows that are over for good do not burden it."""
    about = (each.window for each in windows if applies(each.match, manifest))
    return Expectation.of(manifest, (window for window in about if not window.is_over(now)))


def violations_of(path: str, source: bytes, policies: Iterable[Policy]) -> list[dict[str, Any]]:
    """As JSON data. `source` is a valid job."""
    policies = list(policies)
    if not policies:
        return []
    job, places = parse_job_located(path, source)
    return [violation.as_dict() for violation in violations(path, job, policies, places)]
