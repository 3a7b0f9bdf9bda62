"""`pg_dump` and `pg_restore`: from the wheel or the machine, of the server's version or newer."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crontopus_api.server.errors import ServerError
from crontopus_api.server.postgres_binaries import wheel_binaries


def run_client(program: str, url: str, *arguments: str) -> None:
    """Run `program` on the database. Raises ServerError with its own words, or when there is none."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # Never in the arguments, which every user of the machine can read.
    parameters = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    if "password" in parameters:
        environment["PGPASSWORD"] = parameters.pop("password")
    target = make_conninfo("", **parameters)
    command = [str(_find(program, _server_major(url))), "--no-password", f"--dbname={target}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    if done.returncode:
        complaints = [line for line in done.stderr.splitlines() if "error:" in line] or [done.stderr]
        raise ServerError(f"{program} failed: {complaints[0].strip()}")


def _server_major(url: str) -> int:
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            return connection.info.server_version // 10000
    except psycopg.Error as error:
        raise ServerError(f"The database does not answer: {str(error).strip().splitlines()[0]}") from error


def _find(program: str, server_major: int) -> Path:
    """The oldest that is new enough: an older one can not read the server, a newer one's files are
    not readable by the server's own."""
    found = {_major(path): path for path in reversed(list(_candidates(program)))}
    fit = [major for major in found if major >= server_major]
    if not fit:
        raise ServerError(
            f"{program} {server_major} or newer is needed and not on this machine. Install it (Debian: "
            f"apt install postgresql-client), or back the database up in your own way and give --no-database."
        )
    return found[min(fit)]


def _candidates(program: str) -> Iterator[Path]:
    yield from (binaries.directory / program for binaries in wheel_binaries())
    yield from Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    if on_path := shutil.which(program):
        yield Path(on_path)


def _major(path: Path) -> int:
    """0 for what does not run."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return 0
    version = re.search(r"\) (\d+)", done.stdout)
    return int(version[1]) if version else 0
