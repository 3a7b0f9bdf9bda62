"""What other programs measure: wrk on HTTP, pgbench on the database."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report import percentile


@dataclass(frozen=True)
class Load:
    """Per second, and the 99th percentile of the time each took."""

    per_second: float
    p99_ms: float
    errors: int = 0


_WRK_P99 = re.compile(r"^\s+99%\s+([\d.]+)(us|ms|s)", re.MULTILINE)
_WRK_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)", re.MULTILINE)
_WRK_ERRORS = re.compile(
    r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)|Non-2xx or 3xx responses: (\d+)"
)
_IN_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def wrk(url: str, script: Path, *, connections: int, seconds: int, close: bool = False) -> Load:
    """POSTs as `script` says. `close`: a new connection for each, as `curl` does."""
    headers = ["-H", "Connection: close"] if close else []
    output = _run("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *headers, "-s", script, url)
    rate, p99 = _WRK_RATE.search(output), _WRK_P99.search(output)
    if rate is None or p99 is None:
        raise SystemExit(f"wrk said:\n{output}")
    errors = sum(int(number) for found in _WRK_ERRORS.findall(output) for number in found if number)
    return Load(float(rate[1]), float(p99[1]) * _IN_MS[p99[2]], errors)


def pgbench(database_url: str, script: Path, scratch: Path, *, clients: int, seconds: int) -> Load:
    """One thread of a C client with prepared statements, each transaction committed before the next."""
    prefix = scratch / "pgbench_log"
    for old in scratch.glob("pgbench_log*"):
        old.unlink()
    options = ["-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds)]
    output = _run("pgbench", *options, "-l", f"--log-prefix={prefix}", "-f", script, database_url)
    rate = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
    if rate is None:
        raise SystemExit(f"pgbench said:\n{output}")
    times = [
        int(line.split()[2]) / 1000
        for log in scratch.glob("pgbench_log*")
        for line in log.read_text(encoding="utf-8").splitlines()
    ]
    return Load(float(rate[1]), percentile(times, 0.99))


def _run(*command: object) -> str:
    words: Sequence[str] = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}:\n{done.stdout}{done.stderr}")
    return done.stdout
