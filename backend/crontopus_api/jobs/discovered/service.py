"""What agents found on their machines, into Git and out of it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from anyio import to_thread

from crontopus_api.endpoints.service import EndpointService
from crontopus_api.identity.principal import Principal, system_principal
from crontopus_api.jobs.changing.editing import EditingService, Outcome, checked_path, renamed
from crontopus_api.jobs.changing.proposals import Edits, Proposal, Wish, check_conditions
from crontopus_api.jobs.changing.tree import TreeAt
from crontopus_api.jobs.definitions_repository import count_jobs
from crontopus_api.jobs.discovered import manifests, repository
from crontopus_api.jobs.discovered.repository import Claim
from crontopus_api.jobs.discovered.schemas import AdoptIn, DiscoveredOut, FoundIn, LeftOut
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Conflict, Invalid, NotFound
from crontopus_api.manifests import DISCOVERED, JobManifest, ManifestInvalid, job_id, parse_job
from crontopus_api.manifests.edit import with_spec_value
from crontopus_api.tenants.service import TenantService


@dataclass(frozen=True)
class _Known:
    """What the database knows that decides about a report."""

    endpoint_id: UUID
    hostname: str
    enabled: bool
    room: int
    claims: list[Claim]


class DiscoveredService:
    def __init__(
        self, database: Database, endpoints: EndpointService, tenants: TenantService, editing: EditingService
    ) -> None:
        self._database = database
        self._endpoints = endpoints
        self._tenants = tenants
        self._editing = editing

    async def report(self, principal: Principal, entries: list[FoundIn]) -> DiscoveredOut:
        """Make `discovered/` show what is on the endpoint that asks: one commit, or none when it does already.

        Raises Unauthenticated for people, Unavailable.
        """
        known = await self._known(principal)
        if not known.enabled:
            return DiscoveredOut(enabled=False, kept=0, left_out=[], commit=None)
        files, left_out = await to_thread.run_sync(
            manifests.files_of, known.endpoint_id, known.hostname, entries
        )
        mine, adopted = _sorted_out(known)
        for path, (found, _) in list(files.items()):
            if found.id in adopted:
                left_out[found.id] = f"adopted as {adopted[found.id]}"
                del files[path]
        room = max(0, known.room + len(mine))
        for path in sorted(files, key=lambda each: each not in mine)[room:]:
            left_out[files.pop(path)[0].id] = "the tenant's plan has no room for more jobs"
        commit = await self._commit(principal, known, files, mine)
        return DiscoveredOut(
            enabled=True,
            kept=len(files),
            left_out=[LeftOut(id=key, reason=reason) for key, reason in sorted(left_out.items())],
            commit=commit,
        )

    async def adopt(
        self, principal: Principal, namespace: str, name: str, wish: Wish, body: AdoptIn
    ) -> Outcome:
        """Move a found job into a namespace and enable it, in one commit; the machine's agent then lets it take
        the place of the entry it was found as. Raises NotFound, Conflict or Invalid."""
        old, new = checked_path(namespace, name), checked_path(body.namespace, body.name)
        if namespace != DISCOVERED or body.namespace == DISCOVERED:
            raise Invalid(
                f"Only jobs in {DISCOVERED}/ are adopted, into another namespace.", code="not_discovered"
            )

        async def propose(tree: TreeAt) -> Proposal:
            current = await tree.file(old)
            if current is None:
                raise NotFound(f"There is no job {namespace}/{name}.")
            check_conditions(current, wish)
            if await tree.file(new) is not None:
                raise Conflict(f"There is a job {body.namespace}/{body.name} already.", code="already_exists")
            content = _enabled(current.content, old, body.command)
            identifier = job_id(principal.tenant_id, _parsed(old, content))
            edits: Edits = {old: None, new: renamed(content, old, new, identifier)}
            message = f"Adopt {namespace}/{name} as {body.namespace}/{body.name}"
            return Proposal(edits, {old: current.blob_id, new: None}, message)

        return await self._editing.change(principal, propose, wish)

    async def _known(self, principal: Principal) -> _Known:
        tenant_id = principal.tenant_id
        async with self._database.tenant(tenant_id) as session:
            endpoint = await self._endpoints.own(session, principal)
            tenant = await self._tenants.find(session, tenant_id)
            enabled = tenant is not None and tenant.discovery
            plan = await self._tenants.plan(session, tenant_id)
            room = plan.jobs - await count_jobs(session, tenant_id)
            claims = await repository.claims(session, tenant_id) if enabled else []
            return _Known(endpoint.id, endpoint.hostname, enabled, room, claims)

    async def _commit(
        self,
        principal: Principal,
        known: _Known,
        files: Mapping[str, tuple[FoundIn, bytes]],
        mine: Mapping[str, str | None],
    ) -> str | None:
        """`mine`: the paths of what was found there before → the digest of what was found."""
        wanted: Edits = {path: content for path, (_, content) in files.items()}
        wanted |= dict.fromkeys(path for path in mine if path not in files)
        changed = {
            path: content
            for path, content in wanted.items()
            if content is None or mine.get(path) != _found(path, content)
        }
        if not changed:
            return None

        async def propose(tree: TreeAt) -> Proposal:
            await tree.contents(list(changed))
            present = {path: await tree.file(path) for path in changed}
            # The projection may be behind: what Git says is what counts.
            edits = {
                path: content
                for path, content in changed.items()
                if (found := present[path]) is not None or content is not None
                if found is None or found.content != content
            }
            expect = {path: found.blob_id if (found := present[path]) else None for path in edits}
            return Proposal(edits, expect, _message(known.hostname, edits))

        by = system_principal(principal.tenant_id, principal.tenant_slug)
        outcome = await self._editing.change(by, propose, Wish())
        return outcome.result.commit if outcome.result and outcome.proposal.edits else None


def _sorted_out(known: _Known) -> tuple[dict[str, str | None], dict[str, str]]:
    """The found jobs of this endpoint, path → digest; and what jobs elsewhere take the place of, id → address.

    A job without an endpoint was written by hand: it may be for any machine that its selector names.
    """
    mine: dict[str, str | None] = {}
    adopted: dict[str, str] = {}
    for claim in known.claims:
        endpoint = claim.annotations.get(manifests.ENDPOINT)
        if claim.path.startswith(f"{DISCOVERED}/"):
            if endpoint == str(known.endpoint_id):
                mine[claim.path] = claim.annotations.get(manifests.FOUND)
        elif endpoint in {None, str(known.endpoint_id)}:
            address = claim.path.removesuffix(".yaml")
            for identifier in claim.annotations[manifests.ADOPTS].replace(",", " ").split():
                adopted[identifier] = address
    return mine, adopted


def _found(path: str, content: bytes) -> str | None:
    return parse_job(path, content).metadata.annotations.get(manifests.FOUND)


def _parsed(path: str, content: bytes) -> JobManifest:
    try:
        return parse_job(path, content)
    except ManifestInvalid as invalid:
        raise _refused(invalid) from invalid


def _enabled(content: bytes, path: str, command: str | None) -> bytes:
    """The file with its command in full, ready to run. Raises Invalid."""
    job = _parsed(path, content)
    if reason := job.metadata.annotations.get(manifests.FIXED):
        raise Invalid(f"It can only be looked at: {reason}.", code="not_adoptable")
    if command is None and manifests.REDACTED in job.metadata.annotations:
        raise Invalid(
            "Secrets were taken out of its command before it left the machine, so it would not work.",
            code="redacted",
            hint="Give `command` in full, with the secret in a file or the machine's environment.",
        )
    texts = [job.spec.command if command is None else command, *job.spec.env.values()]
    if any(manifests.REMOVED in (text or "") for text in texts):
        raise Invalid(f"It still has {manifests.REMOVED} in it.", code="redacted")
    try:
        if command is not None:
            content = with_spec_value(content, "command", command, path=path)
        return with_spec_value(content, "enabled", True, path=path)
    except ManifestInvalid as invalid:
        raise _refused(invalid) from invalid


def _refused(invalid: ManifestInvalid) -> Invalid:
    errors = [error.as_dict() for error in invalid.errors]
    return Invalid(str(invalid.errors[0]), code="invalid_manifest", errors=errors)


def _message(hostname: str, edits: Mapping[str, bytes | None]) -> str:
    gone = sum(content is None for content in edits.values())
    parts = [f"{count} {what}" for count, what in ((len(edits) - gone, "found"), (gone, "gone")) if count]
    return f"Jobs on {hostname}: {', '.join(parts) or 'as before'}"
