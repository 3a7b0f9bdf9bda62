"""Copies of an endpoint are told apart; what happens to endpoints is kept; signing keys name their successor"""

from alembic import op

from migrations.access import protect

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        ALTER TABLE endpoints
            ADD COLUMN generation bigint NOT NULL DEFAULT 0,
            ADD COLUMN generation_floor bigint NOT NULL DEFAULT 0,
            ADD COLUMN generation_mark text,
            ADD COLUMN generation_mark_before text,
            ADD COLUMN offline_since timestamptz,
            ADD COLUMN locked_at timestamptz,
            ADD COLUMN lock_reason text
        """
    )
    op.execute("CREATE INDEX ix_endpoints_tenant_id_machine_id ON endpoints (tenant_id, machine_id)")
    # The watch over all tenants looks for the silent ones only.
    op.execute(
        "CREATE INDEX ix_endpoints_last_seen_at ON endpoints (last_seen_at)"
        " WHERE revoked_at IS NULL AND offline_since IS NULL"
    )
    events()
    op.execute("ALTER TABLE retired_signers ADD COLUMN successor text, ADD COLUMN signature text")


def events() -> None:
    op.execute(
        """
        CREATE TABLE endpoint_events (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            endpoint_id uuid NOT NULL,
            kind text NOT NULL,
            reason text NOT NULL,
            message text NOT NULL,
            job_id uuid,
            instance_id uuid,
            at timestamptz NOT NULL,
            claimed_at timestamptz,
            CONSTRAINT pk_endpoint_events PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk_endpoint_events_tenant_id_endpoint_id
                FOREIGN KEY (tenant_id, endpoint_id) REFERENCES endpoints ON DELETE CASCADE
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_endpoint_events_tenant_id_endpoint_id_id ON endpoint_events (tenant_id, endpoint_id, id)"
    )
    op.execute("CREATE INDEX ix_endpoint_events_at ON endpoint_events (at)")
    op.execute(
        "CREATE INDEX ix_endpoint_events_unclaimed ON endpoint_events (tenant_id, endpoint_id, id)"
        " WHERE claimed_at IS NULL"
    )
    protect("endpoint_events", scanner="SELECT, UPDATE (claimed_at), DELETE")
