"""What can go wrong when a process is started. Every message is one line: what is wrong, what to do."""


class ServerError(Exception):
    """An expected failure of `crontopus-server`: printed as one line, exit code 1, never a traceback."""


class PostgresError(ServerError):
    """The embedded PostgreSQL cannot be found, made, started or joined."""


class AlreadyRunningError(ServerError):
    """Another `crontopus-server up` holds this data directory."""


class CheckError(ServerError):
    """The machine is not fit: port taken, no git, unwritable data directory, no room on the disk."""
