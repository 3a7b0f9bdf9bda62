"""`crontopus-server restore DIR`: an installation from what `backup` wrote, into an empty data directory."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.server.backup import (
    BUNDLES,
    DUMP,
    FORMAT,
    INDEX,
    SECRET,
    Say,
    check_user,
    digest,
    superuser_url,
)
from crontopus_api.server.errors import AlreadyRunningError, ServerError
from crontopus_api.server.locks import FileLock
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import DATABASE, OWNER, EmbeddedPostgres, ensure_database
from crontopus_api.server.postgres_clients import run_client
from crontopus_api.settings import Settings


def restore(settings: Settings, source: Path, *, database: bool, say: Say) -> None:
    """Put everything back. Refuses to touch what is there. Raises ServerError."""
    check_user(settings)
    index = _checked_index(source)
    say("Backup: complete and undamaged")
    if database and settings.database_url is not None:
        raise ServerError(
            "CRONTOPUS_DATABASE_URL is set: restore database.dump there with pg_restore as docs/runbooks/backup.md "
            "says, then run this with --no-database."
        )
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(settings.data_dir / "up.lock") as lock:
            _check_idle(settings, lock)
            host = EmbeddedGitHost(settings.repositories_dir)
            _check_empty(settings, asyncio.run(host.slugs()), database=database)
            _restore_secret(settings, source)
            known = _restore_database(settings, source / DUMP, say) if database else None
            asyncio.run(_restore_repositories(host, source / BUNDLES, index, known, say))
    except OSError as error:
        raise ServerError(f"The backup cannot be restored: {error}") from error


def _checked_index(source: Path) -> dict[str, Any]:
    try:
        index: dict[str, Any] = json.loads((source / INDEX).read_bytes())
        if index["format"] != FORMAT:
            raise ServerError(f"{source} was written by another version of Crontopus ({index['crontopus']}).")
        for name, expected in index["sha256"].items():
            if digest(source / name) != expected:
                raise ServerError(f"{source / name} is damaged: its SHA-256 is not the one in {INDEX}.")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServerError(f"{source} is not a complete backup: {error}") from error
    return index


def _check_idle(settings: Settings, lock: FileLock) -> None:
    users = FileLock(settings.postgres_dir / "users")
    with users:
        idle = lock.take(wait=False) and (not users.path.exists() or users.take(wait=False))
    if not idle:
        raise AlreadyRunningError(f"Crontopus is running on {settings.data_dir}. Stop it first.")


def _check_empty(settings: Settings, slugs: list[str], *, database: bool) -> None:
    if slugs:
        raise ServerError(
            f"{settings.repositories_dir} has repositories. Restore into an empty data directory."
        )
    if database and (settings.postgres_dir / "data").exists():
        raise ServerError(f"{settings.postgres_dir} has a database. Restore into an empty data directory.")


def _restore_secret(settings: Settings, source: Path) -> None:
    saved, own = source / SECRET, settings.data_dir / SECRET
    if not saved.exists() or settings.secret_key is not None:
        return
    if own.exists() and own.read_bytes() != saved.read_bytes():
        raise ServerError(f"{own} is another secret than the backup's. Move it away.")
    shutil.copy2(saved, own)


def _restore_database(settings: Settings, dump: Path, say: Say) -> set[str]:
    """The slugs of the tenants in it."""
    if not dump.exists():
        raise ServerError("The backup has no database: it was made with --no-database. Give it here, too.")
    with ensure_database(settings):
        _make_roles(settings)
        url = superuser_url(settings)
        run_client("pg_restore", url, "--exit-on-error", "--single-transaction", str(dump))
        with psycopg.connect(url) as connection:
            # cross-tenant: all that was dumped is put back
            slugs = {row[0] for row in connection.execute("SELECT slug FROM repositories")}
    say(f"Database: restored, {len(slugs)} tenants")
    return slugs


def _make_roles(settings: Settings) -> None:
    """Roles belong to the server, not to the dumped database. The migrations know them: run on a database
    that is then thrown away."""
    server = EmbeddedPostgres(settings.postgres_dir)
    scratch = f"{DATABASE}_{uuid4().hex[:8]}"
    with psycopg.connect(server.admin_url, autocommit=True) as connection:
        name = sql.Identifier(scratch)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(OWNER)))
        try:
            migrate(urlsplit(server.url)._replace(path=f"/{scratch}").geturl())
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


async def _restore_repositories(
    host: EmbeddedGitHost, directory: Path, index: dict[str, Any], known: set[str] | None, say: Say
) -> None:
    """Those of tenants that the database knows: one made after the dump would be in the way of the next
    tenant of that name. It stays in the backup."""
    restored = 0
    for slug in index["heads"]:
        if known is not None and slug not in known:
            say(f"Repository {slug}: its tenant is younger than the database; not restored")
            continue
        try:
            await host.restore(slug, directory / f"{slug}.bundle")
        except GitStoreError as error:
            raise ServerError(f"Repository {slug} cannot be restored: {error}") from error
        restored += 1
    say(f"Repositories: {restored} restored. Start Crontopus: what Git has newer is projected by itself.")
