"""Deliveries wait for the end of quiet hours; incidents are told of again, and to further channels"""

from alembic import op

from migrations.access import protect

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    deliveries()
    reminders()


def deliveries() -> None:
    op.execute(
        """
        ALTER TABLE deliveries
            ADD COLUMN held text,
            DROP CONSTRAINT ck_deliveries_event,
            ADD CONSTRAINT ck_deliveries_event
                CHECK (event IN ('opened', 'acknowledged', 'resolved', 'reminded')) NOT VALID
        """
    )
    # What is there satisfied the narrower one.
    op.execute("ALTER TABLE deliveries VALIDATE CONSTRAINT ck_deliveries_event")
    op.execute(
        "CREATE INDEX ix_deliveries_held ON deliveries (next_at) WHERE state = 'pending' AND held IS NOT NULL"
    )
    op.execute("CREATE POLICY scanner ON deliveries TO crontopus_scanner USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT ON deliveries TO crontopus_scanner")


def reminders() -> None:
    op.execute(
        """
        CREATE TABLE reminders (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            incident_id uuid NOT NULL,
            kind text NOT NULL CONSTRAINT ck_reminders_kind CHECK (kind IN ('repeat', 'escalate', 'snooze')),
            due_at timestamptz NOT NULL,
            step integer NOT NULL,
            route text,
            channels uuid[] NOT NULL,
            every_seconds integer,
            CONSTRAINT pk_reminders PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk_reminders_tenant_id_incident_id
                FOREIGN KEY (tenant_id, incident_id) REFERENCES incidents ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX ix_reminders_due_at ON reminders (due_at)")
    op.execute("CREATE INDEX ix_reminders_tenant_id_incident_id ON reminders (tenant_id, incident_id)")
    protect("reminders", scanner="SELECT")
