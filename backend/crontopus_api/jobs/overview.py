"""The repository and what lives in it beside jobs, as they are."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.service import Signers, Succession
from crontopus_api.gitstore.paths import clone_path
from crontopus_api.gitstore.signing import SshSigner, allowed_signer, fingerprint_of, succession
from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.jobs import repository, schemas, views
from crontopus_api.jobs.models import RetiredSigner
from crontopus_api.kit.database import Database
from crontopus_api.tenants.service import TenantService


class RepositoryService:
    def __init__(
        self,
        database: Database,
        tenants: TenantService,
        signer: SshSigner,
        base_url: str,
        former_signer: SshSigner | None = None,
    ) -> None:
        self._database = database
        self._former_signer = former_signer
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
        return [views.document_out(row) for row in found]

    async def signers(self) -> schemas.SignersOut:
        """Who signs, and who signed what is older."""
        async with self._database.session() as session:
            retired = await repository.retired_signers(session)
        ended: dict[str, datetime | None] = {row.public_key: row.retired_at for row in retired}
        if self._former_signer is not None:
            # Until its end has been written down, it may have signed a moment ago.
            ended.setdefault(self._former_signer.public_key, None)
        lines = [allowed_signer(key, at) for key, at in ended.items()]
        return schemas.SignersOut(
            allowed_signers="".join([self._signer.allowed_signers(), *lines]),
            retired=[
                schemas.RetiredSignerOut(public_key=key, fingerprint=fingerprint_of(key), retired_at=at)
                for key, at in ended.items()
            ],
            current=schemas.SignerOut(
                public_key=self._signer.public_key, fingerprint=self._signer.fingerprint
            ),
        )

    async def handed_over(self, session: AsyncSession) -> Signers:
        """For agents, which have pinned a key and follow it from one to the next."""
        known = [
            Succession(row.public_key, row.successor, row.retired_at, *_words(row))
            for row in await repository.retired_signers(session)
            if row.successor is not None and row.signature is not None
        ]
        former, new = self._former_signer, self._signer.public_key
        if former is not None and all(each.old != former.public_key for each in known):
            at = datetime.now(UTC).replace(microsecond=0)
            message = succession(former.public_key, new, at)
            known.append(Succession(former.public_key, new, at, message, former.succeeded_by(new, at)))
        return Signers(new, known)


def _words(row: RetiredSigner) -> tuple[str, str]:
    assert row.successor is not None
    assert row.signature is not None
    return succession(row.public_key, row.successor, row.retired_at), row.signature
