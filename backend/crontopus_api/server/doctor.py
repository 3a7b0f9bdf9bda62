"""`crontopus-server doctor`: one line for everything that Crontopus needs, and what to do about what is missing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import redis

from crontopus_api.server import checks
from crontopus_api.server.errors import CheckError, ServerError
from crontopus_api.server.locks import FileLock
from crontopus_api.server.postgres import EmbeddedPostgres
from crontopus_api.server.postgres_binaries import find_binaries
from crontopus_api.settings import Settings


@dataclass(frozen=True)
class Finding:
    """`ok` with what was found, or not, with what to do."""

    subject: str
    ok: bool
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Runs every check; starts nothing."""
    subjects: dict[str, Callable[[Settings], str]] = {
        "git": checks.git,
        "data directory": checks.data_directory,
        "disk": checks.disk,
        "port": _port,
        "database": _database,
        "database role": checks.database_role,
        "redis": _redis,
        "console": checks.console,
    }
    for subject, check in subjects.items():
        try:
            yield Finding(subject, ok=True, text=check(settings))
        except ServerError as error:
            yield Finding(subject, ok=False, text=str(error))


def _port(settings: Settings) -> str:
    if settings.data_dir.is_dir():
        with FileLock(settings.data_dir / "up.lock") as lock:
            if not lock.take(wait=False):
                return f"Port {settings.port}: Crontopus is running on this data directory"
    return checks.port(settings)


def _database(settings: Settings) -> str:
    if settings.database_url is not None:
        return checks.database(settings)
    server = EmbeddedPostgres(settings.postgres_dir)
    if not server.running:
        return f"Embedded PostgreSQL {find_binaries(server.cluster_major()).version}, not running"
    try:
        with psycopg.connect(server.url, connect_timeout=5):
            return f"Embedded PostgreSQL, process {server.pid}"
    except psycopg.Error as error:
        raise CheckError(f"The embedded PostgreSQL does not answer: {error}") from error


def _redis(settings: Settings) -> str:
    if settings.redis_url is None:
        return "Not configured: rate limits are counted in each API process"
    try:
        with redis.Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise CheckError(f"CRONTOPUS_REDIS_URL: {error}") from error
    return "Answers"
