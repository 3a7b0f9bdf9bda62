"""Taking back what was written of runs that did take place."""

from collections.abc import Sequence
from typing import Any

import psycopg

from crontopus_api.checkins.records import Withdrawn


async def withdraw(connection: psycopg.AsyncConnection[Any], rows: Sequence[Withdrawn]) -> None:
    """Delete the rows of absences; those that are not there, or have become runs, are left alone.

    A statement of its own: late reports are rare, and the one that writes every check-in need not look for them.
    """
    await connection.execute(
        """
        DELETE FROM runs r
        USING unnest(%s::uuid[], %s::timestamptz[], %s::uuid[]) AS w(tenant_id, partition_at, id)
        WHERE r.tenant_id = w.tenant_id AND r.partition_at = w.partition_at AND r.id = w.id
            AND r.state IN ('missed', 'skipped') AND r.started_at IS NULL
        """,
        (
            [row.tenant_id for row in rows],
            [row.slot_at for row in rows],
            [row.run_id for row in rows],
        ),
    )
