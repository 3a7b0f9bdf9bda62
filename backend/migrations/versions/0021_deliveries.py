"""Deliveries go to channels, remember the message they went in, and each attempt at it"""

from alembic import op

from migrations.access import every_row, protect

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    deliveries()
    attempts()


def deliveries() -> None:
    # `channel`, the kind, stays: processes of the version before read and write it.
    op.execute(
        """
        ALTER TABLE deliveries
            ADD COLUMN channel_id uuid,
            ADD COLUMN message_id uuid,
            ADD COLUMN receipt jsonb,
            ADD COLUMN next_at timestamptz,
            ADD COLUMN expires_at timestamptz,
            DROP CONSTRAINT ck_deliveries_event,
            ADD CONSTRAINT ck_deliveries_event CHECK (event IN ('opened', 'acknowledged', 'resolved')),
            ADD CONSTRAINT fk_deliveries_tenant_id_channel_id FOREIGN KEY (tenant_id, channel_id)
                REFERENCES channels ON DELETE SET NULL (channel_id)
        """
    )
    with every_row("deliveries", "channels"):
        op.execute(
            """
            UPDATE deliveries d SET channel_id = c.id FROM channels c
            WHERE c.tenant_id = d.tenant_id AND c.builtin AND d.channel = 'email'
            """
        )
    op.execute(
        "CREATE INDEX ix_deliveries_queue ON deliveries (tenant_id, channel_id, target, id) WHERE state = 'pending'"
    )
    op.execute("CREATE INDEX ix_deliveries_tenant_id_channel_id ON deliveries (tenant_id, channel_id, id)")
    op.execute("CREATE INDEX ix_deliveries_tenant_id_message_id ON deliveries (tenant_id, message_id)")


def attempts() -> None:
    op.execute(
        """
        CREATE TABLE delivery_attempts (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            channel_id uuid NOT NULL,
            target text NOT NULL,
            message_id uuid NOT NULL,
            size integer NOT NULL,
            at timestamptz NOT NULL,
            took_ms integer NOT NULL,
            ok boolean NOT NULL,
            status integer,
            response text,
            error text,
            CONSTRAINT pk_delivery_attempts PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk_delivery_attempts_tenant_id_channel_id
                FOREIGN KEY (tenant_id, channel_id) REFERENCES channels ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX ix_delivery_attempts_message ON delivery_attempts (tenant_id, message_id, at)")
    op.execute(
        "CREATE INDEX ix_delivery_attempts_recent ON delivery_attempts (tenant_id, channel_id, target, at)"
    )
    op.execute("CREATE INDEX ix_delivery_attempts_at ON delivery_attempts (at)")
    protect("delivery_attempts", scanner="SELECT, DELETE")
