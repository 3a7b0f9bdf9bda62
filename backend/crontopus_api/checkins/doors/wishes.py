from crontopus_api.checkins.doors.asgi import Request
from crontopus_api.checkins.pending.wishes import JobWish


def read_wish(request: Request) -> JobWish | None:
    """The job that an address with `create=1` asks for; None without it."""
    if request.last("create") != "1":
        return None
    return JobWish(
        schedule=request.last("schedule") or None,
        timezone=request.last("tz") or None,
        grace=request.last("grace") or None,
        timeout=request.last("timeout") or None,
    )
