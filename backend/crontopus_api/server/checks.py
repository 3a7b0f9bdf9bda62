"""What must be true of the machine before anything is started. Each check returns what it found, for people."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

from crontopus_api.server.errors import CheckError
from crontopus_api.server.waiting import wait_until
from crontopus_api.settings import Settings, load_secret_key

# `git merge-tree --write-tree` tells what merging a branch would do.
OLDEST_GIT = (2, 38)
LEAST_FREE_BYTES = 300 * 1024 * 1024
# After kill -9 the kernel needs a moment to close the old server's socket.
PORT_PATIENCE_SECONDS = 1.0


def git(_: Settings) -> str:
    """Git serves the tenants' repositories."""
    program = shutil.which("git")
    if program is None:
        raise CheckError("git is needed and is not on PATH. Install it (Debian: apt install git).")
    out = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"(\d+)\.(\d+)[.\d]*", out)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_GIT:
        wanted = ".".join(map(str, OLDEST_GIT))
        raise CheckError(f"Git {wanted} or newer is needed; {program} says {out.strip()!r}.")
    return f"Git {found[0]}"


def data_directory(settings: Settings) -> str:
    """The data directory exists (it is made, for its owner only) and can be written."""
    directory = settings.data_dir
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise CheckError(
            f"The data directory {directory} cannot be written by user {getpass.getuser()} ({error.strerror}). "
            "Make it writable, or choose another one with CRONTOPUS_DATA_DIR."
        ) from error
    return f"Data directory {directory}"


def secret_key(settings: Settings) -> str:
    """The secret is there and long enough, before a process that needs it is started. Raises SettingsError."""
    load_secret_key(settings)
    return "Secret key"


def disk(settings: Settings) -> str:
    """PostgreSQL stops when the disk is full; say so before it does."""
    place = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        raise CheckError(
            f"Only {free // 2**20} MiB are free for {settings.data_dir}; {LEAST_FREE_BYTES // 2**20} are needed. "
            "Make room, or choose another place with CRONTOPUS_DATA_DIR."
        )
    return f"{free / 2**30:.1f} GiB free"


def port(settings: Settings) -> str:
    """The API's port can be bound."""
    return bindable(settings.host, settings.port, "CRONTOPUS_PORT")


def bindable(host: str, number: int, setting: str) -> str:
    """A port can be bound; `setting` is the variable that chooses another one."""
    reason = ""

    def free() -> bool:
        nonlocal reason
        reason = _why_not_bindable(host, number)
        return not reason

    if not wait_until(free, timeout_seconds=PORT_PATIENCE_SECONDS):
        holder = _holder(number)
        raise CheckError(
            f"Port {number} on {host} cannot be used ({reason}{f': {holder}' if holder else ''}). "
            f"Stop what uses it, or choose another one with {setting}."
        )
    return f"Port {number} is free"


def _why_not_bindable(host: str, number: int) -> str:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _holder(number: int) -> str:
    """`name, process id` of the listener, where `ss` is installed and may know it."""
    program = shutil.which("ss")
    if program is None:
        return ""
    command = [program, "-Hltnp", f"sport = :{number}"]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r'\("([^"]+)",pid=(\d+)', out)
    return f"{found[1]}, process {found[2]}" if found else ""


def database(settings: Settings) -> str:
    """A configured database answers and is new enough. (The embedded one is checked when it is started.)"""
    if settings.database_url is None:
        return "Embedded PostgreSQL"
    try:
        with psycopg.connect(settings.database_url, connect_timeout=10) as connection:
            version = connection.info.server_version // 10000
            host = connection.info.host or "its socket"
    except psycopg.Error as error:
        raise CheckError(f"CRONTOPUS_DATABASE_URL: {_one_line(error)}") from error
    if version < 15:
        raise CheckError(f"PostgreSQL 15 or newer is needed; the one at {host} is {version}.")
    return f"PostgreSQL {version} at {host}"


_OWNED = """
    SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('public.tenants')
"""


def database_role(settings: Settings) -> str:
    """Who the service logs in as. Advice, no failure: row-level security holds the owner of the tables as well."""
    if settings.database_url is None:
        return "The service owns no tables"
    try:
        with psycopg.connect(settings.database_url, connect_timeout=10) as connection:
            row = connection.execute(_OWNED).fetchone()
            user = connection.info.user
    except psycopg.Error as error:
        raise CheckError(f"CRONTOPUS_DATABASE_URL: {_one_line(error)}") from error
    if row is None:
        return "The database has no schema yet"
    if not row[0]:
        return f"The service logs in as {user}, who owns no tables"
    return (
        f"The service logs in as {user}, who owns the tables and could switch their protection off. Better: give"
        " crontopus_service a password, name it in CRONTOPUS_DATABASE_URL and the owner in"
        " CRONTOPUS_DATABASE_OWNER_URL"
    )


def _one_line(error: psycopg.Error) -> str:
    text = str(error).strip() or error.__class__.__name__
    return " ".join(text.split())


def console(settings: Settings) -> str:
    """The built console is there. Not fatal: the API works without it."""
    if settings.built_console is None:
        raise CheckError(
            "The console is not built, only the API is served. Build it: scripts/bootstrap console"
        )
    return f"Console from {os.path.relpath(settings.built_console, Path.cwd())}"
