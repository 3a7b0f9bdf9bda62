-- What the database needs before the first deployment: the role that API, ingest, worker and admin log in as. It owns
-- nothing and inherits nothing (ADR 0010); the migrations give it what it needs. Run as the administrator of the
-- cluster (doadmin), in the database `crontopus`, with psql 14 or newer:
--
--   CRONTOPUS_SERVICE_PASSWORD=… psql "$ADMIN_URL" --file infra/app-platform/database.sql
--
-- A role made in the control panel or with doctl would inherit whatever it is a member of, and with that see the rows
-- of every tenant. Safe to run again: it then sets the password.
\set ON_ERROR_STOP on
\getenv password CRONTOPUS_SERVICE_PASSWORD
\if :{?password}
\else
    \warn 'set CRONTOPUS_SERVICE_PASSWORD first: openssl rand -hex 32'
    SELECT 1 / 0;
\endif

BEGIN;
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'crontopus_service') AS missing \gset
\if :missing
    CREATE ROLE crontopus_service LOGIN NOINHERIT NOBYPASSRLS PASSWORD :'password';
\else
    ALTER ROLE crontopus_service PASSWORD :'password';
\endif
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO crontopus_service', current_database()) \gexec
COMMIT;
