"""Invitations; tenants that are going to be deleted; what only owners may"""

from alembic import op

from migrations.access import protect

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # When it ends, if somebody asked for that; and since when it is being taken apart: from there on is no way back.
    op.execute("ALTER TABLE tenants ADD COLUMN delete_at timestamptz, ADD COLUMN purging_at timestamptz")
    op.execute("CREATE INDEX ix_tenants_delete_at ON tenants (delete_at) WHERE delete_at IS NOT NULL")
    # Only when nothing of a tenant is left does its row go, and with that its slug is free again.
    invitations()
    owners()


def invitations() -> None:
    op.execute(
        """
        CREATE TABLE invitations (
            tenant_id uuid NOT NULL CONSTRAINT fk_invitations_tenant_id REFERENCES tenants ON DELETE CASCADE,
            id uuid NOT NULL,
            email text NOT NULL,
            role text NOT NULL CONSTRAINT ck_invitations_role CHECK (role IN ('owner', 'admin', 'editor', 'viewer')),
            invited_by uuid CONSTRAINT fk_invitations_invited_by REFERENCES users ON DELETE SET NULL,
            invited_by_name text NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            sent_at timestamptz,
            problem text,
            CONSTRAINT pk_invitations PRIMARY KEY (tenant_id, id)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX uq_invitations_email ON invitations (tenant_id, lower(email))")
    protect("invitations")


def owners() -> None:
    """Administering and owning were one scope: whoever had it had both."""
    # The owner of the table sees no row of it while row-level security is forced on it.
    op.execute("ALTER TABLE tokens NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE tokens SET scopes = scopes || 'tenant:owner'::text"
        " WHERE kind IN ('user', 'session') AND 'tenant:admin' = ANY(scopes)"
    )
    op.execute("ALTER TABLE tokens FORCE ROW LEVEL SECURITY")
