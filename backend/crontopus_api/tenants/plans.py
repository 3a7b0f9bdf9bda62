"""What each plan allows. One table, read wherever a quota is kept."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """`jobs`: definitions in the repository; `repository_bytes`: what the repository may take on the disk.

    `run_days`: how long runs are kept; `failure_days`: those that went wrong, which people look up for longer.
    """

    name: str
    jobs: int
    repository_bytes: int
    run_days: int = 90
    failure_days: int = 180


_MIB = 1 << 20
PLANS = {
    plan.name: plan
    for plan in (
        Plan("free", jobs=20, repository_bytes=100 * _MIB, run_days=7, failure_days=30),
        Plan("team", jobs=1_000, repository_bytes=500 * _MIB, run_days=90, failure_days=180),
        Plan("business", jobs=20_000, repository_bytes=2_000 * _MIB, run_days=365, failure_days=730),
    )
}
DEFAULT_PLAN = "business"
