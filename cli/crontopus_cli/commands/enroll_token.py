"""`enroll-token create`: how a new machine gets in."""

import shlex
from typing import Annotated, Any

import typer

from crontopus_cli import config, words
from crontopus_cli.options import Output, new_app, parse_labels
from crontopus_cli.output import emit_text, note
from crontopus_cli.session import connect_to
from crontopus_cli.vocabulary import OutputFormat

app = new_app("Enrolment tokens: what a new machine joins with.")


@app.command("create")
def create_enrolment_token(
    name: Annotated[str | None, typer.Option(help="What the token is for.")] = None,
    uses: Annotated[int, typer.Option(min=1, help="How many machines may use it.")] = 1,
    expires_in: Annotated[str, typer.Option(metavar="DURATION", help="How long it is valid.")] = "1h",
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", "-l", metavar="KEY=VALUE", help="Label for these endpoints. May be repeated."
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Print the command that adds a new machine."""
    body: dict[str, Any] = {
        "uses": uses,
        "expires_in_seconds": words.seconds_of(expires_in),
        "labels": parse_labels(label or []),
    }
    if name is not None:
        body["name"] = name
    target = config.target()
    with connect_to(target.server, target.token) as client:
        created = client.post("enrollment-tokens", body=body)
    command = shlex.join(
        ["crontopus-agent", "enroll", "--server", target.server, "--token", created["secret"]]
    )
    if output is OutputFormat.TABLE:
        machines = "one machine" if uses == 1 else f"{uses} machines"
        note(f"Run this on the new machine. The token is shown once, for {machines}, valid {expires_in}.")
    emit_text(f"{command}\n", {**created, "command": command}, output)
