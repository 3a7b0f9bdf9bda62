"""An incident that opens as a part of another says so itself, and is in no index by what it does not have: ten thousand
may open at once"""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE incidents ADD COLUMN folded_because text")
    op.execute("DROP INDEX ix_incidents_tenant_id_channel_id")
    op.execute(
        "CREATE INDEX ix_incidents_tenant_id_channel_id ON incidents (tenant_id, channel_id)"
        " WHERE channel_id IS NOT NULL"
    )
    op.execute("DROP INDEX uq_incidents_open_channel")
    op.execute(
        "CREATE UNIQUE INDEX uq_incidents_open_channel ON incidents (tenant_id, channel_id)"
        " WHERE state <> 'resolved' AND channel_id IS NOT NULL"
    )
    op.execute("DROP INDEX ix_incidents_tenant_id_endpoint_id_opened_at")
    op.execute(
        "CREATE INDEX ix_incidents_tenant_id_endpoint_id_opened_at"
        " ON incidents (tenant_id, endpoint_id, opened_at) WHERE endpoint_id IS NOT NULL"
    )
