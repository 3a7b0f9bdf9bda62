"""The repository and what lives in it beside jobs, as they are."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.gitstore.paths import clone_path
from crontopus_api.gitstore.signing import SshSigner
from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.jobs import repository, schemas
from crontopus_api.tenants.service import TenantService


class RepositoryService:
    def __init__(self, tenants: TenantService, signer: SshSigner, base_url: str) -> None:
        self._tenants = tenants
        self._signer = signer
        self._base_url = base_url

    async def get(self, session: AsyncSession, tenant_id: UUID) -> schemas.RepositoryStanding:
        row = await repository.get_repository(session, tenant_id)
        plan = await self._tenants.plan(session, tenant_id)
        invalid = await definitions.invalid_files(session, tenant_id)
        return schemas.RepositoryStanding(
            slug=row.slug,
            clone_url=f"{self._base_url}{clone_path(row.slug)}",
            commit=row.projected_commit,
            projected_at=row.projected_at,
            problem=row.problem,
            jobs=await definitions.count_jobs(session, tenant_id),
            jobs_limit=plan.jobs,
            invalid_files=[schemas.InvalidFileOut.model_validate(file) for file in invalid],
        )

    async def documents(
        self, session: AsyncSession, tenant_id: UUID, kind: schemas.DocumentKind | None
    ) -> list[schemas.DocumentOut]:
        found = await definitions.documents(session, tenant_id, kind)
        return [
            schemas.DocumentOut(
                kind=row.kind,
                name=row.name,
                path=row.path,
                manifest=row.manifest,
                yaml=row.source,
                etag=row.blob_id,
                commit=row.commit_id,
                changed_by=row.changed_by,
                changed_at=row.changed_at,
            )
            for row in found
        ]

    def signers(self) -> schemas.SignersOut:
        return schemas.SignersOut(
            allowed_signers=self._signer.allowed_signers(),
            current=schemas.SignerOut(
                public_key=self._signer.public_key, fingerprint=self._signer.fingerprint
            ),
        )
