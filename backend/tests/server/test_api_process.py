"""What an API process has loaded when it has started: memory that every one of them would keep for good."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crontopus_api.main import create_api
from crontopus_api.settings import Settings

# Loaded when it is asked for (single sign-on, Forgejo, Redis, a template, a redaction, traces), or never.
_NOT_AT_START = (
    "aiohttp",
    "alembic",
    "authlib",
    "httpx",
    "jinja2",
    "joserfc",
    "opentelemetry.sdk",
    "psutil",
    "pydantic.v1",
    "pygments",
    "re2",
    "redis",
    "rich",
    "typer",
    "watchfiles",
)
_START = """
import sys
from crontopus_api.server.serving import load
load()
from crontopus_api.composition import compose
from crontopus_api.main import Application
from crontopus_api.settings import Settings
settings = Settings()
Application(settings).use(compose(settings, "postgresql://nobody@127.0.0.1:1/nothing"))
print(*(name for name, module in sys.modules.items() if module is not None))
"""

_START_PINGS = """
import sys
from crontopus_api.server.serving import load
load()
import crontopus_api.ingest
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a process that is composed as the API is, with no setting but its directory."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CRONTOPUS_")}
    directory: Path = tmp_path_factory.mktemp("data")
    started = subprocess.run(
        [sys.executable, "-c", _START],
        env={**others, "CRONTOPUS_DATA_DIR": str(directory)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return set(started.stdout.split())


@pytest.mark.parametrize("library", _NOT_AT_START)
def test_a_library_that_is_seldom_needed_is_not_loaded_at_start(loaded: set[str], library: str) -> None:
    assert not {name for name in loaded if name == library or name.startswith(f"{library}.")}


def test_the_modules_of_the_process_are_seen(loaded: set[str]) -> None:
    assert {"crontopus_api.main", "fastapi", "sqlalchemy"} <= loaded


def test_the_process_for_pings_is_not_the_whole_api() -> None:
    """Each of these would be memory in a process of which there may be many."""
    loaded = subprocess.run(
        [sys.executable, "-c", _START_PINGS], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()
    others = {"alerts", "composition", "gitstore.embedded", "importers", "main", "openapi"}
    assert "crontopus_api.checkins.writer" in loaded
    assert not {f"crontopus_api.{name}" for name in others}.intersection(loaded)
    assert not {"dulwich", "httpx", "jsonschema", "procrastinate", "redis"}.intersection(loaded)


def test_each_route_is_made_once() -> None:
    """What FastAPI includes it makes anew for the first request: 5 MB."""
    api = create_api(Settings(console_dir=None))
    assert {type(route).__name__ for route in api.router.routes} <= {"APIRoute", "Route", "Mount"}
    assert len(api.router.routes) > 100
