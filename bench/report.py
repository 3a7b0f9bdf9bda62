"""How every benchmark tells its result."""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0–1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "p50_ms": round(statistics.median(seconds) * 1000, 2),
        "p99_ms": round(percentile(seconds, 0.99) * 1000, 2),
    }


def tell(name: str, rows: Mapping[str, Mapping[str, float]], shortfalls: Sequence[str]) -> None:
    """Print the table, write the JSON, end in one line of verdict; exit 1 with --check when short."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    table = Table("", *columns, box=None)
    for label, row in rows.items():
        table.add_row(label, *(str(row.get(column, "")) for column in columns))
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    result = {"name": name, "rows": rows, "shortfalls": list(shortfalls)}
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{name}: short: {'; '.join(shortfalls)}\n" if shortfalls else f"{name}: ok\n")
    if shortfalls and "--check" in sys.argv:
        raise SystemExit(1)


def cpu_seconds(pid: int) -> float:
    """Of all threads, by the scheduler's own account: /proc/PID/stat counts in ticks, and who idles has few."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text(encoding="utf-8").split()[0]) for task in tasks) / 1e9
