"""A change of definitions, safely into Git and back into the database.

Four steps, each of which may be the last one before a crash: (1) an intent row commits, (2) Git commits
by compare-and-swap, no transaction held, (3) the projection follows, (4) the answer. A pending intent
that is left behind is finished by a worker, and never twice: the commit carries the intent's id.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.gitstore.errors import (
    GitStoreError,
    GitUnavailable,
    ObjectMissing,
    PathNotAllowed,
    StaleBlob,
)
from crontopus_api.gitstore.host import Author, CommitResult, GitHost
from crontopus_api.gitstore.metrics import observe
from crontopus_api.identity.people import PeopleService
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs import intents_repository, repository
from crontopus_api.jobs.changing.judge import Judge, told
from crontopus_api.jobs.models import GitIntent
from crontopus_api.jobs.projection.projector import Projector
from crontopus_api.jobs.projection.reading import FileState, Origin, concerns_us, read_files
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Conflict, Invalid, Unavailable
from crontopus_api.kit.ids import uuid7
from crontopus_api.manifests import ManifestError

log = structlog.get_logger()

INTENT_TRAILER = "Crontopus-Intent"
# Longer than any request lives, so that a worker never takes a change out of a request's hands.
STALE_AFTER = timedelta(seconds=60)
_HISTORY_TO_SEARCH = 1000


@dataclass(frozen=True)
class Change:
    """`edits`: path → content, None removes. `expect`: path → the blob it must hold now, None = no file."""

    by: Principal
    message: str
    edits: Mapping[str, bytes | None]
    expect: Mapping[str, str | None]


class ChangeService:
    def __init__(
        self,
        database: Database,
        host: GitHost,
        projector: Projector,
        judge: Judge,
        people: PeopleService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._host = host
        self._projector = projector
        self._judge = judge
        self._people = people
        self._clock = clock

    async def ensure_repository(self, tenant_id: UUID) -> str:
        """The slug of the tenant's repository, made if it is not there yet. Raises Unavailable."""
        async with self._database.tenant(tenant_id) as session:
            row = await repository.get_repository(session, tenant_id)
        if row.ready_at is None:
            try:
                await self._host.ensure_repository(row.slug, tenant_id)
            except GitUnavailable as error:
                raise unavailable() from error
            async with self._database.tenant(tenant_id) as session:
                await repository.mark_ready(session, tenant_id, self._clock.now())
            await self._projector.project(tenant_id)
        return row.slug

    async def apply(self, change: Change) -> CommitResult:
        """Judge, commit and project. Raises Invalid with every error, Conflict (stale) or Unavailable."""
        tenant_id = change.by.tenant_id
        async with self._database.tenant(tenant_id, change.by.user_id) as session:
            judgement = await self._judge.judge(session, tenant_id, change.edits)
            if judgement.errors:
                raise refusal(judgement.errors)
            intent = await self._intent(session, change)
        try:
            result = await self._commit(change.by.tenant_slug, intent)
        except StaleBlob as error:
            await self._finish(intent, "refused", None)
            raise Conflict(
                f"{error.path} was changed by somebody else meanwhile.",
                code="stale_etag",
                hint="Fetch it again, look at the difference, and repeat your change.",
            ) from error
        except PathNotAllowed:  # a file where a folder would have to be: no worker could ever finish that
            await self._finish(intent, "refused", None)
            raise
        except GitUnavailable as error:
            if not error.uncertain:
                await self._finish(intent, "refused", None)
                raise unavailable(error.retry_after) from error
            # The commit may be there or not. The intent stays, and a worker finds out and finishes it.
            raise Unavailable(
                "The repository did not confirm the change. It is looked up, and finished if it has to be, within"
                " two minutes.",
                code="unconfirmed",
                hint="Look at the job again before you repeat your change.",
                retry_after_seconds=120,
            ) from error
        if not (result.changed and await self._project_own(intent, change, result)):
            await self._projector.project(tenant_id)
            await self._finish(intent, "done", result.commit)
        return result

    async def finish_stale(self) -> int:
        """Finish what killed processes left behind; how many there were."""
        async with self._database.session(Scope(role="crontopus_scanner")) as session:
            stale = await intents_repository.stale(session, self._clock.now() - STALE_AFTER)
        for tenant_id, intent_id in stale:
            try:
                await self._finish_one(tenant_id, intent_id)
            except GitStoreError as error:
                # One tenant's broken repository must not keep the others waiting; it is tried again.
                log.warning("stale_intent_not_finished", tenant_id=str(tenant_id), error=str(error))
        return len(stale)

    async def _project_own(self, intent: GitIntent, change: Change, result: CommitResult) -> bool:
        """Project a commit of ours from what we know of it, and finish its intent, in one transaction.

        False when that cannot be done: the projection was not at the commit's parent, or was in the way
        of check-ins. Then it is read from Git as everybody else's.
        """
        origin = Origin(result.commit, intent.author_name, result.at)
        files = [
            FileState(path, origin, result.blobs[path], content or b"")
            for path, content in sorted(change.edits.items())
            if concerns_us(path)
        ]
        reading = read_files(files)
        try:
            async with self._database.tenant(intent.tenant_id) as session:
                applied = await self._projector.apply(
                    session, intent.tenant_id, result.parent, result.commit, reading
                )
                if applied:
                    await self._mark(session, intent, "done", result.commit)
                return applied
        except DBAPIError as error:
            if not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                raise
            return False

    async def _finish_one(self, tenant_id: UUID, intent_id: UUID) -> None:
        async with self._database.tenant(tenant_id) as session:
            intent = await intents_repository.get(session, tenant_id, intent_id)
            slug = (await repository.get_repository(session, tenant_id)).slug
        if intent is None or intent.state != "pending":
            return
        commit = await self._find_commit(slug, intent_id)
        if commit is None:
            try:
                commit = (await self._commit(slug, intent)).commit
            except (StaleBlob, PathNotAllowed):
                # Others changed the tree since, and the sender never had an answer: theirs stands.
                await self._finish(intent, "refused", None)
                return
        await self._projector.project(tenant_id)
        await self._finish(intent, "done", commit)
        log.info("stale_intent_finished", tenant_id=str(tenant_id), intent_id=str(intent_id), commit=commit)

    async def _commit(self, slug: str, intent: GitIntent) -> CommitResult:
        began, result = time.perf_counter(), "failed"
        try:
            done = await self._host.commit(
                slug,
                author=Author(intent.author_name, intent.author_email),
                message=f"{intent.message.rstrip()}\n\n{INTENT_TRAILER}: {intent.id}\n",
                edits=intents_repository.unpack(intent.edits),
                expect=intent.expect,
            )
            result = "ok"
        except (StaleBlob, PathNotAllowed):
            result = "refused"
            raise
        finally:
            observe("commit", result, time.perf_counter() - began)
        return done

    async def _find_commit(self, slug: str, intent_id: UUID) -> str | None:
        trailer = f"{INTENT_TRAILER}: {intent_id}"
        try:
            commits = await self._host.history(slug, limit=_HISTORY_TO_SEARCH)
        except ObjectMissing:
            return None
        return next((commit.id for commit in commits if trailer in commit.message), None)

    async def _intent(self, session: AsyncSession, change: Change) -> GitIntent:
        name, email = await self._people.author(session, change.by)
        intent = GitIntent(
            tenant_id=change.by.tenant_id,
            id=uuid7(),
            author_name=name,
            author_email=email,
            message=change.message,
            edits=intents_repository.pack(change.edits),
            expect=dict(change.expect),
            state="pending",
            created_at=self._clock.now(),
        )
        await intents_repository.add(session, intent)
        return intent

    async def _finish(self, intent: GitIntent, state: str, commit: str | None) -> None:
        async with self._database.tenant(intent.tenant_id) as session:
            await self._mark(session, intent, state, commit)

    async def _mark(self, session: AsyncSession, intent: GitIntent, state: str, commit: str | None) -> None:
        await intents_repository.finish(
            session,
            intent.tenant_id,
            intent.id,
            state=state,
            commit_id=commit,
            finished_at=self._clock.now(),
        )


def without_trailer(message: str) -> str:
    """A commit's message as its author wrote it."""
    lines = [line for line in message.splitlines() if not line.startswith(f"{INTENT_TRAILER}: ")]
    return "\n".join(lines).strip()


def refusal(errors: list[ManifestError]) -> Invalid:
    return Invalid(told(errors), code=_code(errors), errors=[error.as_dict() for error in errors])


def _code(errors: list[ManifestError]) -> str:
    """Quotas and policies are no faults of a manifest: clients tell them apart by the code."""
    codes = {error.code for error in errors}
    if codes == {"over_quota"}:
        return "over_quota"
    return "policy_violation" if all(code.startswith("policy_") for code in codes) else "invalid_manifest"


def unavailable(retry_after_seconds: int | None = None) -> Unavailable:
    return Unavailable(
        "The repository cannot be written now.",
        hint="Jobs go on running and being watched. Try again in a moment.",
        retry_after_seconds=retry_after_seconds or 5,
    )
