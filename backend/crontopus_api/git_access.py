"""What the Git bridge asks the rest of the product: who may, is this push valid, who is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crontopus_api.composition import Services
from crontopus_api.gitstore.embedded.cgi import Action, Credentials
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.embedded.http import GitHttpBackend
from crontopus_api.gitstore.embedded.push import GitCaller, MainMoved, PushRequest
from crontopus_api.gitstore.errors import AuthenticationRequired, PermissionDenied, RepositoryHidden, TooOften
from crontopus_api.identity import scopes
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs.projection.reading import Known
from crontopus_api.jobs.repositories import tenant_of
from crontopus_api.kit.database import Scope
from crontopus_api.kit.errors import TooManyRequests, Unauthenticated

if TYPE_CHECKING:
    from crontopus_api.gitstore.forgejo.proxy import ForgejoGitHttp
    from crontopus_api.gitstore.forgejo.webhook import PushEvent

_NEEDED: dict[Action, str] = {"read": scopes.JOBS_READ, "write": scopes.JOBS_WRITE}


@dataclass
class Caller:
    """Somebody at the Git door. What judging their push has read, its projection need not read again."""

    principal: Principal
    judged: Known = field(default_factory=dict)


def _caller(caller: GitCaller) -> Caller:
    assert isinstance(caller.principal, Caller)
    return caller.principal


class GitAccess:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def authorize(self, credentials: Credentials | None, slug: str, action: Action) -> GitCaller:
        if credentials is None:
            raise AuthenticationRequired
        try:
            principal = await self._services.identity.authenticate(credentials.password)
        except Unauthenticated as error:
            raise AuthenticationRequired(f"{error.message} {error.hint or ''}".strip()) from error
        limits = self._services.limits
        try:
            await limits.take(limits.policies.git, "git", str(principal.token_id))
        except TooManyRequests as error:
            raise TooOften(error.message, error.retry_after_seconds or 1) from error
        if principal.tenant_slug != slug:
            raise RepositoryHidden
        needed = _NEEDED[action]
        if needed not in principal.scopes:
            raise PermissionDenied(f"this token lacks the scope {needed}")
        await self._services.changes.ensure_repository(principal.tenant_id)
        if action == "write" and isinstance(self._services.git, EmbeddedGitHost):
            await self._check_room(principal, self._services.git)
        return GitCaller(subject=str(principal.token_id), principal=Caller(principal))

    async def _check_room(self, principal: Principal, host: EmbeddedGitHost) -> None:
        """Whichever branch is pushed: history takes room too, so this is asked before the objects come."""
        async with self._services.database.tenant(principal.tenant_id) as session:
            plan = await self._services.tenants.plan(session, principal.tenant_id)
        taken = await host.size(principal.tenant_slug)
        if taken > plan.repository_bytes:
            raise PermissionDenied(
                f"quota: the repository takes {taken >> 20} MiB and the plan `{plan.name}` has room for"
                f" {plan.repository_bytes >> 20}; ask your operator for a larger plan"
            )

    async def validate(self, request: PushRequest) -> Sequence[str]:
        caller, edits = _caller(request.caller), dict(request.changes)
        tenant_id = caller.principal.tenant_id
        async with self._services.database.tenant(tenant_id) as session:
            judgement = await self._services.judge.judge(session, tenant_id, edits)
        caller.judged = {(path, edits[path] or b""): job for path, job in judgement.jobs.items()}
        return judgement.lines()

    async def on_push(self, moved: MainMoved) -> None:
        caller = _caller(moved.caller)
        await self._services.projector.project(caller.principal.tenant_id, caller.judged)

    async def on_webhook(self, event: "PushEvent") -> None:
        async with self._services.database.session(Scope(role="crontopus_scanner")) as session:
            tenant_id = await tenant_of(session, event.slug)
        if tenant_id is not None:
            await self._services.projector.project(tenant_id)


def git_app(services: Services) -> "GitHttpBackend | ForgejoGitHttp":
    """What serves `/git`."""
    access = GitAccess(services)
    if isinstance(services.git, EmbeddedGitHost):
        return GitHttpBackend(
            services.git, authorize=access.authorize, validate=access.validate, on_push=access.on_push
        )
    from crontopus_api.gitstore.forgejo.proxy import ForgejoGitHttp  # noqa: PLC0415 - brings an HTTP client
    from crontopus_api.gitstore.forgejo.webhook import WebhookReceiver  # noqa: PLC0415

    webhooks = WebhookReceiver(services.git.config.webhook_key, access.on_webhook)
    return ForgejoGitHttp(services.git.client, authorize=access.authorize, webhooks=webhooks)
