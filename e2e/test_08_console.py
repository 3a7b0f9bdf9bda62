"""The console in a real browser: first steps, keyboard only, light and dark, narrow, accessible."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from harness.browser import Person
from harness.narrative import Story
from harness.tenant import PASSWORD, Tenant, ping
from harness.waiting import Stopwatch, eventually

Register = Callable[[str], Tenant]
PAGES = {
    "/jobs": "Jobs",
    "/jobs/default/backup": "backup",
    "/jobs/default/backup?tab=runs": "backup",
    "/jobs/default/backup?tab=manifest": "backup",
    "/jobs/new": "New job",
    "/runs": "Runs",
    "/incidents": "Incidents",
    "/endpoints": "Endpoints",
    "/tokens": "API tokens",
}
EDITORS = {"/jobs/new", "/jobs/default/backup?tab=manifest"}
# Layout does not depend on the colours: two looks show both widths and both themes.
LOOKS = [
    pytest.param(
        {"color_scheme": scheme, "viewport": {"width": width, "height": 844}}, id=f"{scheme}-{width}"
    )
    for scheme, width in (("light", 1280), ("dark", 390))
]


@pytest.fixture
def tenant(register: Register) -> Tenant:
    """Somebody with a failing job."""
    created = register("console")
    url = created.put_job("default/backup", {"schedule": "0 3 * * *"})["ping_url"]
    ping(url, body="fine\n")
    ping(url, "3", body="disk full\n")
    created.incident("default/backup", "open", within=10)
    return created


def test_first_steps(person: Person, register: Register, story: Story) -> None:
    """Sign up in the console, see what to do first, create a job, see it report"""
    username = register("x").username.replace("x-", "newcomer-")
    page = person.visit("/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_role("heading", name="Create your account").wait_for()
    page.get_by_label("Username", exact=True).fill(username)
    page.get_by_label("Email").fill(f"{username}@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    watch = Stopwatch()
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/jobs")
    page.get_by_role("heading", name="Watch a job you already have").wait_for()
    story.took("sign up → the empty state that says what to do", watch.seconds)

    page = person.visit("/jobs/new")
    page.get_by_role("button", name="Create job").click()
    page.wait_for_url("**/jobs/default/*")
    name = page.url.rsplit("/", 1)[1].split("?")[0]
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    story.tell(f"created default/{name} from the template")

    ping_url = page.get_by_text("/ping/").first.inner_text().strip()
    address = next(word for word in ping_url.split() if "/ping/" in word)
    page.evaluate("window.neverReloaded = true")
    watch = Stopwatch()
    assert ping(address, "7").status_code == 200
    page.get_by_text("exit 7").first.wait_for(timeout=5000)
    story.took("curl of the ping URL → on the open page", watch.seconds, limit=5)
    assert page.evaluate("window.neverReloaded")

    page.get_by_role("link", name="Jobs").first.click()
    expect(page.get_by_role("link", name=name)).to_be_visible()
    assert person.complaints == []


def test_keyboard_only(person: Person, tenant: Tenant, story: Story) -> None:
    """Sign in, and go to a job, with the keyboard alone"""
    page = person.visit("/sign-in")
    page.get_by_role("heading", name="Sign in").wait_for()
    strokes = reach(person, "Username or email")
    page.keyboard.type(tenant.username)
    strokes += reach(person, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs")
    expect(page.get_by_role("link", name="backup")).to_be_visible()
    strokes += reach(person, "backup")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/default/backup*")
    story.tell(f"{strokes} tabs from the sign-in page to the job")
    assert person.complaints == []


FOCUSED = """() => {
  const e = document.activeElement;
  if (e === document.body) return "";
  const label = e.labels?.[0]?.textContent ?? "";
  return (label || e.getAttribute("aria-label") || e.textContent || "").trim();
}"""


def reach(person: Person, name: str) -> int:
    """Tabs to the element of that name: how many strokes it took."""
    for strokes in range(40):
        if name in person.page.evaluate(FOCUSED):
            outline = person.page.evaluate(
                "(() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle + s.boxShadow + s.borderColor })()"
            )
            assert outline, "focus can be seen"
            return strokes
        person.page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached with Tab")


@pytest.mark.parametrize("person", LOOKS, indirect=True)
def test_pages(person: Person, tenant: Tenant, story: Story) -> None:
    """Every main page: fits, is accessible, no errors, no Content-Security-Policy violations"""
    signed_out = {"/sign-in": "Sign in", "/sign-up": "Create your account"}
    for path, heading in signed_out.items():
        look_at(person, path, heading)
    person.sign_in(tenant)
    incident = next(each for each in tenant.items("/incidents") if each["kind"] == "failing")
    run = tenant.runs("default/backup")[0]
    details = {f"/incidents/{incident['id']}": "backup", f"/runs/{run['id']}": "backup"}
    for path, heading in (PAGES | details).items():
        look_at(person, path, heading)
    story.tell(f"{len(signed_out | PAGES | details)} pages")


def look_at(person: Person, path: str, heading: str) -> None:
    page = person.visit(path)
    page.get_by_role("heading", name=heading).first.wait_for()
    page.wait_for_function("!document.querySelector('[aria-busy=true]')")
    if path in EDITORS:  # it is loaded when it is needed
        page.get_by_role("textbox", name="Manifest").wait_for()
    assert not person.scrolls_sideways(), f"{path} is wider than the window"
    findings = eventually(lambda: [person.accessibility()], "axe answers", within=20)[0]
    assert findings == [], f"{path}: {findings}"
    assert person.complaints == [], f"{path}: {person.complaints}"


@pytest.mark.parametrize(
    ("person", "theme"),
    [({"color_scheme": "light"}, "light"), ({"color_scheme": "dark"}, "dark")],
    indirect=["person"],
    ids=["light", "dark"],
)
def test_theme(person: Person, theme: str, story: Story) -> None:
    """Light and dark follow the system"""
    page = person.visit("/sign-in")
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    story.tell(f"{theme}: background {colour}")
    lightness = page.evaluate(
        """colour => { const c = document.createElement('canvas').getContext('2d');
        c.fillStyle = colour; c.fillRect(0, 0, 1, 1);
        return c.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((a, b) => a + b) / 3 }""",
        colour,
    )
    assert (lightness > 127) == (theme == "light")
