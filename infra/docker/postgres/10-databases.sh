#!/bin/sh
# Runs once, when the database volume is empty: one database and one owner for Crontopus and for Forgejo.
# Neither role is a superuser, since superusers pass by row-level security. CREATEROLE lets Crontopus'
# migrations make its runtime roles. `crontopus_service` is whom API, worker and admin log in as: it owns nothing
# (ADR 0010). The migrations find it there and give it what it needs.
set -eu

create() {
    psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set=name="$1" --set=secret="$2" --set=createrole="$3" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS %s PASSWORD %L', :'name', :'createrole', :'secret') \gexec
SELECT format('CREATE DATABASE %I OWNER %I ENCODING %L TEMPLATE template0', :'name', :'name', 'UTF8') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'name') \gexec
SQL
}

create crontopus "$CRONTOPUS_DATABASE_PASSWORD" CREATEROLE
create forgejo "$CRONTOPUS_FORGEJO_DATABASE_PASSWORD" NOCREATEROLE

psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set=secret="$CRONTOPUS_SERVICE_PASSWORD" <<'SQL'
SELECT format('CREATE ROLE crontopus_service LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS PASSWORD %L', :'secret') \gexec
GRANT CONNECT ON DATABASE crontopus TO crontopus_service;
SQL
