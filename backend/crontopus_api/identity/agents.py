"""What a session is called: the browser and system that a User-Agent header claims to be."""

# The first that is in the header: each of these claims to be the ones below it, too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST = 60


def agent_name(agent: str | None) -> str:
    """`Firefox on Linux`; the header's own first word for programs; `unknown` without one."""
    if not agent or not agent.strip():
        return "unknown"
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    if browser is None:
        return agent.split()[0][:_LONGEST]
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return f"{browser} on {system}" if system else browser
