"""Who may touch which table: grants and row-level security, said once per table in its migration.

Roles (none can log in, none owns a table, none bypasses row-level security; a transaction enters one):

- crontopus_app       API and worker on behalf of one tenant: rows of `app.tenant_id` only
- crontopus_ingest    writes check-ins of all tenants, on the tables named here only
- crontopus_scanner   finds work of all tenants: deadlines, status changes, repositories
- crontopus_operator  the internal admin, read-only but for operators' own tables
- crontopus_queue     Procrastinate's worker: its queue tables and nothing else
- crontopus_alerts    worker on behalf of the few tenants that a transaction names: rows of `app.tenant_ids`, on the
                      tables that incidents and deliveries are made of (migration 0026)
- crontopus_lookup    owns the functions that resolve a token, key or log-in to a tenant

`crontopus_service` is who the API, the worker and the internal admin log in as. It owns nothing and inherits nothing:
it may enter the roles above but the last, and call the lookup functions. Only migrations log in as the owner of the
tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op

ROLES = (
    "crontopus_app",
    "crontopus_ingest",
    "crontopus_scanner",
    "crontopus_operator",
    "crontopus_queue",
    "crontopus_lookup",
)
SERVICE = "crontopus_service"
ALL = "SELECT, INSERT, UPDATE, DELETE"
OWN_TENANT = "tenant_id = app_tenant()"


def protect(
    table: str, *, own: str = OWN_TENANT, check: str | None = None, app: str = ALL, **cross: str
) -> None:
    """Force row-level security on `table`.

    `own` is the condition under which crontopus_app sees a row, `check` (default: the same) the one
    under which it may write one. `cross` names privileges of cross-tenant roles, e.g. `ingest="SELECT"`.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {table} TO crontopus_app USING ({own}) WITH CHECK ({check or own})")
    op.execute(f"GRANT {app} ON {table} TO crontopus_app")
    for role, privileges in cross.items():
        op.execute(f"CREATE POLICY {role} ON {table} TO crontopus_{role} USING (true) WITH CHECK (true)")
        op.execute(f"GRANT {privileges} ON {table} TO crontopus_{role}")


@contextmanager
def every_row(*tables: str) -> Iterator[None]:
    """Within, the owner of the tables sees their rows: forced row-level security holds owners, too, and an UPDATE then
    finds nothing without a word. The locks keep everybody else out until the migration is through."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def lookup_function(signature: str, returns: str, body: str) -> None:
    """A SECURITY DEFINER function of crontopus_lookup: the only way to a row whose tenant is not known yet."""
    name = signature.split("(", maxsplit=1)[0]
    types = ", ".join(part.split()[1] for part in signature.split("(")[1].rstrip(")").split(","))
    op.execute(
        f"CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE sql STABLE SECURITY DEFINER"
        f" SET search_path = public, pg_temp AS $$ {body} $$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {name}({types}) FROM public")
    op.execute(f"ALTER FUNCTION {name}({types}) OWNER TO crontopus_lookup")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name}({types}) TO crontopus_app, crontopus_ingest")
    op.execute(GIVE_SERVICE_THE_LOOKUPS)


# Look-ups come before it is known who asks, so before any role is entered. The role is made by migration 0015.
GIVE_SERVICE_THE_LOOKUPS = f"""
    DO $$ DECLARE each regprocedure;
    BEGIN
        IF to_regrole('{SERVICE}') IS NOT NULL THEN
            FOR each IN SELECT oid FROM pg_proc WHERE proowner = 'crontopus_lookup'::regrole LOOP
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {SERVICE}', each);
            END LOOP;
        END IF;
    END $$
"""  # noqa: S608 - names of our own
