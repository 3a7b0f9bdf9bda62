from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crontopus_api.gitstore.embedded.hook import install_hook


def test_first_requests_at_once_install_one_hook(tmp_path: Path) -> None:
    """Every request makes sure of the hook, in a thread of its own; the first ones find none."""
    for attempt in range(20):
        root = tmp_path / str(attempt)
        root.mkdir()
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(install_hook, [root] * 16))
        assert [path.name for path in (root / "hooks").iterdir()] == ["pre-receive"]
