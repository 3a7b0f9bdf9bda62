"""Every table in one import, for migrations. Nothing else imports this module."""

from crontopus_api.alerts import models as alerts
from crontopus_api.checkins import models as checkins
from crontopus_api.checkins.keys import models as keys
from crontopus_api.checkins.pending import models as pending
from crontopus_api.endpoints import models as endpoints
from crontopus_api.identity import models as identity
from crontopus_api.jobs import models as jobs
from crontopus_api.tenants import models as tenants

__all__ = ["alerts", "checkins", "endpoints", "identity", "jobs", "keys", "pending", "tenants"]
