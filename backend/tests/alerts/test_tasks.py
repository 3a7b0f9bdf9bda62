"""A delivery is tried again whatever went wrong, until there is nothing left to hope for."""

from datetime import UTC, datetime, timedelta

import procrastinate
import psycopg
import pytest
from procrastinate.testing import InMemoryConnector

from crontopus_api.alerts.tasks import register
from crontopus_api.alerts.telling import DELIVER, delivery_lock
from crontopus_api.kit.mail import Mailer, MailNotSent

ABOUT = {"tenant_id": "0" * 32, "channel_id": "1" * 32, "target": "a@example.org"}


async def _run(deliveries: object, times: int = 1) -> list[dict[str, object]]:
    """The jobs that there are afterwards."""
    connector = InMemoryConnector()
    app = procrastinate.App(connector=connector)
    register(app, deliveries, None)  # type: ignore[arg-type]
    async with app.open_async():
        for _ in range(times):
            await app.configure_task(DELIVER).defer_async(**ABOUT)
        await app.run_worker_async(wait=False, install_signal_handlers=False)
    return list(connector.jobs.values())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error", [psycopg.OperationalError("the database went away"), RuntimeError("a defect")]
)
async def test_no_error_ends_a_delivery_at_once(error: Exception) -> None:
    class Broken:
        async def deliver(self, *_: object, **__: object) -> None:
            raise error

    [job] = await _run(Broken())
    assert job["status"] == "todo"
    # Behind what comes with news, or it would hold that up.
    assert job["priority"] == -1


async def test_a_mail_server_of_an_unknown_kind_is_said_so() -> None:
    mailer = Mailer("mail://localhost", "c@example.org")
    with pytest.raises(MailNotSent, match="CRONTOPUS_SMTP_URL"):
        await mailer.send(mailer.compose("a@example.org", "A subject", "a text", "1"))


async def test_what_must_wait_is_asked_for_again_once() -> None:
    class Pausing:
        async def deliver(self, *_: object, **__: object) -> timedelta:
            return timedelta(seconds=4.2)

    began = datetime.now(UTC)
    [later] = [job for job in await _run(Pausing(), 3) if job["status"] == "todo"]
    assert later["scheduled_at"] - began >= timedelta(seconds=5)  # type: ignore[operator]
    assert (later["lock"], later["priority"]) == (delivery_lock(**ABOUT), -1)


async def test_a_short_wait_is_not_swallowed_by_a_long_one() -> None:
    class Pausing:
        def __init__(self) -> None:
            self.waits = [600, 2]

        async def deliver(self, *_: object, **__: object) -> timedelta:
            return timedelta(seconds=self.waits.pop(0))

    began = datetime.now(UTC)
    waiting = [job["scheduled_at"] - began for job in await _run(Pausing(), 2) if job["status"] == "todo"]  # type: ignore[operator]
    assert min(waiting) < timedelta(seconds=5)
