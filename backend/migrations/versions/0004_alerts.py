"""Incidents and deliveries"""

from alembic import op

from migrations.access import protect

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    incidents()
    deliveries()


def incidents() -> None:
    op.execute(
        """
        CREATE TABLE incidents (
            tenant_id uuid NOT NULL CONSTRAINT fk_incidents_tenant_id REFERENCES tenants ON DELETE CASCADE,
            id uuid NOT NULL,
            kind text NOT NULL,
            state text NOT NULL CONSTRAINT ck_incidents_state CHECK (state IN ('open', 'resolved')),
            severity text NOT NULL,
            title text NOT NULL,
            cause text,
            instance_id uuid,
            job_id uuid,
            endpoint_id uuid,
            opened_at timestamptz NOT NULL,
            resolved_at timestamptz,
            CONSTRAINT pk_incidents PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk_incidents_tenant_id_instance_id
                FOREIGN KEY (tenant_id, instance_id) REFERENCES instances ON DELETE CASCADE
        )
        """
    )
    # One open incident per instance: a job that is missed and then fails is one problem, not two.
    op.execute(
        "CREATE UNIQUE INDEX uq_incidents_open ON incidents (tenant_id, instance_id) WHERE state <> 'resolved'"
    )
    op.execute("CREATE INDEX ix_incidents_tenant_id_opened_at_id ON incidents (tenant_id, opened_at, id)")
    protect("incidents", operator="SELECT")
    op.execute(
        """
        CREATE TABLE incident_events (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            incident_id uuid NOT NULL,
            at timestamptz NOT NULL,
            kind text NOT NULL,
            message text NOT NULL,
            CONSTRAINT pk_incident_events PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk_incident_events_tenant_id_incident_id
                FOREIGN KEY (tenant_id, incident_id) REFERENCES incidents ON DELETE CASCADE
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_incident_events_tenant_id_incident_id_at ON incident_events (tenant_id, incident_id, at)"
    )
    protect("incident_events")


def deliveries() -> None:
    op.execute(
        """
        CREATE TABLE deliveries (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            incident_id uuid NOT NULL,
            event text NOT NULL CONSTRAINT ck_deliveries_event CHECK (event IN ('opened', 'resolved')),
            channel text NOT NULL,
            target text NOT NULL,
            state text NOT NULL CONSTRAINT ck_deliveries_state CHECK (state IN ('pending', 'sent', 'failed')),
            attempts integer NOT NULL,
            last_error text,
            created_at timestamptz NOT NULL,
            sent_at timestamptz,
            CONSTRAINT pk_deliveries PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk_deliveries_tenant_id_incident_id
                FOREIGN KEY (tenant_id, incident_id) REFERENCES incidents ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX ix_deliveries_tenant_id_incident_id ON deliveries (tenant_id, incident_id)")
    protect("deliveries", operator="SELECT")
