"""What agents say they found, and how it is adopted."""

from typing import Annotated

from pydantic import Field

from crontopus_api.jobs.schemas import Message
from crontopus_api.kit.schemas import Payload, Schema

Word = Annotated[str, Field(max_length=256)]
# What the agent cuts to size has an ellipsis at its end.
Command = Annotated[str, Field(max_length=4200)]


class FoundIn(Payload):
    """One job that is not ours. The agent has taken secrets out: `redacted`."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:_.-]{0,127}$")]
    source: Word = Field(description="crontab, the path of a file, schtasks, launchd, systemd.")
    place: Word = Field("", description="Where in the source, for a reader.")
    user: Word = ""
    schedule: Word = Field("", description="As a manifest would say it; empty where it cannot.")
    timezone: Word = ""
    command: Command
    env: Annotated[dict[Word, Command], Field(max_length=64)] = Field(default_factory=dict)
    redacted: bool = False
    fixed: Word = Field("", description="Why it cannot be adopted; empty: it can.")


class DiscoveredIn(Payload):
    """All that is on the machine now: what was told before and is not among them is gone."""

    entries: Annotated[list[FoundIn], Field(max_length=500)]


class LeftOut(Schema):
    id: str
    reason: str


class DiscoveredOut(Schema):
    enabled: bool = Field(description="False: the tenant does not want to know. Nothing was kept.")
    kept: int = Field(description="How many of the entries stand under `discovered/` now.")
    left_out: list[LeftOut] = Field(description="Those that do not, and why.")
    commit: str | None = Field(description="The commit that was made; none if nothing changed.")


class AdoptIn(Payload):
    namespace: Annotated[str, Field(max_length=63)]
    name: Annotated[str, Field(max_length=63)]
    command: Annotated[str, Field(min_length=1, max_length=8192)] | None = Field(
        None, description="In place of the one found, where secrets were taken out of that."
    )
    message: Message = None
