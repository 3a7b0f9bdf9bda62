"""What each plan allows. One table, read wherever a quota is kept."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """`jobs`: definitions in the repository; `repository_bytes`: what the repository may take on the disk."""

    name: str
    jobs: int
    repository_bytes: int


_MIB = 1 << 20
PLANS = {
    plan.name: plan
    for plan in (
        Plan("free", jobs=20, repository_bytes=100 * _MIB),
        Plan("team", jobs=1_000, repository_bytes=500 * _MIB),
        Plan("business", jobs=20_000, repository_bytes=2_000 * _MIB),
    )
}
DEFAULT_PLAN = "business"
