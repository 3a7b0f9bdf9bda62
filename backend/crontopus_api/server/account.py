"""`crontopus-server account …`: what people cannot do for themselves once they are locked out."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from crontopus_api.server.errors import ServerError
from crontopus_api.server.operator import me
from crontopus_api.settings import get_settings

if TYPE_CHECKING:
    from crontopus_api.settings import Settings

app = typer.Typer(help="People's accounts.", no_args_is_help=True)


@app.callback()
def account() -> None:
    """People's accounts."""


@app.command("reset-second-factor")
def reset_second_factor(
    who: Annotated[str, typer.Argument(help="The person's user name or email address.")],
) -> None:
    """Turn two-step sign-in off for somebody who lost app and recovery codes.

    Be sure that it is them who ask: their password is enough then. They are told by email, and their account's log
    tells who did it.
    """
    name = asyncio.run(reset(get_settings(), who))
    typer.echo(f"Two-step sign-in is off for {name}.")


async def reset(settings: "Settings", who: str) -> str:
    from crontopus_api.composition import compose  # noqa: PLC0415 - the other commands start without all this
    from crontopus_api.kit.errors import CrontopusError  # noqa: PLC0415
    from crontopus_api.server.postgres import ensure_database  # noqa: PLC0415

    with ensure_database(settings) as url:
        services = compose(settings, url)
        try:
            return await services.second_factors.reset(who, me())
        except CrontopusError as error:
            raise ServerError(error.message) from error
        finally:
            await services.close()
