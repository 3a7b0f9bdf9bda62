"""Whose plan stands behind a key that reports: what the meter asks in the background."""

from collections.abc import Mapping
from uuid import UUID

from crontopus_api.checkins import repository
from crontopus_api.checkins.doors.directory import Directory
from crontopus_api.checkins.doors.names import UUID_PATTERN, Slug
from crontopus_api.identity.principal import Principal
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.database import Database, Scope
from crontopus_api.tenants.service import TenantService

_OF_API = "api:"
# The directory is asked for the tenant only, whatever jobs it has.
_ANY = Slug(None, "-")


def meter_key(principal: Principal) -> str:
    """Under which check-ins by the API are counted: per endpoint, else per token."""
    return f"{_OF_API}{principal.tenant_id}:{principal.endpoint_id or principal.token_id}"


class Senders:
    def __init__(
        self, database: Database, keyring: Keyring, tenants: TenantService, directory: Directory
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._tenants = tenants
        self._directory = directory

    async def limits(self, keys: list[str]) -> Mapping[str, int]:
        """What the plans of those keys' tenants allow a minute. Unknown keys are not in the answer."""
        found = await self._tenants_of(keys)
        async with self._database.session(Scope(role="crontopus_scanner")) as session:
            plans = await self._tenants.plans(session)
        return {
            key: plans[tenant_id].check_ins_per_minute
            for key, tenant_id in found.items()
            if tenant_id in plans
        }

    async def _tenants_of(self, keys: list[str]) -> dict[str, UUID]:
        found = {key: UUID(key.split(":")[1]) for key in keys if key.startswith(_OF_API)}
        jobs = {self._keyring.lookup(key): key for key in keys if UUID_PATTERN.fullmatch(key)}
        async with self._database.session(Scope(role="crontopus_ingest")) as session:
            for digest, tenant_id in await repository.tenants_of_job_keys(session, list(jobs)):
                found[jobs[digest]] = tenant_id
        for key in set(keys) - set(found):
            place = await self._directory.find(key, _ANY)
            if place is not None:
                found[key] = place.tenant_id
        return found
