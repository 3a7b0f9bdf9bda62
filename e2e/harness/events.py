"""The server-sent events of a tenant, as a console receives them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from harness.waiting import eventually


class EventStream:
    def __init__(self) -> None:
        self.topics: list[str] = []
        self.connected = False
        self._lock = threading.Lock()

    def take(self, line: str) -> None:
        with self._lock:
            self.connected = True
            if line.startswith("data: "):
                self.topics += json.loads(line.removeprefix("data: "))["topics"]

    def clear(self) -> None:
        with self._lock:
            self.topics.clear()


@contextmanager
def listening(base_url: str, token: str) -> Iterator[EventStream]:
    """The events that arrive while the block runs."""
    stream = EventStream()
    timeout = httpx.Timeout(30, read=40)
    client = httpx.Client(timeout=timeout, trust_env=False)
    request = client.build_request(
        "GET", f"{base_url}/api/v1/events", headers={"Authorization": f"Bearer {token}"}
    )
    response = client.send(request, stream=True)
    assert response.status_code == 200, response.status_code

    def read() -> None:
        try:
            for line in response.iter_lines():
                stream.take(line)
        except (httpx.TransportError, httpx.StreamError):
            return  # the block has ended and closed the connection

    reader = threading.Thread(target=read, name="events", daemon=True)
    reader.start()
    try:
        eventually(lambda: stream.connected, "the event stream speaks", within=10)
        yield stream
    finally:
        response.close()
        client.close()
