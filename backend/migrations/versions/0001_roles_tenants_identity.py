"""Roles, the queue, tenants, people and tokens"""

from alembic import op
from procrastinate import App, PsycopgConnector
from procrastinate.schema import SchemaManager

from migrations.access import ROLES, lookup_function, protect

revision = "0001"
down_revision = None


def upgrade() -> None:
    roles()
    queue()
    tenants()
    tokens()
    operators()
    lookups()


def roles() -> None:
    for role in ROLES:
        # Roles belong to the cluster, so another database on it may have made them already.
        op.execute(
            f"""
            DO $$ BEGIN
                CREATE ROLE {role} NOLOGIN NOBYPASSRLS;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
            """
        )
        op.execute(f"GRANT {role} TO CURRENT_USER")
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    # ALTER FUNCTION … OWNER TO asks that the new owner could have created it itself.
    op.execute("GRANT CREATE ON SCHEMA public TO crontopus_lookup")
    op.execute(
        """
        CREATE FUNCTION app_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
        RETURN nullif(current_setting('app.tenant_id', true), '')::uuid
        """
    )
    op.execute(
        """
        CREATE FUNCTION app_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
        RETURN nullif(current_setting('app.user_id', true), '')::uuid
        """
    )


def queue() -> None:
    """Procrastinate's own schema, as the locked version ships it.

    When a later version ships a schema migration, run that file from a new revision here.
    """
    schema = SchemaManager(connector=App(connector=PsycopgConnector()).connector).get_schema()
    op.get_bind().exec_driver_sql(schema.replace("%", "%%"))
    for table in ("jobs", "periodic_defers", "events", "workers"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_{table} TO crontopus_queue")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO crontopus_queue")
    # Deferring inside a tenant's transaction inserts a job and, by trigger, its event; no more.
    op.execute(
        "GRANT SELECT, INSERT ON procrastinate_jobs, procrastinate_events TO crontopus_app, crontopus_scanner"
    )
    op.execute(
        "GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq"
        " TO crontopus_app, crontopus_scanner"
    )
    op.execute("GRANT SELECT ON procrastinate_jobs, procrastinate_workers TO crontopus_operator")


def tenants() -> None:
    op.execute(
        """
        CREATE TABLE tenants (
            id uuid CONSTRAINT pk_tenants PRIMARY KEY,
            slug text NOT NULL CONSTRAINT uq_tenants_slug UNIQUE,
            name text NOT NULL,
            plan text NOT NULL,
            created_at timestamptz NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE users (
            id uuid CONSTRAINT pk_users PRIMARY KEY,
            username text NOT NULL CONSTRAINT uq_users_username UNIQUE,
            email text NOT NULL,
            password_hash text NOT NULL,
            created_at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX uq_users_email ON users (lower(email))")
    op.execute(
        """
        CREATE TABLE memberships (
            tenant_id uuid NOT NULL CONSTRAINT fk_memberships_tenant_id REFERENCES tenants ON DELETE CASCADE,
            user_id uuid NOT NULL CONSTRAINT fk_memberships_user_id REFERENCES users ON DELETE CASCADE,
            role text NOT NULL CONSTRAINT ck_memberships_role CHECK (role IN ('owner', 'admin', 'editor', 'viewer')),
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_memberships PRIMARY KEY (tenant_id, user_id)
        )
        """
    )
    op.execute("CREATE INDEX ix_memberships_user_id ON memberships (user_id)")
    protect("memberships", own="tenant_id = app_tenant() OR user_id = app_user()", operator="SELECT")
    protect(
        "tenants",
        own="id = app_tenant() OR id IN (SELECT tenant_id FROM memberships WHERE user_id = app_user())",
        scanner="SELECT",
        operator="SELECT",
    )
    protect(
        "users",
        own="id = app_user() OR id IN (SELECT user_id FROM memberships WHERE tenant_id = app_tenant())",
        check="id = app_user()",
        operator="SELECT",
    )


def tokens() -> None:
    op.execute(
        """
        CREATE TABLE tokens (
            tenant_id uuid NOT NULL CONSTRAINT fk_tokens_tenant_id REFERENCES tenants ON DELETE CASCADE,
            id uuid NOT NULL,
            kind text NOT NULL
                CONSTRAINT ck_tokens_kind CHECK (kind IN ('user', 'session', 'endpoint', 'enrollment')),
            user_id uuid CONSTRAINT fk_tokens_user_id REFERENCES users ON DELETE CASCADE,
            endpoint_id uuid,
            name text NOT NULL,
            hint text NOT NULL,
            digest bytea NOT NULL CONSTRAINT uq_tokens_digest UNIQUE,
            scopes text[] NOT NULL,
            labels jsonb NOT NULL,
            uses_left integer,
            replaces_id uuid,
            created_at timestamptz NOT NULL,
            expires_at timestamptz,
            last_used_at timestamptz,
            revoked_at timestamptz,
            CONSTRAINT pk_tokens PRIMARY KEY (tenant_id, id)
        )
        """
    )
    op.execute("CREATE INDEX ix_tokens_tenant_id_endpoint_id ON tokens (tenant_id, endpoint_id)")
    protect("tokens")


def operators() -> None:
    op.execute(
        """
        CREATE TABLE operators (
            id uuid CONSTRAINT pk_operators PRIMARY KEY,
            username text NOT NULL CONSTRAINT uq_operators_username UNIQUE,
            password_hash text NOT NULL,
            created_at timestamptz NOT NULL
        )
        """
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON operators TO crontopus_operator")


def lookups() -> None:
    for table, columns in {
        "tokens": "*",
        "tenants": "id, slug",
        "memberships": "tenant_id, user_id, role",
        "users": "id, username, email, password_hash",
    }.items():
        grant = "SELECT" if columns == "*" else f"SELECT ({columns})"
        op.execute(f"GRANT {grant} ON {table} TO crontopus_lookup")
        op.execute(f"CREATE POLICY lookup ON {table} FOR SELECT TO crontopus_lookup USING (true)")
    lookup_function(
        "lookup_token(wanted bytea)",
        "TABLE (tenant_id uuid, tenant_slug text, token_id uuid, kind text, user_id uuid, endpoint_id uuid,"
        " scopes text[], role text, expires_at timestamptz, last_used_at timestamptz, revoked_at timestamptz)",
        """
        SELECT t.tenant_id, n.slug, t.id, t.kind, t.user_id, t.endpoint_id,
               t.scopes, m.role, t.expires_at, t.last_used_at, t.revoked_at
        FROM tokens t
        JOIN tenants n ON n.id = t.tenant_id
        LEFT JOIN memberships m ON m.tenant_id = t.tenant_id AND m.user_id = t.user_id
        WHERE t.digest = wanted
        """,
    )
    lookup_function(
        "lookup_login(wanted text)",
        "TABLE (user_id uuid, password_hash text)",
        "SELECT id, password_hash FROM users WHERE username = lower(wanted) OR lower(email) = lower(wanted) LIMIT 1",
    )
