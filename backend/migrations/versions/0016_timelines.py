"""Of an incident's timeline only what neither the incident nor its deliveries tell is stored apart"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The default is for processes of the version before, which know nothing of the column.
    op.execute("ALTER TABLE incidents ADD COLUMN opened_because text NOT NULL DEFAULT 'unknown'")
    op.execute(
        """
        UPDATE incidents i SET opened_because = e.message FROM incident_events e
        WHERE (e.tenant_id, e.incident_id) = (i.tenant_id, i.id) AND e.kind = 'opened'
        """
    )
    op.execute("DELETE FROM incident_events WHERE kind IN ('opened', 'notified')")
