"""The role that the service logs in as, partitions without owning them, the operators' own log, retired signers"""

from alembic import op

from migrations.access import GIVE_SERVICE_THE_LOOKUPS, ROLES, SERVICE

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    service()
    partitions()
    operators_log()
    signers()


def service() -> None:
    """A log-in that owns nothing and may do nothing until it enters a role; `RESET ROLE` leads back to that.

    It has no password, so nobody can log in over the network before an administrator gives it one.
    """
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {SERVICE} LOGIN NOINHERIT NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    for role in ROLES:
        # Not the one that owns the functions: it could change them.
        if role != "crontopus_lookup":
            op.execute(f"GRANT {role} TO {SERVICE}")
    op.execute(GIVE_SERVICE_THE_LOOKUPS)


def partitions() -> None:
    """Only the owner of a table can give it partitions; these functions are the owner's, for the scanner to call."""
    op.execute(
        """
        CREATE FUNCTION make_partition(parent text, month date) RETURNS boolean
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            child text := partition_name(parent, month);
            waiting text := parent || '_default';
            first timestamptz := month::timestamp AT TIME ZONE 'UTC';
            following timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
        BEGIN
            -- Two workers that start together must not both make it.
            PERFORM pg_advisory_xact_lock(1129469008);
            IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(quote_ident(child))) THEN
                RETURN false;
            END IF;
            PERFORM set_config('lock_timeout', '1s', true);
            EXECUTE format(
                'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', child, parent);
            -- The owner may look at the default partition only in here, where it is locked anyhow.
            EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', waiting);
            EXECUTE format(
                'WITH moved AS (DELETE FROM %I WHERE partition_at >= $1 AND partition_at < $2 RETURNING *)'
                ' INSERT INTO %I SELECT * FROM moved', waiting, child) USING first, following;
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', waiting);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', child);
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', child);
            -- Attached, not created as a partition: that would lock the whole table against check-ins, and be
            -- refused while the default partition has rows of that month.
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child, first, following);
            RETURN true;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION drop_partition(parent text, month date) RETURNS boolean
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            child text := partition_name(parent, month);
        BEGIN
            PERFORM pg_advisory_xact_lock(1129469008);
            IF to_regclass(quote_ident(child)) IS NULL THEN
                RETURN false;  -- another worker was faster
            END IF;
            PERFORM set_config('lock_timeout', '1s', true);
            EXECUTE format('DROP TABLE %I', child);
            RETURN true;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION partition_name(parent text, month date) RETURNS text
        LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
        BEGIN
            IF parent NOT IN ('runs', 'run_outputs') OR extract(day FROM month) <> 1 THEN
                RAISE EXCEPTION 'no partitions of % by %', parent, month USING ERRCODE = 'invalid_parameter_value';
            END IF;
            RETURN parent || to_char(month, '_YYYY_MM');
        END $$
        """
    )
    for name in ("make_partition", "drop_partition", "partition_name"):
        op.execute(f"REVOKE ALL ON FUNCTION {name}(text, date) FROM public")
    op.execute("GRANT EXECUTE ON FUNCTION make_partition(text, date) TO crontopus_scanner")
    op.execute("GRANT EXECUTE ON FUNCTION drop_partition(text, date) TO crontopus_scanner")


def operators_log() -> None:
    """An entry of no tenant and of no account is of the operators' log: what they, or their command line, did."""
    op.execute("ALTER TABLE audit_log DROP CONSTRAINT ck_audit_log_one_log")
    op.execute(
        """
        ALTER TABLE audit_log ADD CONSTRAINT ck_audit_log_one_log CHECK (
            num_nonnulls(tenant_id, account_id) = 1
            OR (num_nonnulls(tenant_id, account_id) = 0 AND actor_kind IN ('operator', 'system')))
        """
    )
    op.execute(
        "CREATE INDEX ix_audit_log_operators ON audit_log (id) WHERE tenant_id IS NULL AND account_id IS NULL"
    )
    # Entries come in the order of time: what is too old is all in the first blocks.
    op.execute("CREATE INDEX ix_audit_log_at ON audit_log USING brin (at)")


def signers() -> None:
    """Keys that signed commits once. The commits stay, so whoever verifies them has to know the key."""
    op.execute(
        """
        CREATE TABLE retired_signers (
            public_key text CONSTRAINT pk_retired_signers PRIMARY KEY,
            retired_at timestamptz NOT NULL
        )
        """
    )
    # Of no tenant, and public: row-level security has nothing to tell apart here.
    op.execute("GRANT SELECT ON retired_signers TO crontopus_app")
    op.execute("GRANT SELECT, INSERT ON retired_signers TO crontopus_scanner")
