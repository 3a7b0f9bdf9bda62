from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, model_validator

from crontopus_api.jobs.schemas import DocumentOut, Message
from crontopus_api.kit.schemas import Payload


class ChangedDocumentOut(DocumentOut):
    """A document as it is after a change. `commit` is the one that last changed its file."""

    changed: bool = Field(description="False: the file said this already, and there is no new commit.")


class NewWindow(Payload):
    """A maintenance window for this once: exactly one of `end` and `duration_seconds`."""

    match: dict[str, Any] = Field(
        default_factory=dict,
        description="Which jobs, as in the manifest: namespaces, matchLabels. Without a condition: all of them.",
    )
    reason: Annotated[str | None, Field(max_length=1_024)] = None
    start: AwareDatetime | None = Field(None, description="Default: now. Counted in whole seconds.")
    end: AwareDatetime | None = None
    duration_seconds: Annotated[int | None, Field(ge=60, le=30 * 86_400)] = None
    name: Annotated[str | None, Field(max_length=63, description="Default: made from when it starts.")] = None
    message: Message = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.end is None) == (self.duration_seconds is None):
            raise ValueError("say either `end` or `duration_seconds`")
        return self
