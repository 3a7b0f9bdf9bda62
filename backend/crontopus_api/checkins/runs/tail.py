"""`tail -f` of a run's output, over server-sent events.

The hub says that something of the tenant's runs changed; then the output is read again, and what is new of it sent. An
end that nobody announced is found at the latest with the next keep-alive.
"""

import base64
from collections.abc import AsyncIterator
from uuid import UUID

from crontopus_api.checkins.runs.service import RunService
from crontopus_api.live.hub import Hub
from crontopus_api.live.streams import KEEPALIVE, KEEPALIVE_SECONDS, event


async def follow(runs: RunService, hub: Hub, tenant_id: UUID, run_id: UUID) -> AsyncIterator[str]:
    """Events `output` until the run has ended, then `end`.

    `output` has `data` (base64, for output is bytes) and `offset`: what was shown from there on is replaced by it, so
    0 begins again.
    """
    shown = b""
    async with hub.subscribe(tenant_id) as subscription:
        # At once, so that a proxy knows the stream has begun.
        yield KEEPALIVE
        while True:
            state, content = await runs.progress(tenant_id, run_id)
            if content != shown:
                yield _output(shown, content)
                shown = content
            if state != "running":
                yield event("end", {"state": state})
                return
            if not await subscription.wait(KEEPALIVE_SECONDS):
                yield KEEPALIVE


def _output(shown: bytes, content: bytes) -> str:
    offset = len(shown) if content.startswith(shown) else 0
    return event("output", {"offset": offset, "data": base64.b64encode(content[offset:]).decode()})
