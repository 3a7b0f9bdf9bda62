"""Deliveries that wait for a target are found by it."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "CREATE INDEX ix_deliveries_waiting ON deliveries (tenant_id, channel, target, id) WHERE state = 'pending'"
    )
