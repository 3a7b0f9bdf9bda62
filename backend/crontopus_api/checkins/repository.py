from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.models import StatusChange


async def add_change(session: AsyncSession, change: StatusChange) -> None:
    session.add(change)
    await session.flush()
