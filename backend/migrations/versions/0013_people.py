"""People: verified addresses, second factors, single sign-on, sessions across tenants"""

from alembic import op

from migrations.access import lookup_function, protect

revision = "0013"
down_revision = "0012"

_OWN = "user_id = app_user()"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    users()
    second_factors()
    identities()
    sessions()
    lookups()


def users() -> None:
    op.execute(
        """
        ALTER TABLE users
            ALTER COLUMN password_hash DROP NOT NULL,
            ADD COLUMN email_verified_at timestamptz,
            ADD COLUMN pending boolean NOT NULL DEFAULT false,
            ADD COLUMN new_email text
        """
    )
    # Any number of people may claim an address; it belongs to the one who proves it. Were a claim refused, the
    # answer would tell who has an account here.
    op.execute("DROP INDEX uq_users_email")
    op.execute("CREATE UNIQUE INDEX uq_users_email ON users (lower(email)) WHERE NOT pending")
    op.execute("CREATE INDEX ix_users_pending_email ON users (lower(email)) WHERE pending")
    # The worker takes away registrations that nobody confirmed, and can see no others.
    op.execute("CREATE POLICY scanner ON users TO crontopus_scanner USING (pending)")
    op.execute("GRANT SELECT (id, pending, created_at), DELETE ON users TO crontopus_scanner")


def second_factors() -> None:
    op.execute(
        """
        CREATE TABLE second_factors (
            user_id uuid CONSTRAINT pk_second_factors PRIMARY KEY
                CONSTRAINT fk_second_factors_user_id REFERENCES users ON DELETE CASCADE,
            secret bytea NOT NULL,
            created_at timestamptz NOT NULL,
            confirmed_at timestamptz,
            last_step bigint NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE recovery_codes (
            user_id uuid NOT NULL CONSTRAINT fk_recovery_codes_user_id REFERENCES users ON DELETE CASCADE,
            digest bytea NOT NULL,
            CONSTRAINT pk_recovery_codes PRIMARY KEY (user_id, digest)
        )
        """
    )
    protect("second_factors", own=_OWN)
    protect("recovery_codes", own=_OWN)


def identities() -> None:
    op.execute(
        """
        CREATE TABLE user_identities (
            issuer text NOT NULL,
            subject text NOT NULL,
            user_id uuid NOT NULL CONSTRAINT fk_user_identities_user_id REFERENCES users ON DELETE CASCADE,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_user_identities PRIMARY KEY (issuer, subject)
        )
        """
    )
    op.execute("CREATE INDEX ix_user_identities_user_id ON user_identities (user_id)")
    protect("user_identities", own=_OWN)


def sessions() -> None:
    op.execute("ALTER TABLE tokens ADD COLUMN address text")
    op.execute("CREATE INDEX ix_tokens_user_id ON tokens (user_id) WHERE kind = 'session'")
    # A person has sessions in several tenants, and sees and ends all of them from any. None is made this way.
    own = f"kind = 'session' AND {_OWN}"
    op.execute(f"CREATE POLICY own_sessions_read ON tokens FOR SELECT TO crontopus_app USING ({own})")
    op.execute(
        f"CREATE POLICY own_sessions_end ON tokens FOR UPDATE TO crontopus_app USING ({own}) WITH CHECK ({own})"
    )


def lookups() -> None:
    """`lookup_token` and `lookup_login` stay for processes of the version before; a later migration drops them."""
    op.execute("GRANT SELECT (pending) ON users TO crontopus_lookup")
    for table, columns in {
        "endpoints": "tenant_id, id, name",
        "user_identities": "issuer, subject, user_id",
    }.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO crontopus_lookup")
        op.execute(f"CREATE POLICY lookup ON {table} FOR SELECT TO crontopus_lookup USING (true)")
    lookup_function(
        "lookup_bearer(wanted bytea)",
        "TABLE (tenant_id uuid, tenant_slug text, token_id uuid, kind text, user_id uuid, endpoint_id uuid,"
        " scopes text[], role text, expires_at timestamptz, last_used_at timestamptz, revoked_at timestamptz,"
        " name text)",
        """
        SELECT t.tenant_id, n.slug, t.id, t.kind, t.user_id, t.endpoint_id,
               t.scopes, m.role, t.expires_at, t.last_used_at, t.revoked_at, coalesce(e.name, u.username, t.name)
        FROM tokens t
        JOIN tenants n ON n.id = t.tenant_id
        LEFT JOIN memberships m ON m.tenant_id = t.tenant_id AND m.user_id = t.user_id
        LEFT JOIN users u ON u.id = t.user_id
        LEFT JOIN endpoints e ON e.tenant_id = t.tenant_id AND e.id = t.endpoint_id
        WHERE t.digest = wanted
        """,
    )
    # By address only who has proven it: else a registration would change how a log-in with that address is refused.
    lookup_function(
        "lookup_account(wanted text)",
        "TABLE (user_id uuid, password_hash text, pending boolean)",
        """
        SELECT id, password_hash, pending FROM users
        WHERE username = lower(wanted) OR (lower(email) = lower(wanted) AND NOT pending) LIMIT 1
        """,
    )
    lookup_function(
        "lookup_address(wanted text)",
        "TABLE (user_id uuid, username text, pending boolean)",
        """
        SELECT id, username, pending FROM users
        WHERE lower(email) = lower(wanted) ORDER BY pending, id DESC LIMIT 1
        """,
    )
    lookup_function(
        "lookup_name(wanted text)",
        "TABLE (person boolean, tenant boolean)",
        """
        SELECT EXISTS (SELECT FROM users WHERE username = wanted), EXISTS (SELECT FROM tenants WHERE slug = wanted)
        """,
    )
    lookup_function(
        "lookup_identity(at_issuer text, wanted text)",
        "TABLE (user_id uuid)",
        "SELECT user_id FROM user_identities WHERE issuer = at_issuer AND subject = wanted",
    )
