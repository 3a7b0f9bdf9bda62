"""`repo show|signers|clone`: the tenant's repository, and that on this machine with this log-in as git's credential.

The token is not written into the clone: git asks `crontopus repo credential` for it each time.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from crontopus_cli import config, words
from crontopus_cli.errors import AuthError, CliError
from crontopus_cli.git import run_git
from crontopus_cli.options import Output, new_app
from crontopus_cli.output import emit_object, emit_text, located
from crontopus_cli.session import connect, connect_to
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]

app = new_app("Your Git repository of job manifests.")


@app.command("show")
def show_repository(output: Output = OutputFormat.TABLE) -> None:
    """Show where the repository is, which commit is in force, and the files whose newest version is not."""
    with connect() as client:
        found = client.get("repository")
    emit_object(found, _fields, output)


@app.command("signers")
def show_signers(output: Output = OutputFormat.TABLE) -> None:
    """Print who signs the commits that Crontopus makes, as a file for `git verify-commit`.

    `crontopus repo signers > signers`, then `git config gpg.ssh.allowedSignersFile "$PWD/signers"`.
    """
    with connect() as client:
        found = client.get("signers")
    emit_text(found["allowed_signers"], found, output)


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
    run_git(
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


def _fields(repository: Json) -> list[tuple[str, str]]:
    invalid = [
        (f"Invalid {number}", located(error, error.get("file") or file["path"]))
        for number, (file, error) in enumerate(
            ((file, error) for file in repository["invalid_files"] for error in file["errors"]), start=1
        )
    ]
    return [
        ("Clone URL", repository["clone_url"]),
        ("In force", repository["commit"] or "nothing yet"),
        ("Since", words.moment(repository["projected_at"])),
        ("Jobs", f"{repository['jobs']} of {repository['jobs_limit']}"),
        *invalid,
    ]
