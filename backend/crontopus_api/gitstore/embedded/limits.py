"""How much one request may take: of memory, processes and time."""

from dataclasses import dataclass, field

from crontopus_api.gitstore.embedded.cgi import Action
from crontopus_api.gitstore.embedded.push import PushLimits


@dataclass(frozen=True, slots=True)
class BridgeLimits:
    """Sizes in bytes, times in seconds. One repository gets at most half of the processes."""

    max_processes: int = 16
    queue_seconds: float = 30.0
    total_seconds: float = 300.0
    idle_seconds: float = 30.0
    validate_seconds: float = 60.0
    on_push_seconds: float = 15.0
    max_fetch_body: int = 10 << 20
    max_push_body: int = 64 << 20
    max_memory: int = 2 << 30
    push: PushLimits = field(default_factory=PushLimits)

    def max_body(self, action: Action) -> int:
        return self.max_push_body if action == "write" else self.max_fetch_body
