"""The embedded PostgreSQL from first start to recovery: run by `test_postgres.py` as different users."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from crontopus_api.server.postgres import EmbeddedPostgres
from crontopus_api.server.waiting import wait_until


def main(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('stopped')")
    server.stop()
    assert not server.running

    with psycopg.connect(server.start()) as connection:
        connection.execute("INSERT INTO kept VALUES ('killed')")
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not server.running, timeout_seconds=20)
    # After a power loss, or while it is still dying: its number is somebody's who lives.
    [lock] = Path((directory / "socket").read_text().strip()).glob("*.lock")
    owner = lock.stat().st_uid
    somebody = subprocess.Popen(["sleep", "60"], user=None if owner == os.geteuid() else owner)
    lock.write_text("\n".join([str(somebody.pid), *lock.read_text().splitlines()[1:]]) + "\n")

    with psycopg.connect(server.start()) as connection:
        words = [row[0] for row in connection.execute("SELECT word FROM kept ORDER BY word DESC")]
        assert words == ["stopped", "killed"], words
    server.stop()
    somebody.kill()
    somebody.wait()
    sys.stdout.write(f"kept everything as uid {os.geteuid()}\n")


main(Path(sys.argv[1]))
