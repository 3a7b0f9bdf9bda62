"""A change of definitions, safely into Git and back into the database.

Four steps, each of which may be the last one before a crash: (1) an intent row commits, (2) Git commits
by compare-and-swap, no transaction held, (3) the projection follows, (4) the answer. A pending intent
that is left behind is finished by a worker, and never twice: the commit carries the intent's id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from crontopus_api.gitstore.errors import GitUnavailable, ObjectMissing, StaleBlob
from crontopus_api.gitstore.host import Author, GitHost
from crontopus_api.jobs import intents_repository, repository
from crontopus_api.jobs.models import GitIntent
from crontopus_api.jobs.projector import Projector
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Conflict, Unavailable
from crontopus_api.kit.ids import uuid7

log = structlog.get_logger()

INTENT_TRAILER = "Crontopus-Intent"
# Longer than any request lives, so that a worker never takes a change out of a request's hands.
STALE_AFTER = timedelta(seconds=60)
_HISTORY_TO_SEARCH = 1000


@dataclass(frozen=True)
class Change:
    """`edits`: path → content, None removes. `expect`: path → the blob it must hold now, None = no file."""

    author: Author
    message: str
    edits: Mapping[str, bytes | None]
    expect: Mapping[str, str | None]


class ChangeService:
    def __init__(self, database: Database, host: GitHost, projector: Projector, clock: Clock) -> None:
        self._database = database
        self._host = host
        self._projector = projector
        self._clock = clock

    async def ensure_repository(self, tenant_id: UUID) -> str:
        """The slug of the tenant's repository, made if it is not there yet."""
        async with self._database.tenant(tenant_id) as session:
            row = await repository.get_repository(session, tenant_id)
        if row.ready_at is None:
            await self._host.ensure_repository(row.slug, tenant_id)
            async with self._database.tenant(tenant_id) as session:
                await repository.mark_ready(session, tenant_id, self._clock.now())
            await self._projector.project(tenant_id)
        return row.slug

    async def apply(self, tenant_id: UUID, change: Change) -> str:
        """Commit and project; answers the commit. Raises Conflict (stale) or Unavailable."""
        slug = await self.ensure_repository(tenant_id)
        intent_id = uuid7()
        async with self._database.tenant(tenant_id) as session:
            await intents_repository.add(session, self._intent(tenant_id, intent_id, change))
        try:
            commit = await self._commit(slug, intent_id, change)
        except StaleBlob as error:
            await self._finish(tenant_id, intent_id, "refused", None)
            raise Conflict(
                f"{error.path} was changed by somebody else meanwhile.",
                code="stale_etag",
                hint="Fetch it again, look at the difference, and repeat your change.",
            ) from error
        except GitUnavailable as error:
            await self._finish(tenant_id, intent_id, "refused", None)
            raise Unavailable("The repository cannot be written now.", retry_after_seconds=5) from error
        await self._projector.project(tenant_id)
        await self._finish(tenant_id, intent_id, "done", commit)
        return commit

    async def finish_stale(self) -> int:
        """Finish what killed processes left behind; how many there were."""
        async with self._database.session(Scope(role="crontopus_scanner")) as session:
            stale = await intents_repository.stale(session, self._clock.now() - STALE_AFTER)
        for tenant_id, intent_id in stale:
            await self._finish_one(tenant_id, intent_id)
        return len(stale)

    async def _finish_one(self, tenant_id: UUID, intent_id: UUID) -> None:
        async with self._database.tenant(tenant_id) as session:
            intent = await intents_repository.get(session, tenant_id, intent_id)
            slug = (await repository.get_repository(session, tenant_id)).slug
        if intent is None or intent.state != "pending":
            return
        commit = await self._find_commit(slug, intent_id)
        if commit is None:
            change = Change(
                Author(intent.author_name, intent.author_email),
                intent.message,
                intents_repository.unpack(intent.edits),
                intent.expect,
            )
            try:
                commit = await self._commit(slug, intent_id, change)
            except StaleBlob:
                # Others changed the file since, and the sender never had an answer: theirs stands.
                await self._finish(tenant_id, intent_id, "refused", None)
                return
        await self._projector.project(tenant_id)
        await self._finish(tenant_id, intent_id, "done", commit)
        log.info("stale_intent_finished", tenant_id=str(tenant_id), intent_id=str(intent_id), commit=commit)

    async def _commit(self, slug: str, intent_id: UUID, change: Change) -> str:
        result = await self._host.commit(
            slug,
            author=change.author,
            message=f"{change.message.rstrip()}\n\n{INTENT_TRAILER}: {intent_id}\n",
            edits=change.edits,
            expect=change.expect,
        )
        return result.commit

    async def _find_commit(self, slug: str, intent_id: UUID) -> str | None:
        trailer = f"{INTENT_TRAILER}: {intent_id}"
        try:
            commits = await self._host.history(slug, limit=_HISTORY_TO_SEARCH)
        except ObjectMissing:
            return None
        return next((commit.id for commit in commits if trailer in commit.message), None)

    def _intent(self, tenant_id: UUID, intent_id: UUID, change: Change) -> GitIntent:
        return GitIntent(
            tenant_id=tenant_id,
            id=intent_id,
            author_name=change.author.name,
            author_email=change.author.email,
            message=change.message,
            edits=intents_repository.pack(change.edits),
            expect=dict(change.expect),
            state="pending",
            created_at=self._clock.now(),
        )

    async def _finish(self, tenant_id: UUID, intent_id: UUID, state: str, commit: str | None) -> None:
        async with self._database.tenant(tenant_id) as session:
            await intents_repository.finish(
                session, tenant_id, intent_id, state=state, commit_id=commit, finished_at=self._clock.now()
            )
