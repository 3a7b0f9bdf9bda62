"""`crontopus-server backup DIR`: the database and every repository, while Crontopus runs.

DIR/index.json                  what is in it, with a SHA-256 of each file; written last
DIR/database.dump               pg_dump's custom format
DIR/repositories/{slug}.bundle  git bundles, each read back and checked
DIR/secret.key                  the generated secret, if there is one: without it, what is sealed stays sealed

The database first, then the repositories. Git is the truth and the projection only goes forward, so a
database that is a little older than Git catches up by itself. The other way round the database would know
commits that are nowhere.
"""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.errors import GitStoreError, RepositoryMissing
from crontopus_api.server.errors import ServerError
from crontopus_api.server.postgres import DATABASE, EmbeddedPostgres, ensure_database
from crontopus_api.server.postgres_clients import run_client
from crontopus_api.settings import Settings

FORMAT = 1
INDEX = "index.json"
DUMP = "database.dump"
SECRET = "secret.key"  # noqa: S105 - a file's name
BUNDLES = "repositories"

Say = Callable[[str], None]


def backup(settings: Settings, target: Path, *, database: bool, say: Say) -> None:
    """Write the backup. `target` must not exist; it appears when all of it is there. Raises ServerError."""
    check_user(settings)
    if target.exists():
        raise ServerError(f"{target} exists. Name a new directory: a backup is never written over another.")
    building = target.with_name(f".{target.name}.partial")
    try:
        shutil.rmtree(building, ignore_errors=True)  # of a backup that was killed
        building.mkdir(mode=0o700, parents=True)
        (building / BUNDLES).mkdir(mode=0o700)
        _write(settings, building, database=database, say=say)
        building.rename(target)
    except OSError as error:
        raise ServerError(f"The backup cannot be written: {error}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    say(f"Backup is in {target}. It holds secrets: keep it as safe as the data directory.")


def check_user(settings: Settings) -> None:
    """Whoever is not the owner of the data leaves files there that the service can not write."""
    if not settings.data_dir.is_dir():
        return
    owner = settings.data_dir.stat().st_uid
    if owner != os.geteuid():
        raise ServerError(f"{settings.data_dir} belongs to user id {owner}: run this as that user.")


def superuser_url(settings: Settings) -> str:
    """The embedded database as its superuser, who alone may read all rows; a configured one as it is."""
    if settings.database_url is not None:
        return settings.migration_url or settings.database_url
    return make_conninfo(EmbeddedPostgres(settings.postgres_dir).admin_url, dbname=DATABASE)


def digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(settings: Settings, building: Path, *, database: bool, say: Say) -> None:
    began = datetime.now(UTC)
    if database:
        with ensure_database(settings):
            run_client("pg_dump", superuser_url(settings), "--format=custom", f"--file={building / DUMP}")
        say("Database: dumped")
    heads = asyncio.run(_bundles(settings, building / BUNDLES, say))
    secret = settings.data_dir / SECRET
    if settings.secret_key is None and secret.exists():
        shutil.copy2(secret, building / SECRET)
    files = [path for path in sorted(building.rglob("*")) if path.is_file()]
    index: dict[str, Any] = {
        "format": FORMAT,
        "crontopus": version("crontopus-api"),
        "began_at": began.isoformat(),
        "heads": heads,
        "sha256": {str(path.relative_to(building)): digest(path) for path in files},
    }
    (building / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    for path in (*files, building / INDEX):
        path.chmod(0o600)
        _flush(path)
    for path in (building / BUNDLES, building):
        _flush(path)


async def _bundles(settings: Settings, directory: Path, say: Say) -> dict[str, str]:
    """One bundle per repository; what main is at in each."""
    if settings.git_host != "embedded":
        say("Repositories: they are Forgejo's, back them up there")
        return {}
    host = EmbeddedGitHost(settings.repositories_dir)
    heads = {}
    for slug in await host.slugs():
        try:
            heads[slug] = (await host.backup(slug, directory / f"{slug}.bundle")).head
        except RepositoryMissing:
            say(f"Repository {slug}: deleted meanwhile")
        except GitStoreError as error:
            raise ServerError(f"Repository {slug} cannot be backed up: {error}") from error
    say(f"Repositories: {len(heads)} backed up and read back")
    return heads


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
