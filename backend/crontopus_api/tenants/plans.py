"""What each plan allows. One table, read wherever a quota is kept."""

from dataclasses import dataclass

from crontopus_api.kit.errors import Forbidden


@dataclass(frozen=True)
class Plan:
    """`jobs`: definitions in the repository; `repository_bytes`: what the repository may take on the disk.

    `endpoints`: those that are not revoked; `members`: people, and open invitations; `channels`: where notifications
    go. `check_ins_per_minute`: of one endpoint or ping key.
    `run_days`: how long runs are kept; `failure_days`: those that went wrong, which people look up for longer.
    """

    name: str
    jobs: int
    repository_bytes: int
    endpoints: int = 10_000
    members: int = 1_000
    channels: int = 500
    check_ins_per_minute: int = 6_000
    run_days: int = 90
    failure_days: int = 180


_MIB = 1 << 20
PLANS = {
    plan.name: plan
    for plan in (
        Plan(
            "free",
            jobs=20,
            repository_bytes=100 * _MIB,
            endpoints=5,
            members=3,
            channels=3,
            check_ins_per_minute=60,
            run_days=7,
            failure_days=30,
        ),
        Plan(
            "team",
            jobs=1_000,
            repository_bytes=500 * _MIB,
            endpoints=200,
            members=50,
            channels=50,
            check_ins_per_minute=600,
            run_days=90,
            failure_days=180,
        ),
        Plan(
            "business",
            jobs=20_000,
            repository_bytes=2_000 * _MIB,
            endpoints=10_000,
            members=1_000,
            channels=500,
            check_ins_per_minute=6_000,
            run_days=365,
            failure_days=730,
        ),
    )
}
DEFAULT_PLAN = "business"


def used_up(plan: Plan, limit: str, what: str) -> Forbidden:
    """The refusal of one more of `what`, as everybody hears it: the plan, its limit, and what to do."""
    return Forbidden(
        f"The plan {plan.name} has room for {getattr(plan, limit)} {what}, and no more.",
        code=f"quota_{limit}",
        hint="Remove what is no longer needed, or ask your operator for a larger plan.",
    )
