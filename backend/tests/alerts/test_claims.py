"""How changes are claimed does not depend on how many PostgreSQL believes there are."""

import re
from typing import Any

import psycopg
from sqlalchemy.dialects import postgresql

from crontopus_api.alerts import claims

from ..platform import Person

_TRAP = """
INSERT INTO status_changes (tenant_id, instance_id, version, job_id, from_state, to_state, reason, at, recorded_at)
SELECT %s, gen_random_uuid(), 7, gen_random_uuid(), 'healthy', 'missed', '', now(), now()
FROM generate_series(1, %s)
"""


def _statement(tenant_id: str) -> str:
    text = str(claims._CHANGES.compile(dialect=postgresql.dialect(paramstyle="named")))
    values = {
        "tenants": f"'{{{tenant_id}}}'",
        "held_since": "now()",
        "overdue": "now()",
        "most": "1000",
        "now": "now()",
    }
    for name, value in values.items():
        text = re.sub(rf":{name}\b", value, text)
    return text


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for each in plan.get("Plans", ()) for node in _nodes(each))]


async def test_a_storm_after_a_quiet_time_is_not_looked_through_for_each_change(
    ada: Person, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_TRAP, (ada.tenant_id, 1))
        connection.execute("ANALYZE status_changes")  # one row: whose, is taken for saying which
        connection.execute(_TRAP, (ada.tenant_id, 2000))
        [[[found]]] = connection.execute(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {_statement(ada.tenant_id)}"
        ).fetchall()
    removed = sum(node.get("Rows Removed by Join Filter", 0) for node in _nodes(found["Plan"]))
    assert removed == 0
