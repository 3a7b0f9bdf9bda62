"""Who is told of an incident, when, and what of it again: routes, quiet hours, maintenance windows, reminders."""

from crontopus_api.alerts.routing.planning import CHANNEL_FAILING
from crontopus_api.alerts.routing.router import Router
from crontopus_api.alerts.routing.targets import (
    PER_MINUTE,
    About,
    Target,
    about_job,
    addresses,
    owners_id,
)

__all__ = [
    "CHANNEL_FAILING",
    "PER_MINUTE",
    "About",
    "Router",
    "Target",
    "about_job",
    "addresses",
    "owners_id",
]
