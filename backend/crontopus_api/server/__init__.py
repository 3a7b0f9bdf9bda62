"""The `crontopus-server` command and what starts processes."""


def main() -> None:
    """Entry point of the command."""
    from crontopus_api.server.cli import run  # noqa: PLC0415 - importing this package must stay cheap

    run()
