"""What `crontopus-server api` becomes: a process that serves, and loads nothing that it has no use for."""

import sys

# Installed for others, and taken up by whoever finds them: together 5 MB in each process that serves.
_NO_USE_FOR = (
    "rich",  # the command line's; structlog would print local variables with it, and httpx has a command of its own
    "watchfiles",  # uvicorn reloads with it, in another process
    "pydantic.v1",  # FastAPI looks whether a model is one of these, and knows that there may be none
)


def leave_out() -> None:
    """Before anything else is imported: whoever looks for one of these finds that it is not installed."""
    for name in _NO_USE_FOR:
        sys.modules[name] = None  # type: ignore[assignment] # Python's own way to say so


def main() -> None:
    leave_out()
    from crontopus_api.server import api  # noqa: PLC0415 - only now

    api.main()


if __name__ == "__main__":
    main()
