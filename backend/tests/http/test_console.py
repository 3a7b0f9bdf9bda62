"""The built console and the API reference in a real Chromium, under the policy that is sent with them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import async_playwright

from crontopus_api.settings import Settings

from ..platform import PASSWORD
from .process import ApiProcess, api_process

CHROMIUM = shutil.which("chromium")
needs_both = pytest.mark.skipif(
    CHROMIUM is None or Settings().built_console is None,
    reason="needs Debian's chromium, and the built console: scripts/bootstrap console",
)
PAGES = {
    "/jobs": "main",
    "/jobs/new": "main",
    "/jobs/import": "main",
    "/jobs/default/hello": "main",
    "/jobs/default/hello/edit": ".cm-content, form",
    "/runs": "main",
    "/endpoints": "main",
    "/incidents": "main",
    "/reports": "main",
    "/repository": "main",
    "/tokens": "main",
    "/nothing-here": "main",
    "/api/docs": ".swagger-ui .info",
}
"""What must be there before the page is done, by address."""


@pytest.fixture
def api(database_url: str, tmp_path: Path) -> Iterator[ApiProcess]:
    with api_process(database_url, tmp_path) as running:
        yield running


async def _complaints(api: ApiProcess) -> tuple[list[str], int]:
    """What the browser refused or did not understand, and how many elements the pages had in all."""
    said: list[str] = []
    elements = 0
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = await (await browser.new_context()).new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: said.append(f"exception: {error}"))
        page.on("console", lambda message: _hear(said, page.url, message))
        await page.goto(f"{api.url}/sign-in")
        await page.get_by_label("Username or email").fill("ada")
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/jobs")
        for path, sign in PAGES.items():
            await page.goto(f"{api.url}{path}")
            await page.wait_for_selector(sign)
            elements += await page.evaluate("document.querySelectorAll('*').length")
        await browser.close()
    return said, elements


def _hear(said: list[str], url: str, message: Any) -> None:
    if "Content Security Policy" in message.text or "Permissions-Policy" in message.text:
        said.append(f"{url}: {message.text}")


@needs_both
async def test_the_console_runs_under_its_policy(api: ApiProcess) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": PASSWORD, "mode": "token"}
    async with httpx.AsyncClient(base_url=f"{api.url}/api/v1", trust_env=False) as client:
        token = (await client.post("/auth/register", json=body)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        job = {"spec": {"schedule": "every 15m"}}
        await client.put("/jobs/default/hello", json=job, headers=headers)
    said, elements = await _complaints(api)
    assert said == []
    assert elements > 50 * len(PAGES)
