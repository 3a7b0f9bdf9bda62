"""The system user that PostgreSQL runs as: it refuses root, so root hands it to an account of its own."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from crontopus_api.server.errors import PostgresError
from crontopus_api.server.waiting import wait_until

ACCOUNT = "crontopus-db"


@dataclass(frozen=True)
class RunAs:
    """Who PostgreSQL's processes are. `drop`: we are root and must give up its rights for them."""

    uid: int
    gid: int
    drop: bool

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def own(self, path: Path) -> None:
        """Gives a file or directory to the account (nothing to do for an ordinary user)."""
        if self.drop:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_for(cluster: Path) -> RunAs:
    """The account that owns the cluster, or will own it. Raises PostgresError when we may not act as it."""
    owner = cluster.stat().st_uid if cluster.is_dir() else None
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            raise PostgresError(
                f"The database in {cluster} belongs to user {_name(owner)}. "
                "Start Crontopus as that user or as root, or choose another CRONTOPUS_DATA_DIR."
            )
        return RunAs(os.geteuid(), os.getegid(), drop=False)
    if owner:
        return RunAs(owner, cluster.stat().st_gid, drop=True)
    entry = _dedicated_account()
    return RunAs(entry.pw_uid, entry.pw_gid, drop=True)


def _name(uid: int | None) -> str:
    return RunAs(-1 if uid is None else uid, -1, drop=False).name


def _find_account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return None


def _dedicated_account() -> pwd.struct_passwd:
    """The account, made on first use. Other daemons could read the data of a shared one (`nobody`)."""
    if (entry := _find_account()) is not None:
        return entry
    # Absolute path: root's PATH may lack sbin under cron and in containers.
    command = ["/usr/sbin/useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", ACCOUNT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
        reason = done.stderr.strip()
    except OSError as error:
        reason = f"{command[0]}: {error.strerror}"
    # Another process may be making it at this moment: then useradd fails on the lock of /etc/passwd.
    wait_until(lambda: _find_account() is not None, timeout_seconds=2)
    if (entry := _find_account()) is None:
        raise PostgresError(
            f"PostgreSQL cannot run as root, and the system user {ACCOUNT} could not be made ({reason}). "
            "Run Crontopus as an ordinary user, or set CRONTOPUS_DATABASE_URL."
        )
    return entry
