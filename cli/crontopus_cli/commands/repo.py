"""`repo clone`: the tenant's repository on this machine, with this log-in as git's credential.

The token is not written into the clone: git asks `crontopus repo credential` for it each time.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from crontopus_cli import config
from crontopus_cli.errors import AuthError, CliError
from crontopus_cli.options import Output, new_app
from crontopus_cli.output import emit_text
from crontopus_cli.session import connect_to
from crontopus_cli.vocabulary import OutputFormat

app = new_app("Your Git repository of job manifests.")


@app.command("clone")
def clone_repository(
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIRECTORY]", help="Where to; without it, a folder named like the repository."
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Clone your repository.

    `git pull` and `git push` in the clone use this log-in. Prints where the clone is.
    """
    target = config.target()
    with connect_to(target.server, target.token) as client:
        url = str(client.get("auth", "me")["repository"]["clone_url"])
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CliError(f"{target.server} names a repository that is not on the web: {url}")
    where = directory or Path(Path(parts.path).name.removesuffix(".git"))
    host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    helper = [sys.executable, "-m", "crontopus_cli", "repo", "credential", "--server", target.server]
    _git(
        "clone",
        "--config", f"credential.{host}.helper=",  # an empty first entry: no other helper stores the token
        "--config", f"credential.{host}.helper=!{shlex.join(helper)}",
        "--", url, str(where),
    )  # fmt: skip
    emit_text(f"{where}\n", {"directory": str(where.absolute()), "clone_url": url}, output)


@app.command("credential", hidden=True)
def credential(
    operation: Annotated[str, typer.Argument()],
    server: Annotated[str, typer.Option()],
) -> None:
    """Answers git's credential protocol; git decides which hosts it asks for."""
    if operation != "get":
        return  # what git wants stored or erased is not ours to keep
    token = config.environment_token() if config.current_server() == server else None
    token = token or config.stored_token(server)
    if token is None:
        raise AuthError(f"not logged in to {server}", f"run `crontopus login --server {server}`")
    sys.stdout.write(f"username=token\npassword={token}\nquit=1\n")


def _git(*arguments: str) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        # git's own progress and errors go to stderr; stdout stays ours
        command = ["git", *arguments]
        result = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)  # noqa: S603 - no shell
    except FileNotFoundError as error:
        raise CliError("git is not installed", "install git and try again") from error
    if result.returncode != 0:
        raise CliError(f"git {arguments[0]} failed with exit code {result.returncode}", "git says why above")
