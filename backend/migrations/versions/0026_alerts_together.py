"""A role for what happens to several tenants at once: it sees those that its transaction names, and no others"""

from alembic import op

from migrations.access import SERVICE

revision = "0026"
down_revision = "0025"

ROLE = "crontopus_alerts"
# What an incident is concluded from, what it leads to, and how people are told.
GRANTS = {
    "channels": "SELECT, INSERT, UPDATE (open_until)",
    "deliveries": "SELECT, INSERT, UPDATE, DELETE",
    "delivery_attempts": "SELECT, INSERT",
    "documents": "SELECT",
    "endpoint_conditions": "SELECT",
    "endpoints": "SELECT",
    "incident_events": "SELECT, INSERT",
    "incidents": "SELECT, INSERT, UPDATE",
    "instance_status": "SELECT",
    "instances": "SELECT",
    "jobs": "SELECT",
    "memberships": "SELECT",
    "reminders": "SELECT, INSERT, DELETE",
}
# In a sub-query: looked at once for each statement, not once for each row.
NAMED = "tenant_id = ANY ((SELECT app_tenants())::uuid[])"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    role()
    for table, privileges in GRANTS.items():
        op.execute(f"CREATE POLICY alerts ON {table} TO {ROLE} USING ({NAMED}) WITH CHECK ({NAMED})")
        op.execute(f"GRANT {privileges} ON {table} TO {ROLE}")
    # Whom to write to.
    members = f"id IN (SELECT user_id FROM memberships WHERE {NAMED})"  # noqa: S608 - our own words
    op.execute(f"CREATE POLICY alerts ON users FOR SELECT TO {ROLE} USING ({members})")
    op.execute(f"GRANT SELECT (id, email) ON users TO {ROLE}")
    # Deferring, as any tenant's transaction may.
    op.execute(f"GRANT SELECT, INSERT ON procrastinate_jobs, procrastinate_events TO {ROLE}")
    op.execute(f"GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO {ROLE}")


def role() -> None:
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {ROLE} NOLOGIN NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(f"GRANT {ROLE} TO CURRENT_USER, {SERVICE}")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(
        """
        CREATE FUNCTION app_tenants() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
        RETURN nullif(current_setting('app.tenant_ids', true), '')::uuid[]
        """
    )
