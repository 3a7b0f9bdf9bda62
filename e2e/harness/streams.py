"""Streams of changes that go on while parts of the platform are killed, and the count of what was acknowledged."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx

from harness.tenant import Tenant
from harness.waiting import eventually

PAUSE_SECONDS = 0.02
RETRY_SECONDS = 0.2


class Stream(threading.Thread):
    """Does `step(n)` for n = 1, 2, … until stopped. A step answers whether it was acknowledged."""

    def __init__(self, name: str, step: Callable[[int], bool]) -> None:
        super().__init__(name=name, daemon=True)
        self.acknowledged: list[int] = []
        self.tried = 0
        self.error: BaseException | None = None
        self._step = step
        self._stopping = threading.Event()

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.tried += 1
                if self._try():
                    self.acknowledged.append(self.tried)
                    self._stopping.wait(PAUSE_SECONDS)
                else:
                    self._stopping.wait(RETRY_SECONDS)
        except BaseException as error:  # for the test's thread, which raises it
            self.error = error

    def _try(self) -> bool:
        try:
            return self._step(self.tried)
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self._stopping.set()
        self.join(60)
        assert not self.is_alive(), f"{self.name} does not end"
        assert self.error is None, f"{self.name}: {self.error!r}"

    def await_more(self, count: int, *, within: float) -> None:
        """Until `count` more steps were acknowledged."""
        goal = len(self.acknowledged) + count
        eventually(
            lambda: self.error is not None or len(self.acknowledged) >= goal,
            f"{count} more acknowledged {self.name}; {len(self.acknowledged)} of {self.tried} so far",
            within=within,
        )
        assert self.error is None, f"{self.name}: {self.error!r}"


class CheckIns:
    """An agent's way: each has an event id, and is sent again until it was acknowledged."""

    def __init__(self, tenant: Tenant, address: str) -> None:
        self._tenant = tenant
        self._address = address
        self.run_ids: list[str] = []
        """The acknowledged runs, as the server calls them."""
        self.item: dict[str, str | int] = {}

    def step(self, _: int) -> bool:
        if not self.item:
            self.item = {
                "event_id": str(uuid4()),
                "run_id": str(uuid4()),
                "job": self._address,
                "kind": "finish",
                "outcome": "success",
                "exit_code": 0,
            }
        answer = self._tenant.api.post("/check-ins/batch", json={"items": [self.item]})
        if answer.status_code >= 500:
            return False
        assert answer.status_code == 200, answer.text
        (result,) = answer.json()["results"]
        if result["status"] == "journaled":
            return False  # safe on the disk, but its run has no id yet: sent again, it is the same one
        assert result["status"] in {"accepted", "duplicate"}, result
        self.run_ids.append(result["run_id"])
        self.item = {}
        return True


@contextmanager
def flowing(*streams: Stream) -> Iterator[None]:
    for stream in streams:
        stream.start()
    try:
        yield
    finally:
        for stream in streams:
            stream.stop()
