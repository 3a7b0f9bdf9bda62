"""A request's body as the output of a run: head and tail of it, in bounded memory."""

from collections.abc import AsyncIterator

from crontopus_api.checkins.records import Output

BODY_LIMIT = 64 * 1024
_HEAD = BODY_LIMIT // 2
_TAIL = BODY_LIMIT - _HEAD


async def read_output(chunks: AsyncIterator[bytes]) -> Output | None:
    """What was sent; of more than `BODY_LIMIT` bytes the first and the last, as the agent keeps them.

    A failing program says why at the end of its output, and what it was about at the beginning.
    """
    head, tail, total = bytearray(), bytearray(), 0
    async for chunk in chunks:
        total += len(chunk)
        room = _HEAD - len(head)
        head += chunk[:room]
        tail += chunk[room:]
        del tail[:-_TAIL]
    if not total:
        return None
    left_out = total - len(head) - len(tail)
    gap = f"\n… {left_out} bytes left out …\n".encode() if left_out else b""
    return Output(bytes(head + gap + tail), total, bool(left_out))
