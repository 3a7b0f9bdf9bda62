"""Status at full width: retracted misses, our own outages, warnings; what else a run tells of itself"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    status()
    runs()
    heartbeats()
    scanner()


def status() -> None:
    op.execute(
        """
        ALTER TABLE instance_status
            -- The oldest slot called missed that nobody has answered yet.
            ADD COLUMN missed_slot_at timestamptz,
            -- We could not be reached until then: what is due is given that much more time.
            ADD COLUMN excused_until timestamptz,
            -- How long runs usually take, from the daily rollups.
            ADD COLUMN usual_ms bigint,
            ADD COLUMN usual_runs integer NOT NULL DEFAULT 0,
            ADD COLUMN warnings jsonb NOT NULL DEFAULT '[]',
            -- Counts the changes of the expectation, so that whoever remembers the row sees that it is another.
            ADD COLUMN expectation_no integer NOT NULL DEFAULT 0
        """
    )
    # Lateness is read off the clock, never stored.
    op.execute("ALTER TABLE instance_status DROP CONSTRAINT ck_instance_status_state")
    op.execute(
        "ALTER TABLE instance_status ADD CONSTRAINT ck_instance_status_state CHECK (state IN"
        " ('new', 'healthy', 'running', 'missed', 'failing', 'stuck', 'paused'))"
    )


def runs() -> None:
    op.execute("ALTER TABLE runs ADD COLUMN host text, ADD COLUMN environment text, ADD COLUMN metrics jsonb")


def heartbeats() -> None:
    """Every process that takes check-ins says that it can store them; silence of all of them is our outage."""
    op.execute(
        """
        CREATE TABLE ingest_heartbeats (
            process_id uuid CONSTRAINT pk_ingest_heartbeats PRIMARY KEY,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE ingest_outages (
            id uuid CONSTRAINT pk_ingest_outages PRIMARY KEY,
            began_at timestamptz NOT NULL,
            ended_at timestamptz NOT NULL
        )
        """
    )
    # Of no tenant: row-level security has nothing to tell apart here.
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ingest_heartbeats TO crontopus_ingest, crontopus_scanner"
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON ingest_outages TO crontopus_scanner")
    op.execute("GRANT SELECT ON ingest_outages TO crontopus_app, crontopus_ingest")
    op.execute("GRANT SELECT ON ingest_heartbeats, ingest_outages TO crontopus_operator")


def scanner() -> None:
    """Deadlines are written by the statement that check-ins are written by."""
    op.execute("CREATE POLICY scanner ON run_outputs TO crontopus_scanner USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON run_outputs TO crontopus_scanner")
    op.execute("GRANT INSERT ON run_keys TO crontopus_scanner")
