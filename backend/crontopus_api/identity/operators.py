"""Operators: the people who run this installation. They sign in to the internal admin and to nothing else."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import operators_repository as repository
from crontopus_api.identity.models import Operator
from crontopus_api.identity.schemas import Password, Username
from crontopus_api.identity.secrets import hash_password, verify_password
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Conflict, Invalid, NotFound, Unauthenticated
from crontopus_api.kit.ids import uuid7

_SCOPE = Scope(role="crontopus_operator")
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)
_PASSWORD: TypeAdapter[str] = TypeAdapter(Password)


class OperatorService:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, *, username: str, password: str, by: Actor = audit.SYSTEM) -> Operator:
        """Raises Invalid for a name or password that will not do, Conflict when the name is taken."""
        name = _checked(
            _USERNAME, username, "The name must be 2 to 40 lower-case letters, digits and inner hyphens."
        )
        _checked(_PASSWORD, password, "The password must have 10 to 200 characters.")
        operator = Operator(
            id=uuid7(),
            username=name,
            password_hash=await hash_password(password),
            created_at=self._clock.now(),
        )
        async with self._database.session(_SCOPE) as session:
            try:
                await repository.add(session, operator)
            except repository.NameTaken as error:
                raise Conflict(f"There is an operator {name} already.", code="username_taken") from error
            await self._record(session, "operator.created", by, operator)
        return operator

    async def sign_in(self, *, username: str, password: str) -> Operator:
        """Raises Unauthenticated, in the same words and time whether or not there is such an operator."""
        async with self._database.session(_SCOPE) as session:
            operator = await repository.by_name(session, username.strip().lower())
        active = operator is not None and operator.disabled_at is None
        stored = operator.password_hash if operator is not None and active else None
        if not await verify_password(password, stored) or operator is None:
            raise Unauthenticated("The name or password is wrong.", code="invalid_credentials")
        async with self._database.session(_SCOPE) as session:
            await self._record(session, "operator.signed_in", _as_actor(operator), operator)
        return operator

    async def active(self, operator_id: UUID) -> Operator | None:
        """The operator, unless disabled meanwhile."""
        async with self._database.session(_SCOPE) as session:
            return await repository.active(session, operator_id)

    async def all(self) -> Sequence[Operator]:
        """By name, disabled ones included."""
        async with self._database.session(_SCOPE) as session:
            return await repository.all_operators(session)

    async def disable(self, username: str, by: Actor = audit.SYSTEM) -> None:
        """From the next request on the operator is signed out for good. Raises NotFound."""
        async with self._database.session(_SCOPE) as session:
            operator = await repository.disable(session, username.strip().lower(), self._clock.now())
            if operator is None:
                raise NotFound(f"There is no active operator {username}.")
            await self._record(session, "operator.disabled", by, operator)

    async def _record(self, session: AsyncSession, action: str, by: Actor, operator: Operator) -> None:
        subject = Subject("operator", operator.id, operator.username)
        await audit.record(session, action, by, subject, at=self._clock.now())


def _as_actor(operator: Operator) -> Actor:
    return Actor("operator", operator.id, operator.username)


def _checked(rule: TypeAdapter[str], value: str, otherwise: str) -> str:
    try:
        return rule.validate_python(value)
    except ValidationError as error:
        raise Invalid(otherwise) from error
