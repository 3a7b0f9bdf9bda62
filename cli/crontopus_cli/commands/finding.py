"""Things that have ids, found by what people call them."""

from typing import TYPE_CHECKING
from uuid import UUID

from crontopus_cli.errors import CliError

if TYPE_CHECKING:
    from crontopus_cli.client import Client


def id_of(client: "Client", collection: str, text: str) -> str:
    """The id of the one that is called so, or `text` itself where it is an id. Raises CliError."""
    try:
        return str(UUID(text))
    except ValueError:
        found = [str(each["id"]) for each in client.pages(collection) if each["name"] == text]
    if len(found) == 1:
        return found[0]
    one, look = collection.removesuffix("s"), f"`crontopus {collection} list -o json` shows their ids"
    if found:
        raise CliError(f"{len(found)} {collection} are called {text}", look)
    raise CliError(f"there is no {one} {text}", f"`crontopus {collection} list` shows those there are")
