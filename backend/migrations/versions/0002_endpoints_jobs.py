"""Endpoints, the projection of tenants' repositories, instances"""

from alembic import op

from migrations.access import protect

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    endpoints()
    repositories()
    jobs()
    instances()


def endpoints() -> None:
    op.execute(
        """
        CREATE TABLE endpoints (
            tenant_id uuid NOT NULL CONSTRAINT fk_endpoints_tenant_id REFERENCES tenants ON DELETE CASCADE,
            id uuid NOT NULL,
            name text NOT NULL,
            hostname text NOT NULL,
            platform text NOT NULL,
            arch text NOT NULL,
            agent_version text NOT NULL,
            labels jsonb NOT NULL,
            machine_id text NOT NULL,
            public_key bytea NOT NULL,
            fetched_commit text,
            applied_commit text,
            spool_pending integer NOT NULL,
            clock_offset_ms bigint,
            enrolled_at timestamptz NOT NULL,
            last_seen_at timestamptz,
            revoked_at timestamptz,
            CONSTRAINT pk_endpoints PRIMARY KEY (tenant_id, id)
        )
        """
    )
    protect("endpoints", scanner="SELECT", operator="SELECT")
    op.execute(
        """
        CREATE TABLE endpoint_conditions (
            tenant_id uuid NOT NULL,
            instance_id uuid NOT NULL,
            endpoint_id uuid NOT NULL,
            job_id uuid NOT NULL,
            type text NOT NULL,
            reason text NOT NULL,
            message text NOT NULL,
            at timestamptz NOT NULL,
            CONSTRAINT pk_endpoint_conditions PRIMARY KEY (tenant_id, instance_id),
            CONSTRAINT fk_endpoint_conditions_tenant_id_endpoint_id
                FOREIGN KEY (tenant_id, endpoint_id) REFERENCES endpoints ON DELETE CASCADE
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_endpoint_conditions_tenant_id_endpoint_id ON endpoint_conditions (tenant_id, endpoint_id)"
    )
    protect("endpoint_conditions")
    op.execute(
        """
        CREATE TABLE endpoint_nonces (
            tenant_id uuid NOT NULL,
            endpoint_id uuid NOT NULL,
            nonce text NOT NULL,
            used_at timestamptz NOT NULL,
            CONSTRAINT pk_endpoint_nonces PRIMARY KEY (tenant_id, endpoint_id, nonce),
            CONSTRAINT fk_endpoint_nonces_tenant_id_endpoint_id
                FOREIGN KEY (tenant_id, endpoint_id) REFERENCES endpoints ON DELETE CASCADE
        )
        """
    )
    protect("endpoint_nonces")
    op.execute(
        "ALTER TABLE tokens ADD CONSTRAINT fk_tokens_tenant_id_endpoint_id"
        " FOREIGN KEY (tenant_id, endpoint_id) REFERENCES endpoints ON DELETE CASCADE"
    )


def repositories() -> None:
    op.execute(
        """
        CREATE TABLE repositories (
            tenant_id uuid CONSTRAINT pk_repositories PRIMARY KEY
                CONSTRAINT fk_repositories_tenant_id REFERENCES tenants ON DELETE CASCADE,
            slug text NOT NULL CONSTRAINT uq_repositories_slug UNIQUE,
            ready_at timestamptz,
            projected_commit text,
            projected_at timestamptz
        )
        """
    )
    protect("repositories", scanner="SELECT", operator="SELECT")
    op.execute(
        """
        CREATE TABLE git_intents (
            tenant_id uuid NOT NULL CONSTRAINT fk_git_intents_tenant_id REFERENCES tenants ON DELETE CASCADE,
            id uuid NOT NULL,
            author_name text NOT NULL,
            author_email text NOT NULL,
            message text NOT NULL,
            edits jsonb NOT NULL,
            expect jsonb NOT NULL,
            state text NOT NULL CONSTRAINT ck_git_intents_state CHECK (state IN ('pending', 'done', 'refused')),
            commit_id text,
            created_at timestamptz NOT NULL,
            finished_at timestamptz,
            CONSTRAINT pk_git_intents PRIMARY KEY (tenant_id, id)
        )
        """
    )
    op.execute("CREATE INDEX ix_git_intents_pending ON git_intents (created_at) WHERE state = 'pending'")
    protect("git_intents", scanner="SELECT")


def jobs() -> None:
    op.execute(
        """
        CREATE TABLE jobs (
            tenant_id uuid NOT NULL CONSTRAINT fk_jobs_tenant_id REFERENCES tenants ON DELETE CASCADE,
            id uuid NOT NULL,
            namespace text NOT NULL,
            name text NOT NULL,
            path text NOT NULL,
            mode text NOT NULL CONSTRAINT ck_jobs_mode CHECK (mode IN ('agent', 'ping')),
            manifest jsonb NOT NULL,
            source text NOT NULL,
            labels jsonb NOT NULL,
            schedule text[] NOT NULL,
            timezone text NOT NULL,
            enabled boolean NOT NULL,
            paused boolean NOT NULL,
            blob_id text NOT NULL,
            commit_id text NOT NULL,
            errors jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            deleted_at timestamptz,
            CONSTRAINT pk_jobs PRIMARY KEY (tenant_id, id)
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_jobs_address ON jobs (tenant_id, namespace, name) WHERE deleted_at IS NULL"
    )
    protect("jobs", ingest="SELECT", scanner="SELECT", operator="SELECT")
    op.execute(
        """
        CREATE TABLE job_ping_keys (
            tenant_id uuid NOT NULL,
            job_id uuid NOT NULL,
            digest bytea NOT NULL CONSTRAINT uq_job_ping_keys_digest UNIQUE,
            sealed bytea NOT NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_job_ping_keys PRIMARY KEY (tenant_id, job_id),
            CONSTRAINT fk_job_ping_keys_tenant_id_job_id
                FOREIGN KEY (tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
        )
        """
    )
    protect("job_ping_keys", ingest="SELECT")


def instances() -> None:
    op.execute(
        """
        CREATE TABLE instances (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            job_id uuid NOT NULL,
            endpoint_id uuid,
            expectation jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            retired_at timestamptz,
            CONSTRAINT pk_instances PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk_instances_tenant_id_job_id
                FOREIGN KEY (tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE,
            CONSTRAINT fk_instances_tenant_id_endpoint_id
                FOREIGN KEY (tenant_id, endpoint_id) REFERENCES endpoints ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX ix_instances_tenant_id_job_id ON instances (tenant_id, job_id)")
    op.execute("CREATE INDEX ix_instances_tenant_id_endpoint_id ON instances (tenant_id, endpoint_id)")
    protect("instances", ingest="SELECT", scanner="SELECT", operator="SELECT")
    # The hot row: narrow, and with room on its page so that updates need not touch an index.
    op.execute(
        """
        CREATE TABLE instance_status (
            tenant_id uuid NOT NULL,
            instance_id uuid NOT NULL,
            state text NOT NULL CONSTRAINT ck_instance_status_state CHECK (state IN (
                'new', 'healthy', 'running', 'late', 'missed', 'failing', 'stuck', 'paused')),
            since timestamptz NOT NULL,
            version bigint NOT NULL,
            due_at timestamptz,
            deadline_at timestamptz,
            last_seen_at timestamptz,
            failures integer NOT NULL,
            successes integer NOT NULL,
            open_runs jsonb NOT NULL,
            last_run_id uuid,
            last_run_state text,
            last_run_started_at timestamptz,
            last_run_finished_at timestamptz,
            last_run_duration_ms bigint,
            last_run_exit_code integer,
            CONSTRAINT pk_instance_status PRIMARY KEY (tenant_id, instance_id),
            CONSTRAINT fk_instance_status_tenant_id_instance_id
                FOREIGN KEY (tenant_id, instance_id) REFERENCES instances ON DELETE CASCADE
        ) WITH (fillfactor = 50)
        """
    )
    op.execute(
        "CREATE INDEX ix_instance_status_deadline_at ON instance_status (deadline_at) WHERE deadline_at IS NOT NULL"
    )
    protect("instance_status", ingest="SELECT, UPDATE", scanner="SELECT, UPDATE", operator="SELECT")
