"""How changes are claimed does not depend on how many PostgreSQL believes there are."""

import re
from typing import Any

import psycopg
import pytest
from sqlalchemy import TextClause
from sqlalchemy.dialects import postgresql

from crontopus_api.alerts import claims, repository

from ..platform import Person

_TRAP = """
INSERT INTO status_changes (tenant_id, instance_id, version, job_id, from_state, to_state, reason, at, recorded_at)
SELECT %s, gen_random_uuid(), 7, gen_random_uuid(), 'healthy', 'missed', '', now(), now()
FROM generate_series(1, %s)
"""


_PAST_TRAP = """
WITH made AS (
    INSERT INTO instances (tenant_id, id, job_id, expectation, created_at)
    SELECT tenant_id, gen_random_uuid(), job_id, expectation, created_at
    FROM (SELECT * FROM instances WHERE tenant_id = %s LIMIT 1) i, generate_series(1, %s) RETURNING tenant_id, id
)
INSERT INTO incidents (tenant_id, id, kind, state, severity, title, instance_id, opened_at)
SELECT tenant_id, gen_random_uuid(), 'missed', 'open', 'error', '', id, now() FROM made
"""


def _statement(text: TextClause, **values: str) -> str:
    words = str(text.compile(dialect=postgresql.dialect(paramstyle="named")))
    for name, value in values.items():
        words = re.sub(rf":{name}\b", value, words)
    return words


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for each in plan.get("Plans", ()) for node in _nodes(each))]


async def test_a_storm_after_a_quiet_time_is_not_looked_through_for_each_change(
    ada: Person, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_TRAP, (ada.tenant_id, 1))
        connection.execute("ANALYZE status_changes")  # one row: whose, is taken for saying which
        connection.execute(_TRAP, (ada.tenant_id, 2000))
        statement = _statement(
            claims._CHANGES,
            tenants=f"'{{{ada.tenant_id}}}'",
            held_since="now()",
            overdue="now()",
            most="1000",
            now="now()",
        )
        assert _looked_through(connection, statement) == 0


@pytest.mark.parametrize("known", [0, 1])
async def test_nor_are_the_incidents_that_are_open_for_the_past_of_each(
    ada: Person, database_url: str, known: int
) -> None:
    await ada.put_job("default/job")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_PAST_TRAP, (ada.tenant_id, known))
        connection.execute("ANALYZE incidents")
        connection.execute(_PAST_TRAP, (ada.tenant_id, 2000))
        ids = connection.execute("SELECT instance_id FROM incidents LIMIT 500").fetchall()
        sent = {"tenants": [ada.tenant_id] * len(ids), "ids": [row[0] for row in ids]}
        given = {name: f"'{{{','.join(map(str, each))}}}'" for name, each in sent.items()}
        statement = _statement(repository._PAST, since="now() - interval '1 hour'", **given)
        with connection.transaction():
            connection.execute("SET LOCAL ROLE crontopus_alerts")
            connection.execute("SELECT set_config('app.tenant_ids', %s, true)", (f"{{{ada.tenant_id}}}",))
            connection.execute(str(repository._IN_ORDER))
            assert _looked_through(connection, statement) == 0


def _looked_through(connection: psycopg.Connection[Any], statement: str) -> float:
    """Rows that were in the way of others."""
    [[[found]]] = connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}").fetchall()
    reasons = ("Rows Removed by Join Filter", "Rows Removed by Filter")
    return sum(node.get(reason, 0) for node in _nodes(found["Plan"]) for reason in reasons)
