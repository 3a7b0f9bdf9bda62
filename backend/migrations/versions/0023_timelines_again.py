"""What migration 0016 meant to do with rows that were there: forced row-level security hid them from it"""

from alembic import op

from migrations.access import every_row

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    with every_row("incidents", "incident_events"):
        op.execute(
            """
            UPDATE incidents i SET opened_because = e.message FROM incident_events e
            WHERE (e.tenant_id, e.incident_id) = (i.tenant_id, i.id) AND e.kind = 'opened'
                AND i.opened_because = 'unknown'
            """
        )
        op.execute("DELETE FROM incident_events WHERE kind IN ('opened', 'notified')")
