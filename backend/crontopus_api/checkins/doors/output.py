"""A request's body as the output of a run: head and tail of it, in bounded memory."""

from crontopus_api.checkins.doors.asgi import Request
from crontopus_api.checkins.records import Output

BODY_LIMIT = 64 * 1024
_HEAD = BODY_LIMIT // 2
_TAIL = BODY_LIMIT - _HEAD


async def read_output(request: Request) -> Output | None:
    """What was sent; of more than `BODY_LIMIT` bytes the first and the last, as the agent keeps them.

    A failing program says why at the end of its output, and what it was about at the beginning.
    """
    chunk, more = await request.chunk()
    if not more and len(chunk) <= BODY_LIMIT:  # nearly always
        return Output(chunk, len(chunk), False) if chunk else None
    head, tail, total = bytearray(chunk[:_HEAD]), bytearray(chunk[_HEAD:]), len(chunk)
    while more:
        chunk, more = await request.chunk()
        total += len(chunk)
        room = _HEAD - len(head)
        head += chunk[:room]
        tail += chunk[room:]
        del tail[:-_TAIL]
    del tail[:-_TAIL]
    left_out = total - len(head) - len(tail)
    gap = f"\n… {left_out} bytes left out …\n".encode() if left_out else b""
    return Output(bytes(head + gap + tail), total, bool(left_out)) if total else None
