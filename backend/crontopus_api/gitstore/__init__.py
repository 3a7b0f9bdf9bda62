"""Git repositories of tenants behind one Protocol. Knows no database, no settings and no web framework."""

from crontopus_api.gitstore.host import (
    Author,
    Change,
    CommitInfo,
    CommitResult,
    FileEntry,
    GitHost,
    Signer,
)

__all__ = ["Author", "Change", "CommitInfo", "CommitResult", "FileEntry", "GitHost", "Signer"]
