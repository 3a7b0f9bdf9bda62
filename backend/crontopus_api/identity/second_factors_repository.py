"""Second factors: seen and changed by their owner only (row-level security)."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.models import RecoveryCode, SecondFactor


async def find(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> SecondFactor | None:
    """`lock`: nobody else takes a code of it until this transaction ends."""
    query = select(SecondFactor).where(SecondFactor.user_id == user_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def enabled(session: AsyncSession, user_id: UUID) -> bool:
    query = select(SecondFactor.user_id).where(
        SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None)
    )
    return await session.scalar(query) is not None


async def replace(session: AsyncSession, factor: SecondFactor) -> None:
    """In place of one that was never confirmed."""
    await session.merge(factor)
    await session.flush()


async def remove(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    await session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


async def codes_left(session: AsyncSession, user_id: UUID) -> int:
    query = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
    return int(await session.scalar(query) or 0)


async def replace_codes(session: AsyncSession, user_id: UUID, digests: Iterable[bytes]) -> None:
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    await session.execute(
        insert(RecoveryCode), [{"user_id": user_id, "digest": digest} for digest in digests]
    )


async def use_code(session: AsyncSession, user_id: UUID, digest: bytes) -> bool:
    """Whether there was such a code; there is none any more."""
    gone = await session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.digest == digest)
        .returning(RecoveryCode.digest)
    )
    return gone.first() is not None
