"""Column types used by every model."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column

Id = Annotated[UUID, mapped_column(primary_key=True)]
"""Part of the primary key."""

Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Str = Annotated[str, mapped_column(Text)]
Strings = Annotated[list[str], mapped_column(ARRAY(Text))]
Ids = Annotated[list[UUID], mapped_column(ARRAY(Uuid))]
Json = Annotated[Any, mapped_column(JSONB)]
Big = Annotated[int, mapped_column(BigInteger)]
