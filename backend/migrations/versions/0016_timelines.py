"""Of an incident's timeline only what neither the incident nor its deliveries tell is stored apart"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE incidents ADD COLUMN opened_because text")
    op.execute(
        """
        UPDATE incidents i SET opened_because = e.message FROM incident_events e
        WHERE (e.tenant_id, e.incident_id) = (i.tenant_id, i.id) AND e.kind = 'opened'
        """
    )
    op.execute("UPDATE incidents SET opened_because = coalesce(opened_because, cause, 'unknown')")
    op.execute("ALTER TABLE incidents ALTER COLUMN opened_because SET NOT NULL")
    op.execute("DELETE FROM incident_events WHERE kind IN ('opened', 'notified')")
