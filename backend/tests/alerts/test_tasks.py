"""A delivery is tried again whatever went wrong, until there is nothing left to hope for."""

from datetime import UTC, datetime, timedelta

import procrastinate
import psycopg
import pytest
from procrastinate.testing import InMemoryConnector

from crontopus_api.alerts.channels.notification import DeliveryFailed
from crontopus_api.alerts.incidents import DELIVER, delivery_lock
from crontopus_api.alerts.tasks import register
from crontopus_api.kit.mail import Mailer, MailNotSent


async def _attempt(error: Exception) -> str:
    """What becomes of the job of a delivery that ends in `error`."""

    class Broken:
        async def deliver(self, *_: object, **__: object) -> None:
            raise error

    connector = InMemoryConnector()
    app = procrastinate.App(connector=connector)
    register(app, Broken())  # type: ignore[arg-type]
    async with app.open_async():
        about = {"tenant_id": "0" * 32, "channel": "email", "target": "a@example.org"}
        await app.configure_task(DELIVER).defer_async(**about)
        await app.run_worker_async(wait=False, install_signal_handlers=False)
    return str(connector.jobs[1]["status"])


@pytest.mark.parametrize(
    "error",
    [
        DeliveryFailed("451 later"),
        psycopg.OperationalError("the database went away"),
        RuntimeError("a defect"),
    ],
)
async def test_no_error_ends_a_delivery_at_once(error: Exception) -> None:
    assert await _attempt(error) == "todo"


async def test_a_mail_server_of_an_unknown_kind_is_said_so() -> None:
    mailer = Mailer("mail://localhost", "c@example.org")
    with pytest.raises(MailNotSent, match="CRONTOPUS_SMTP_URL"):
        await mailer.send(mailer.compose("a@example.org", "A subject", "a text", "1"))


async def test_what_must_wait_is_asked_for_again_once() -> None:
    class Pausing:
        async def deliver(self, *_: object, **__: object) -> timedelta:
            return timedelta(seconds=4.2)

    connector = InMemoryConnector()
    app = procrastinate.App(connector=connector)
    register(app, Pausing())  # type: ignore[arg-type]
    began = datetime.now(UTC)
    async with app.open_async():
        for _ in range(3):
            about = {"tenant_id": "0" * 32, "channel": "email", "target": "a@example.org"}
            await app.configure_task(DELIVER).defer_async(**about)
        await app.run_worker_async(wait=False, install_signal_handlers=False)
    [later] = [job for job in connector.jobs.values() if job["status"] == "todo"]
    assert later["scheduled_at"] - began >= timedelta(seconds=5)
    assert later["lock"] == delivery_lock("0" * 32, "email", "a@example.org")
