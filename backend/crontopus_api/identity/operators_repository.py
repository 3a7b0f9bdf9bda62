"""Operators' own table. In the role crontopus_operator only."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.models import Operator


class NameTaken(Exception):
    pass


async def add(session: AsyncSession, operator: Operator) -> None:
    """Raises NameTaken when another operator has that name."""
    session.add(operator)
    try:
        await session.flush()
    except IntegrityError as error:
        raise NameTaken(operator.username) from error


async def by_name(session: AsyncSession, username: str) -> Operator | None:
    return await session.scalar(select(Operator).where(Operator.username == username))


async def active(session: AsyncSession, operator_id: UUID) -> Operator | None:
    query = select(Operator).where(Operator.id == operator_id, Operator.disabled_at.is_(None))
    return await session.scalar(query)


async def all_operators(session: AsyncSession) -> Sequence[Operator]:
    return (await session.scalars(select(Operator).order_by(Operator.username))).all()


async def disable(session: AsyncSession, username: str, now: datetime) -> Operator | None:
    """The operator, if there was such a one to disable."""
    return await session.scalar(
        update(Operator)
        .where(Operator.username == username, Operator.disabled_at.is_(None))
        .values(disabled_at=now)
        .returning(Operator)
    )
