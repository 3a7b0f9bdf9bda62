"""A person's browser: Debian's Chromium, driven by Playwright, remembering what goes wrong in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

from harness.paths import FRONTEND
from harness.tenant import PASSWORD, Tenant

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 20_000
SERIOUS = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or "/usr/bin/chromium"
    # A proxy of the developer's must not stand between the browser and 127.0.0.1.
    environment: dict[str, str | float | bool] = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS, env=environment)
        yield browser
        browser.close()


class Person:
    """One browser profile with one page. What the browser complains of is in `complaints`."""

    def __init__(self, context: BrowserContext, base_url: str) -> None:
        self.context = context
        self.base_url = base_url
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        # A refused request is judged by `_answered`, which knows its status and address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _answered(self, response: Response) -> None:
        path = response.url.removeprefix(self.base_url)
        # Asking "who am I" before signing in is how the console learns that nobody is signed in.
        if response.status >= 400 and not (response.status == 401 and path == "/api/v1/auth/me"):
            self.complaints.append(f"{response.status} {response.request.method} {path}")

    def visit(self, path: str) -> Page:
        self.page.goto(f"{self.base_url}{path}")
        return self.page

    def sign_in(self, tenant: Tenant) -> None:
        page = self.visit("/sign-in")
        page.get_by_label("Username or email").fill(tenant.username)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/jobs")

    def accessibility(self) -> list[str]:
        """axe-core's serious and critical findings on the page as it stands."""
        if not self.page.evaluate("'axe' in window"):
            # By the debugging protocol, which the page's Content-Security-Policy does not hold back.
            self.page.evaluate((FRONTEND / "node_modules/axe-core/axe.min.js").read_text())
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        return [
            f"{violation['id']}: {node['html'][:120]}"
            for violation in found["violations"]
            if violation["impact"] in SERIOUS
            for node in violation["nodes"]
        ]

    def scrolls_sideways(self) -> bool:
        """Whether the page can be scrolled horizontally."""
        moved: int = self.page.evaluate(
            "() => { scrollTo(9999, 0); const moved = scrollX; scrollTo(0, 0); return moved }"
        )
        return moved > 0

    def portrait(self, file: Path) -> str:
        """What the person sees, for those who look into a failure."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=file)
        return "\n".join([f"at {self.page.url}, shown in {file}", *self.complaints])
