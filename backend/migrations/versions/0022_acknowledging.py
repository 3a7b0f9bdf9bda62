"""Incidents are acknowledged and snoozed, and may be about a channel"""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        ALTER TABLE incidents
            ADD COLUMN acknowledged_at timestamptz,
            ADD COLUMN acknowledged_by text,
            ADD COLUMN snoozed_until timestamptz,
            ADD COLUMN channel_id uuid,
            ADD CONSTRAINT fk_incidents_tenant_id_channel_id FOREIGN KEY (tenant_id, channel_id)
                REFERENCES channels ON DELETE SET NULL (channel_id)
        """
    )
    # One open incident per channel, and that it is gone is found quickly.
    op.execute(
        "CREATE UNIQUE INDEX uq_incidents_open_channel ON incidents (tenant_id, channel_id) WHERE state <> 'resolved'"
    )
    op.execute("CREATE INDEX ix_incidents_tenant_id_channel_id ON incidents (tenant_id, channel_id)")
