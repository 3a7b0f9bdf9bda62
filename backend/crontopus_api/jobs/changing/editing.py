"""Every way to change definitions by the API. Each is thought out on HEAD, and thought out anew when HEAD moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from crontopus_api.gitstore.errors import (
    BlobTooLarge,
    GitUnavailable,
    MergeImpossible,
    PathNotAllowed,
    RepositoryMissing,
)
from crontopus_api.gitstore.host import CommitResult, GitHost
from crontopus_api.gitstore.paths import check_editable
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs import schemas
from crontopus_api.jobs.changing.changes import Change, ChangeService, unavailable
from crontopus_api.jobs.changing.effects import Effects
from crontopus_api.jobs.changing.identities import with_ids
from crontopus_api.jobs.changing.proposals import (
    Proposal,
    Propose,
    Target,
    Wish,
    check_conditions,
    checked_name,
    expected,
    present,
    unreadable,
)
from crontopus_api.jobs.changing.tree import Found, TreeAt
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Conflict, Invalid, NotFound
from crontopus_api.manifests import (
    DISCOVERED,
    JobManifest,
    Manifest,
    ManifestInvalid,
    dump_yaml,
    job_from_mapping,
    job_id,
    job_path,
    parse_document,
    parse_job,
    to_mapping,
)
from crontopus_api.manifests.edit import moved, with_spec_value

# A change that meets somebody else's is thought out again on top of it, this often.
_TRIES = 5


@dataclass(frozen=True)
class Outcome:
    """`plan` for a dry run, else `result`."""

    proposal: Proposal
    result: CommitResult | None = None
    plan: schemas.PlanOut | None = None

    @property
    def created(self) -> bool:
        """Whether a file is new."""
        return None in self.proposal.expect.values()

    def changed(self) -> schemas.ChangedOut:
        assert self.result is not None  # asked after real changes only
        return schemas.ChangedOut(commit=self.result.commit, changed=self.result.changed)


class EditingService:
    def __init__(
        self,
        database: Database,
        host: GitHost,
        changes: ChangeService,
        effects: Effects,
    ) -> None:
        self._database = database
        self._host = host
        self._changes = changes
        self._effects = effects

    async def put(
        self, principal: Principal, namespace: str, name: str, body: bytes | Mapping[str, Any], wish: Wish
    ) -> Outcome:
        """Create or change a job. `body` is the YAML file itself, or a manifest as JSON data.

        Raises Invalid with every error found, or Conflict.
        """
        job = _job(namespace, name)
        manifest = _read(job.path, namespace, name, body)
        return await self.put_file(principal, job, body if isinstance(body, bytes) else manifest, wish)

    async def put_file(
        self, principal: Principal, target: Target, wanted: bytes | Manifest, wish: Wish
    ) -> Outcome:
        """Create or change one definition. `wanted` is a valid file, or what a file is to be written from."""

        async def propose(tree: TreeAt) -> Proposal:
            current = await tree.file(target.path)
            check_conditions(current, wish, target.noun)
            content = wanted if isinstance(wanted, bytes) else _content(target.path, wanted, current)
            found = {target.path: current}
            edits = await with_ids(self._database, principal.tenant_id, {target.path: content}, found)
            return Proposal(edits, expected(found), target.told("Change" if current else "Add"))

        return await self.change(principal, propose, wish)

    async def delete(self, principal: Principal, namespace: str, name: str, wish: Wish) -> Outcome:
        """Remove a job. Raises NotFound or Conflict."""
        return await self.delete_file(principal, _job(namespace, name), wish)

    async def delete_file(self, principal: Principal, target: Target, wish: Wish) -> Outcome:
        """Remove one definition. Raises NotFound or Conflict."""

        async def propose(tree: TreeAt) -> Proposal:
            current = await present(tree, target, wish)
            return Proposal({target.path: None}, expected({target.path: current}), target.told("Delete"))

        return await self.change(principal, propose, wish)

    async def set_paused(
        self, principal: Principal, namespace: str, name: str, paused: bool, wish: Wish
    ) -> Outcome:
        """Pause or resume by one line of the file; the rest of it, comments and all, stays as it is."""
        job = _job(namespace, name)

        async def propose(tree: TreeAt) -> Proposal:
            current = await present(tree, job, wish)
            try:
                content = with_spec_value(current.content, "paused", paused, path=job.path)
            except ManifestInvalid as invalid:
                raise unreadable(invalid) from invalid
            message = job.told("Pause" if paused else "Resume")
            return Proposal({job.path: content}, expected({job.path: current}), message)

        return await self.change(principal, propose, wish)

    async def rename(
        self, principal: Principal, namespace: str, name: str, to_namespace: str, to_name: str, wish: Wish
    ) -> Outcome:
        """Move a job to another name or namespace: it stays the same job, with its runs and its history."""
        old, new = checked_path(namespace, name), checked_path(to_namespace, to_name)
        if old == new:
            raise Invalid(f"The job is called {namespace}/{name} already.", code="same_name")
        verb = "Adopt" if namespace == DISCOVERED else "Rename"
        message = f"{verb} {namespace}/{name} as {to_namespace}/{to_name}"

        async def propose(tree: TreeAt) -> Proposal:
            current = await present(tree, _job(namespace, name), wish)
            if await tree.file(new) is not None:
                raise Conflict(f"There is a job {to_namespace}/{to_name} already.", code="already_exists")
            identifier = job_id(principal.tenant_id, _parsed(old, current.content))
            content = renamed(current.content, old, new, identifier)
            return Proposal({old: None, new: content}, expected({old: current, new: None}), message)

        return await self.change(principal, propose, wish)

    async def restore(
        self, principal: Principal, path: str, content: bytes, commit: str, wish: Wish
    ) -> Outcome:
        """Put a job's file back to what it was at `commit`; one that was deleted comes back."""
        address = path.removesuffix(".yaml")

        async def propose(tree: TreeAt) -> Proposal:
            current = await tree.file(path)
            check_conditions(current, wish)
            message = f"Roll back {address} to {commit[:12]}"
            return Proposal({path: content}, expected({path: current}), message)

        return await self.change(principal, propose, wish)

    async def apply(self, principal: Principal, files: Sequence[schemas.FileEdit], wish: Wish) -> Outcome:
        """Many files in one commit: all of them or none."""
        edits = {edit.path: None if edit.content is None else edit.content.encode() for edit in files}
        if len(edits) < len(files):
            raise Invalid("A file is named twice.", code="duplicate_path")
        for path in edits:
            try:
                check_editable(path)
            except PathNotAllowed as error:
                raise Invalid(str(error), code="path_not_allowed") from error
        demanded = {edit.path: edit.if_match for edit in files if edit.if_match is not None}

        async def propose(tree: TreeAt) -> Proposal:
            await tree.contents(list(edits))
            found = {path: await tree.file(path) for path in edits}
            for path, blob in demanded.items():
                check_conditions(found[path], Wish(if_match=blob))
            wanted = await with_ids(self._database, principal.tenant_id, edits, found)
            changed = {
                path: content
                for path, content in wanted.items()
                if (found[path].content if found[path] else None) != content  # type: ignore[union-attr]
            }
            expect = expected({path: found[path] for path in changed})
            return Proposal(changed, expect, _apply_message(list(changed)))

        return await self.change(principal, propose, wish)

    async def add_namespace(self, principal: Principal, name: str, wish: Wish) -> Outcome:
        """A folder with a `.gitkeep`: Git keeps no empty ones."""
        keep = f"{checked_name(name, 'namespace')}/.gitkeep"

        async def propose(tree: TreeAt) -> Proposal:
            if await tree.file(keep) is not None:
                raise Conflict(f"There is a namespace {name} already.", code="already_exists")
            return Proposal({keep: b""}, {keep: None}, f"Add the namespace {name}")

        return await self.change(principal, propose, wish)

    async def remove_namespace(self, principal: Principal, name: str, wish: Wish) -> Outcome:
        """Only an empty one. Raises NotFound or Conflict."""
        folder = f"{checked_name(name, 'namespace')}/"
        if name == "default":
            raise Conflict("The namespace default always exists.", code="always_there")

        async def propose(tree: TreeAt) -> Proposal:
            entries = [] if tree.commit is None else await self._host.list_files(tree.slug, tree.commit)
            inside = {e.path: e.blob_id for e in entries if e.path.startswith(folder)}
            if not inside:
                raise NotFound(f"There is no namespace {name}.")
            others = [path for path in inside if path != f"{folder}.gitkeep"]
            if others:
                raise Conflict(
                    f"The namespace {name} still has {len(others)} files, for example {others[0]}.",
                    code="not_empty",
                    hint="Delete or move its jobs first.",
                )
            return Proposal(dict.fromkeys(inside), dict(inside), f"Remove the namespace {name}")

        return await self.change(principal, propose, wish)

    async def change(self, principal: Principal, propose: Propose, wish: Wish) -> Outcome:
        """Think it out, and do it or tell what it would do. Raises Invalid, Conflict, Unavailable."""
        slug = principal.tenant_slug
        for attempt in range(_TRIES):
            try:
                tree = TreeAt(self._host, slug, await self._head(principal))
                proposal = await propose(tree)
                if wish.dry_run:
                    return Outcome(proposal, plan=await self._plan(principal, tree, proposal))
            except GitUnavailable as error:
                raise unavailable() from error
            change = Change(principal, wish.message or proposal.message, proposal.edits, proposal.expect)
            try:
                return Outcome(proposal, await self._changes.apply(change))
            except PathNotAllowed as error:  # a file where a folder would have to be
                raise Invalid(str(error), code="path_not_allowed") from error
            except Conflict:
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def plan_of(self, principal: Principal, ref: str) -> schemas.PlanOut:
        """What merging a branch or commit into main would do. Raises NotFound."""
        slug = principal.tenant_slug
        try:
            await self._head(principal)
            commit = await self._host.resolve(slug, ref)
            if commit is None:
                raise NotFound(
                    f"The repository has no branch or commit {ref[:80]}.", hint="Push the branch first."
                )
            merge = await self._host.merged(slug, commit)
            old = [change.old_blob for change in merge.changes if change.old_blob is not None]
            known = {**await self._host.read_blobs(slug, old), **merge.contents}
        except GitUnavailable as error:
            raise unavailable() from error
        except (BlobTooLarge, MergeImpossible) as error:
            raise Invalid(f"This cannot be merged into main: {error}.", code="cannot_merge") from error
        before = {c.path: known[c.old_blob] if c.old_blob else None for c in merge.changes}
        after = {c.path: known[c.new_blob] if c.new_blob else None for c in merge.changes}
        async with self._database.tenant(principal.tenant_id) as session:
            return await self._effects.plan(
                session, principal.tenant_id, merge.onto, before, after, merge.conflicts
            )

    async def _plan(self, principal: Principal, tree: TreeAt, proposal: Proposal) -> schemas.PlanOut:
        before = await tree.contents(list(proposal.edits))
        async with self._database.tenant(principal.tenant_id) as session:
            return await self._effects.plan(session, principal.tenant_id, tree.commit, before, proposal.edits)

    async def _head(self, principal: Principal) -> str | None:
        try:
            return await self._host.head(principal.tenant_slug)
        except RepositoryMissing:
            # The first use of a new tenant; a worker would make it as well, a little later.
            await self._changes.ensure_repository(principal.tenant_id)
            return await self._host.head(principal.tenant_slug)


def checked_path(namespace: str, name: str) -> str:
    """The job's file. Raises Invalid."""
    return job_path(checked_name(namespace, "namespace"), checked_name(name, "name"))


def _job(namespace: str, name: str) -> Target:
    return Target(checked_path(namespace, name), f"{namespace}/{name}")


def renamed(content: bytes, old_path: str, new_path: str, identifier: UUID) -> bytes:
    """The file of a job at another path, with its id. Raises Invalid when it cannot be called that."""
    try:
        return moved(content, old_path, new_path, identifier)
    except ManifestInvalid as invalid:
        raise unreadable(invalid) from invalid


def _parsed(path: str, content: bytes) -> JobManifest:
    try:
        return parse_job(path, content)
    except ManifestInvalid as invalid:
        raise unreadable(invalid) from invalid


def _read(path: str, namespace: str, name: str, body: bytes | Mapping[str, Any]) -> JobManifest:
    try:
        if isinstance(body, bytes):
            return parse_job(path, body)
        return job_from_mapping(path, body, namespace=namespace, name=name)
    except ManifestInvalid as invalid:
        raise unreadable(invalid) from invalid


def _content(path: str, manifest: Manifest, current: Found | None) -> bytes:
    """The file for a manifest that came as JSON: the present one, comments and all, if it says the same."""
    if current is not None:
        try:
            if to_mapping(parse_document(path, current.content)) == to_mapping(manifest):
                return current.content
        except ManifestInvalid:
            pass  # what is there now is broken: it is replaced
    return dump_yaml(manifest).encode()


def _apply_message(paths: Sequence[str]) -> str:
    names = [path.removesuffix(".yaml") for path in paths]
    if len(names) <= 3:
        return "Apply " + (", ".join(names) or "nothing")
    return f"Apply {len(names)} files\n\n" + "\n".join(f"- {name}" for name in names[:50])
