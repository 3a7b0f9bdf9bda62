"""Request bodies that git clients send gzipped, unfolded piece by piece so that their true size is bounded.

`git http-backend` unfolds them too, but without a bound: 5 MB, allowed as a request, kept `git upload-pack`
busy for minutes.
"""

import zlib
from collections.abc import Iterator

_PIECE = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS


class BadGzip(Exception):
    """Not gzip, damaged, cut off, or followed by something else."""


class Gunzip:
    """One body: `pieces` of all that comes, then `end`."""

    def __init__(self) -> None:
        self._unfold = zlib.decompressobj(_GZIP)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What `data` unfolds to, at most 64 KiB at a time and no further than it is read."""
        while data:
            if self._unfold.eof:
                raise BadGzip("the request's gzip body goes on behind its end")
            try:
                piece = self._unfold.decompress(data, _PIECE)
            except zlib.error as error:
                raise BadGzip("the request's body is not gzip, as its head says") from error
            data = self._unfold.unconsumed_tail or self._unfold.unused_data
            if piece:
                yield piece

    def end(self) -> None:
        if not self._unfold.eof:
            raise BadGzip("the request's gzip body is cut off")
