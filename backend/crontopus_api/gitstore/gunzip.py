"""Request bodies that git clients send gzipped, unfolded piece by piece so that their true size is bounded.

`git http-backend` unfolds them too, but without a bound: 5 MB, allowed as a request, kept `git upload-pack`
busy for minutes.
"""

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator

from crontopus_api.gitstore.smart_http import BodyRefused

_PIECE = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS


async def gunzipped(body: AsyncIterable[bytes], limit: int) -> AsyncIterator[bytes]:
    """What a gzipped body unfolds to. Raises `BodyRefused` for more than `limit` bytes, and for what is no gzip."""
    gunzip, size = Gunzip(), 0
    try:
        async for data in body:
            for piece in gunzip.pieces(data):
                size += len(piece)
                if size > limit:
                    raise BodyRefused(413, f"the request is larger than {limit} bytes")
                yield piece
        gunzip.end()
    except BadGzip as error:
        raise BodyRefused(400, str(error)) from error


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
