"""What `crontopus-server api` and `ingest` become: a process that serves, and loads nothing that it has no use for."""

import sys
from collections.abc import Callable

# Installed for others, and taken up by whoever finds them: together 5 MB in each process that serves.
_NO_USE_FOR = (
    "rich",  # the command line's; structlog would print local variables with it, and httpx has a command of its own
    "watchfiles",  # uvicorn reloads with it, in another process
    "pydantic.v1",  # FastAPI looks whether a model is one of these, and knows that there may be none
)


def load() -> Callable[[str], None]:
    """What serves. Whoever it imports finds that the above is not installed, so call this before anything else."""
    for name in _NO_USE_FOR:
        sys.modules[name] = None  # type: ignore[assignment] # Python's own way to say so
    from crontopus_api.server import api  # noqa: PLC0415 - only now

    return api.main


if __name__ == "__main__":
    load()(sys.argv[1])
