"""What is kept of an output: what the job's manifest says, whichever door it came by. Pure."""

from crontopus_api.checkins.records import Output
from crontopus_api.checkins.runs.head_tail import HeadTail
from crontopus_api.checkins.runs.redaction import redact
from crontopus_api.jobs.expectation import Expectation

# The line that says how much was left out, where the sender or the door has cut already.
_GAP = 64


def joined(expected: Expectation, earlier: Output, later: Output) -> Output:
    """What messages say of one run, one after the other, each from a line's beginning on; cut to the job's limit."""
    both = earlier.content and later.content
    gap = b"\n" if both and not earlier.content.endswith(b"\n") else b""
    missing = sum(max(0, each.total_bytes - len(each.content)) for each in (earlier, later))
    both_ends = HeadTail(expected.output_bytes, expected.capture, missing)
    for piece in (earlier.content, gap, later.content):
        both_ends.add(piece)
    cut = both_ends.output()
    if cut is None:
        return later
    total = earlier.total_bytes + len(gap) + later.total_bytes
    return Output(cut.content, total, cut.truncated or earlier.truncated or later.truncated)


def kept(expected: Expectation, output: Output) -> Output | None:
    """Without what must not be kept, and cut to the job's limit; None: nothing is to be kept.

    Blotted out before it is cut: half a password would not be recognised.
    """
    content = redact(expected.redact, output.content) if expected.redact else output.content
    limit = expected.output_bytes + (_GAP if output.truncated else 0)
    if expected.capture == "headtail" and len(content) <= limit:
        return output if content is output.content else Output(content, output.total_bytes, output.truncated)
    both_ends = HeadTail(expected.output_bytes, expected.capture)
    both_ends.add(content)
    cut = both_ends.output()
    if cut is None:
        return None
    return Output(cut.content, max(output.total_bytes, cut.total_bytes), output.truncated or cut.truncated)
