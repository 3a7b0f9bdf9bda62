"""A real worker process does both: deliveries, and the letters that ask addresses."""

import asyncio
import os
import sys

from ..platform import Person, Platform
from ..postgres import service_url
from .acting import make_channel
from .mail import Sink


async def test_a_worker_delivers_and_asks(
    platform: Platform, ada: Person, sink: Sink, database_url: str
) -> None:
    settings = platform.services.settings
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CRONTOPUS_DATABASE_URL": service_url(database_url),
        "CRONTOPUS_DATA_DIR": str(settings.data_dir),
        "CRONTOPUS_SMTP_URL": f"smtp://127.0.0.1:{sink.port}",
        "CRONTOPUS_LOG_LEVEL": "error",
    }
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crontopus_api.server", "worker", env=environment
    )
    try:
        await make_channel(ada, {"kind": "email", "to": ["team@example.com"]})
        await platform.ping((await ada.put_job())["ping_url"] + "/fail")
        await asyncio.to_thread(sink.await_count, 2)
    finally:
        worker.terminate()
        await worker.wait()
    told = {str(message["To"]): str(message["Subject"]) for message in sink.messages}
    assert told == {
        "team@example.com": "May ada send you notifications?",
        "ada@example.org": "[Error] default/hello is failing",
    }
