"""The history of runs: found quickly however long it is, kept as long as the plan says, counted by the day"""

from alembic import op

from migrations.access import protect

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    indices()
    retention()
    rollups()


def indices() -> None:
    """By id, by endpoint, and by what went wrong. Successes are nearly all there is: no index helps to find them."""
    op.execute("CREATE INDEX ix_runs_id ON runs (id)")
    op.execute(
        "CREATE INDEX ix_runs_tenant_id_endpoint_id_partition_at_id"
        " ON runs (tenant_id, endpoint_id, partition_at, id) WHERE endpoint_id IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX ix_runs_tenant_id_state_partition_at_id ON runs (tenant_id, state, partition_at, id)"
        " WHERE state <> 'success'"
    )


def retention() -> None:
    """Old rows leave in batches, by the role that works across tenants."""
    op.execute("GRANT DELETE ON runs, run_outputs TO crontopus_scanner")
    # Nobody reaches a partition but through its table; what waits in the default one has to be seen, though.
    for table in ("runs_default", "run_outputs_default"):
        op.execute(f"CREATE POLICY scanner ON {table} FOR SELECT TO crontopus_scanner USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO crontopus_scanner")
    op.execute("CREATE INDEX ix_status_changes_recorded_at ON status_changes USING brin (recorded_at)")


def rollups() -> None:
    op.execute(
        """
        CREATE TABLE run_rollups (
            tenant_id uuid NOT NULL,
            day date NOT NULL,
            instance_id uuid NOT NULL,
            job_id uuid NOT NULL,
            endpoint_id uuid,
            runs integer NOT NULL,
            successes integer NOT NULL,
            failures integer NOT NULL,
            timeouts integer NOT NULL,
            lost integer NOT NULL,
            missed integer NOT NULL,
            skipped integer NOT NULL,
            p50_ms bigint,
            p95_ms bigint,
            CONSTRAINT pk_run_rollups PRIMARY KEY (tenant_id, day, instance_id)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_run_rollups_tenant_id_instance_id_day ON run_rollups (tenant_id, instance_id, day)"
    )
    protect("run_rollups", app="SELECT", scanner="SELECT, INSERT, UPDATE, DELETE")
    # How far runs have been counted. Of no tenant: row-level security has nothing to tell apart here.
    op.execute(
        """
        CREATE TABLE rollup_marks (
            name text CONSTRAINT pk_rollup_marks PRIMARY KEY,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON rollup_marks TO crontopus_scanner")
