"""The tenant's ping key, and jobs that a first ping made and that wait for their commit"""

from alembic import op

from migrations.access import lookup_function, protect

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    ping_keys()
    pending()
    slugs()


def ping_keys() -> None:
    op.execute(
        """
        CREATE TABLE tenant_ping_keys (
            tenant_id uuid CONSTRAINT pk_tenant_ping_keys PRIMARY KEY
                CONSTRAINT fk_tenant_ping_keys_tenant_id REFERENCES tenants ON DELETE CASCADE,
            digest bytea NOT NULL CONSTRAINT uq_tenant_ping_keys_digest UNIQUE,
            sealed bytea NOT NULL,
            created_at timestamptz NOT NULL
        )
        """
    )
    protect("tenant_ping_keys", lookup="SELECT")


def pending() -> None:
    op.execute(
        """
        CREATE TABLE pending_jobs (
            tenant_id uuid NOT NULL CONSTRAINT fk_pending_jobs_tenant_id REFERENCES tenants ON DELETE CASCADE,
            id uuid NOT NULL,
            namespace text NOT NULL,
            name text NOT NULL,
            content text NOT NULL,
            created_at timestamptz NOT NULL,
            -- A worker has it in hand until then; one that was killed loses it by that.
            claimed_until timestamptz,
            problem text,
            CONSTRAINT pk_pending_jobs PRIMARY KEY (tenant_id, id)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX uq_pending_jobs_address ON pending_jobs (tenant_id, name, namespace)")
    op.execute(
        """
        CREATE TABLE pending_check_ins (
            tenant_id uuid NOT NULL,
            job_id uuid NOT NULL,
            -- The order they came in.
            no bigint GENERATED ALWAYS AS IDENTITY,
            received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            message bytea NOT NULL,
            CONSTRAINT pk_pending_check_ins PRIMARY KEY (tenant_id, job_id, no),
            CONSTRAINT fk_pending_check_ins_tenant_id_job_id
                FOREIGN KEY (tenant_id, job_id) REFERENCES pending_jobs ON DELETE CASCADE
        )
        """
    )
    protect("pending_jobs", scanner="SELECT, UPDATE", lookup="SELECT")
    protect("pending_check_ins")


def slugs() -> None:
    """From a tenant's ping key and a job's name to the instance that is reported, in one round trip."""
    # A slug without a namespace is looked for in all of them.
    op.execute("CREATE INDEX ix_jobs_tenant_id_name ON jobs (tenant_id, name) WHERE deleted_at IS NULL")
    for table, columns in {
        "jobs": "tenant_id, id, namespace, name, mode, deleted_at",
        "instances": "tenant_id, id, job_id, endpoint_id, retired_at",
    }.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO crontopus_lookup")
        op.execute(f"CREATE POLICY lookup ON {table} FOR SELECT TO crontopus_lookup USING (true)")
    lookup_function(
        "lookup_slug(wanted bytea, in_namespace text, job_name text)",
        "TABLE (tenant_id uuid, matches bigint, instance_id uuid, pending_id uuid)",
        """
        SELECT k.tenant_id, count(m.namespace), (array_agg(m.instance_id))[1], (array_agg(m.pending_id))[1]
        FROM tenant_ping_keys k
        LEFT JOIN LATERAL (
            SELECT coalesce(j.namespace, p.namespace) AS namespace, j.instance_id, p.id AS pending_id
            FROM (
                SELECT jobs.namespace, i.id AS instance_id
                FROM jobs JOIN instances i ON i.tenant_id = jobs.tenant_id AND i.job_id = jobs.id
                WHERE jobs.tenant_id = k.tenant_id AND jobs.name = job_name AND jobs.deleted_at IS NULL
                    AND jobs.mode = 'ping' AND i.endpoint_id IS NULL AND i.retired_at IS NULL
            ) j
            FULL JOIN (
                SELECT pending_jobs.namespace, pending_jobs.id FROM pending_jobs
                WHERE pending_jobs.tenant_id = k.tenant_id AND pending_jobs.name = job_name
            ) p ON p.namespace = j.namespace
            WHERE in_namespace IS NULL OR in_namespace = coalesce(j.namespace, p.namespace)
        ) m ON true
        WHERE k.digest = wanted
        GROUP BY k.tenant_id
        """,
    )
