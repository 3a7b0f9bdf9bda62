"""The audit log, which nobody can rewrite"""

from alembic import op

from migrations.access import protect

revision = "0012"
down_revision = "0011"

_KEPT = "400 days"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        CREATE TABLE audit_log (
            id uuid CONSTRAINT pk_audit_log PRIMARY KEY,
            tenant_id uuid,
            account_id uuid,
            at timestamptz NOT NULL,
            actor_kind text NOT NULL CONSTRAINT ck_audit_log_actor_kind
                CHECK (actor_kind IN ('user', 'endpoint', 'operator', 'system')),
            actor_id uuid,
            actor_name text NOT NULL,
            token_id uuid,
            action text NOT NULL,
            subject_kind text NOT NULL,
            subject_id text NOT NULL,
            subject_name text NOT NULL,
            before jsonb,
            after jsonb,
            address text,
            agent text,
            CONSTRAINT ck_audit_log_one_log CHECK ((tenant_id IS NULL) <> (account_id IS NULL))
        )
        """
    )
    # No foreign keys: an entry outlives the tenant, the person and the token that it names.
    op.execute(
        "CREATE INDEX ix_audit_log_tenant_id_id ON audit_log (tenant_id, id) WHERE tenant_id IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX ix_audit_log_account_id_id ON audit_log (account_id, id) WHERE account_id IS NOT NULL"
    )
    protect(
        "audit_log",
        own="tenant_id = app_tenant() OR account_id = app_user()",
        app="SELECT, INSERT",
        operator="SELECT, INSERT",
        scanner="SELECT, INSERT, DELETE",
    )
    append_only()


def append_only() -> None:
    """Even a role with the privilege, even the owner of the table, is refused; only what is old may go."""
    op.execute(
        f"""
        CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND OLD.at < now() - interval '{_KEPT}' THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log"
        " FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only()"
    )
    op.execute(
        "CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only()"
    )
