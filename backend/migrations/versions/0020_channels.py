"""Channels: where notifications go. Every tenant gets the one that reaches its owners"""

from uuid import uuid5

import sqlalchemy as sa
from alembic import op

from migrations.access import every_row, protect

revision = "0020"
down_revision = "0019"

_KINDS = "'email', 'slack', 'slack_webhook', 'pagerduty', 'webhook', 'teams', 'discord', 'telegram', 'ntfy', 'opsgenie'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    channels()
    owners()


def channels() -> None:
    op.execute(
        f"""
        CREATE TABLE channels (
            tenant_id uuid NOT NULL CONSTRAINT fk_channels_tenant_id REFERENCES tenants ON DELETE CASCADE,
            id uuid NOT NULL,
            name text NOT NULL,
            kind text NOT NULL CONSTRAINT ck_channels_kind CHECK (kind IN ({_KINDS})),
            builtin boolean NOT NULL,
            is_default boolean NOT NULL,
            per_minute integer NOT NULL,
            target text NOT NULL,
            config jsonb NOT NULL,
            secret bytea,
            verified text[] NOT NULL,
            unsubscribed text[] NOT NULL,
            state text NOT NULL CONSTRAINT ck_channels_state CHECK (state IN ('unverified', 'ready', 'broken')),
            problem text,
            verified_at timestamptz,
            failures integer NOT NULL,
            failing_since timestamptz,
            open_until timestamptz,
            created_by uuid CONSTRAINT fk_channels_created_by REFERENCES users ON DELETE SET NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_channels PRIMARY KEY (tenant_id, id)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX uq_channels_name ON channels (tenant_id, lower(name))")
    op.execute("CREATE INDEX ix_channels_created_by ON channels (created_by)")


def owners() -> None:
    """From the first minute there is somebody to tell, in tenants that are older than this as well."""
    connection = op.get_bind()
    with every_row("tenants"):
        tenants = connection.execute(sa.text("SELECT id FROM tenants")).scalars().all()
    insert = sa.text(
        """
        INSERT INTO channels (tenant_id, id, name, kind, builtin, is_default, per_minute, target, config, verified,
            unsubscribed, state, failures, created_at, verified_at)
        VALUES (:tenant, :id, 'Owners', 'email', true, true, 20, 'owners',
            '{"kind": "email", "to": [], "owners": true}', '{}', '{}', 'ready', 0, now(), now())
        """
    )
    if tenants:
        connection.execute(
            insert, [{"tenant": tenant, "id": uuid5(tenant, "owners-channel")} for tenant in tenants]
        )
    protect("channels", operator="SELECT")
