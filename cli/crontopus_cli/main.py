"""The command `crontopus`: its groups, and how every failure ends in words and an exit code."""

import os
import sys
from typing import Annotated

import typer

from crontopus_cli import __version__
from crontopus_cli.commands import (
    audit_log,
    auth,
    channels,
    deliveries,
    documents,
    endpoints,
    enroll_token,
    importing,
    incidents,
    invitations,
    jobs,
    members,
    namespaces,
    plan,
    repo,
    routes,
    runs,
    tenant_export,
    tenants,
    tokens,
    usage,
    windows,
)
from crontopus_cli.errors import CliError, ExitCode
from crontopus_cli.options import new_app
from crontopus_cli.output import complain

app = new_app("Scheduled jobs, defined in Git and watched everywhere: the command line of Crontopus.")
app.command()(auth.login)
app.command()(auth.register)
app.command()(auth.logout)
app.command()(auth.whoami)
app.command("plan")(plan.show_branch_plan)
app.command("import")(importing.import_jobs)
app.add_typer(jobs.app, name="jobs")
app.add_typer(namespaces.app, name="namespaces")
app.add_typer(documents.app, name="documents")
app.add_typer(runs.app, name="runs")
app.add_typer(incidents.app, name="incidents")
app.add_typer(channels.app, name="channels")
app.add_typer(routes.app, name="routes")
app.add_typer(windows.app, name="windows")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(endpoints.app, name="endpoints")
app.add_typer(enroll_token.app, name="enroll-token")
app.add_typer(tokens.app, name="tokens")
app.add_typer(repo.app, name="repo")
app.add_typer(tenants.app, name="tenants")
tenants.app.command("export")(tenant_export.export_tenant)
app.add_typer(members.app, name="members")
app.add_typer(invitations.app, name="invitations")
app.command("usage")(usage.show_usage)
app.add_typer(audit_log.app, name="audit-log")


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"crontopus {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Scheduled jobs, defined in Git and watched everywhere: the command line of Crontopus."""


def run(arguments: list[str] | None = None) -> None:
    """Runs the command and leaves the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a terminal that cannot show a character gets \u…, not an exception
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments, prog_name="crontopus")
    except CliError as error:
        complain(error)
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("CRONTOPUS_DEBUG"):
            raise
        complain(
            CliError(
                f"internal error: {type(error).__name__}: {error}",
                "this is a bug; set CRONTOPUS_DEBUG=1 and repeat the command to see where",
            )
        )
        sys.exit(ExitCode.FAILED)
