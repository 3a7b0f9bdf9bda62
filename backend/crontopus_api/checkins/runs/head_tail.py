"""Keeps the beginning and the end of an output, as `crontopus-run` does on endpoints (capture.go). Pure."""

from collections import deque
from typing import Literal

from crontopus_api.checkins.records import Output

Capture = Literal["headtail", "head", "tail", "none"]


class HeadTail:
    """Takes an output piece by piece, in memory of about `limit` bytes however long it is.

    `missing`: bytes that were left out of the pieces before; they are told of when more has to be.
    """

    def __init__(self, limit: int, capture: Capture = "headtail", missing: int = 0) -> None:
        self._missing = missing
        self._head_room = {"headtail": limit // 2, "head": limit}.get(capture, 0)
        self._tail_room = {"headtail": limit - limit // 2, "tail": limit}.get(capture, 0)
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._total = 0

    def add(self, piece: bytes) -> None:
        self._total += len(piece)
        taken = max(0, self._head_room - len(self._head))
        self._head += piece[:taken]
        rest = piece[taken:][-self._tail_room :] if self._tail_room else b""
        if not rest:
            return
        self._tail.append(rest)
        self._tail_size += len(rest)
        while self._tail_size - len(self._tail[0]) >= self._tail_room:
            self._tail_size -= len(self._tail.popleft())

    def output(self) -> Output | None:
        """None: there was nothing, or nothing is to be kept."""
        if not self._total or not (self._head_room or self._tail_room):
            return None
        tail = b"".join(self._tail)[-self._tail_room :] if self._tail_room else b""
        left_out = self._total - len(self._head) - len(tail)
        words = f"\n… {left_out + self._missing} bytes left out …\n"
        gap = words.encode() if left_out and self._head and tail else b""
        return Output(bytes(self._head) + gap + tail, self._total, truncated=left_out > 0)
