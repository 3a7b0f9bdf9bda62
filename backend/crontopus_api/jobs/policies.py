"""The tenant's policies, and what they make of its jobs."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.manifests import Policy, parse_document
from crontopus_api.manifests.parse import parse_job_located
from crontopus_api.manifests.policies import violations


async def policies_in_force(session: AsyncSession, tenant_id: UUID) -> dict[str, Policy]:
    """By path."""
    rows = await definitions.documents(session, tenant_id, "Policy")
    found = ((row.path, parse_document(row.path, row.source.encode())) for row in rows)
    return {path: policy for path, policy in found if isinstance(policy, Policy)}


def violations_of(path: str, source: bytes, policies: Iterable[Policy]) -> list[dict[str, Any]]:
    """As JSON data. `source` is a valid job."""
    policies = list(policies)
    if not policies:
        return []
    job, places = parse_job_located(path, source)
    return [violation.as_dict() for violation in violations(path, job, policies, places)]
