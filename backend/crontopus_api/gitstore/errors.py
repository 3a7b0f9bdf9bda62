"""What can go wrong in the Git room. Callers map these to HTTP; nothing here knows HTTP."""


class GitStoreError(Exception):
    """Base of everything this package raises on purpose."""


class RepositoryMissing(GitStoreError):
    """There is no repository for this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is no repository for {slug!r}")
        self.slug = slug


class RepositoryForeign(GitStoreError):
    """A repository of that name exists but does not carry this tenant's mark."""

    def __init__(self, slug: str, reason: str) -> None:
        super().__init__(f"the repository of {slug!r} is not this tenant's: {reason}")
        self.slug = slug


class ObjectMissing(GitStoreError):
    """A commit, file or blob that was asked for is not in the repository."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not in the repository")
        self.what = what


class StaleBlob(GitStoreError):
    """`expect` named a blob that is not (or no longer) at that path of HEAD."""

    def __init__(self, path: str, expected: str | None, actual: str | None) -> None:
        super().__init__(f"{path}: expected blob {expected or 'none'}, found {actual or 'none'}")
        self.path = path
        self.expected = expected
        self.actual = actual


class HistoryRewound(GitStoreError):
    """A commit that was once on main is no longer known: somebody rewrote the history."""

    def __init__(self, old: str) -> None:
        super().__init__(f"commit {old} is no longer in the repository: its history was rewritten")
        self.old = old


class PathNotAllowed(GitStoreError):
    """A path that must never enter a repository, or that collides with what is there."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path!r}: {reason}")
        self.path = path
        self.reason = reason


class BlobTooLarge(GitStoreError):
    """A file is bigger than this installation reads."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(f"{what} has {size} bytes, the limit is {limit}")
        self.what = what
        self.size = size
        self.limit = limit


class MergeImpossible(GitStoreError):
    """The two have no common history, or differ by more than anybody may merge at once."""


class GitUnavailable(GitStoreError):
    """Git cannot answer now (disk, lock held too long, host down). Trying again later may work.

    `retry_after`: seconds the host asks to be left alone for, where it said so. `uncertain`: a commit
    was under way and may yet appear; whoever made it must look for it before trying again.
    """

    def __init__(self, text: str, *, retry_after: int | None = None, uncertain: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.uncertain = uncertain


class AuthenticationRequired(GitStoreError):
    """No or wrong credentials: the bridge answers 401 and asks for Basic credentials."""


class RepositoryHidden(GitStoreError):
    """These credentials must not learn whether the repository exists: the bridge answers 404."""


class PermissionDenied(GitStoreError):
    """Known caller, own repository, but not allowed to do this: the bridge answers 403 with the text."""


class TooOften(GitStoreError):
    """The caller has asked often enough for now."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
