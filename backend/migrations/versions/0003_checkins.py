"""Runs, their output, and the changes of status they cause"""

from alembic import op

from migrations.access import protect

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    runs()
    run_keys()
    status_changes()


def runs() -> None:
    # No foreign keys on the check-in tables: they would double the writes of the hottest path, and a
    # run outlives its job. Rows of a deleted tenant go with the partitions' retention task.
    op.execute(
        """
        CREATE TABLE runs (
            tenant_id uuid NOT NULL,
            partition_at timestamptz NOT NULL,
            id uuid NOT NULL,
            instance_id uuid NOT NULL,
            job_id uuid NOT NULL,
            endpoint_id uuid,
            state text NOT NULL CONSTRAINT ck_runs_state CHECK (state IN (
                'running', 'success', 'failure', 'timeout', 'skipped', 'lost', 'missed')),
            source text NOT NULL,
            slot_at timestamptz,
            started_at timestamptz,
            finished_at timestamptz,
            duration_ms bigint,
            exit_code integer,
            commit_id text,
            message text,
            output_bytes integer,
            output_total_bytes bigint,
            output_truncated boolean NOT NULL,
            CONSTRAINT pk_runs PRIMARY KEY (tenant_id, partition_at, id)
        ) PARTITION BY RANGE (partition_at)
        """
    )
    op.execute(
        "CREATE INDEX ix_runs_tenant_id_job_id_partition_at_id ON runs (tenant_id, job_id, partition_at, id)"
    )
    op.execute(
        """
        CREATE TABLE run_outputs (
            tenant_id uuid NOT NULL,
            partition_at timestamptz NOT NULL,
            run_id uuid NOT NULL,
            content bytea NOT NULL,
            CONSTRAINT pk_run_outputs PRIMARY KEY (tenant_id, partition_at, run_id)
        ) PARTITION BY RANGE (partition_at)
        """
    )
    # Already compressed by the app.
    op.execute("ALTER TABLE run_outputs ALTER COLUMN content SET STORAGE EXTERNAL")
    protect("runs", ingest="SELECT, INSERT, UPDATE", scanner="SELECT, INSERT, UPDATE", operator="SELECT")
    protect("run_outputs", ingest="SELECT, INSERT, UPDATE")
    for table in ("runs", "run_outputs"):
        # Catches rows of any month whose own partition is not there yet, so that no check-in is refused.
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
        op.execute(f"ALTER TABLE {table}_default ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table}_default FORCE ROW LEVEL SECURITY")


def run_keys() -> None:
    """Every message's id and every sender's run id: finds a run again, and a message seen before."""
    op.execute(
        """
        CREATE TABLE run_keys (
            tenant_id uuid NOT NULL,
            instance_id uuid NOT NULL,
            key uuid NOT NULL,
            run_id uuid NOT NULL,
            partition_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_run_keys PRIMARY KEY (tenant_id, instance_id, key)
        )
        """
    )
    op.execute("CREATE INDEX ix_run_keys_created_at ON run_keys USING brin (created_at)")
    protect("run_keys", app="SELECT", ingest="SELECT, INSERT", scanner="SELECT, DELETE")


def status_changes() -> None:
    op.execute(
        """
        CREATE TABLE status_changes (
            tenant_id uuid NOT NULL,
            instance_id uuid NOT NULL,
            version bigint NOT NULL,
            job_id uuid NOT NULL,
            endpoint_id uuid,
            from_state text NOT NULL,
            to_state text NOT NULL,
            reason text NOT NULL,
            run_id uuid,
            at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            claimed_at timestamptz,
            CONSTRAINT pk_status_changes PRIMARY KEY (tenant_id, instance_id, version)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_status_changes_unclaimed ON status_changes (recorded_at) WHERE claimed_at IS NULL"
    )
    protect(
        "status_changes",
        app="SELECT, INSERT",
        ingest="SELECT, INSERT",
        scanner="SELECT, INSERT, UPDATE, DELETE",
        operator="SELECT",
    )
