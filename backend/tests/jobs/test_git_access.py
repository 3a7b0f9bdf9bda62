"""What the Git door asks the rest of the product."""

import pytest

from crontopus_api.git_access import GitAccess
from crontopus_api.gitstore.embedded.cgi import Credentials
from crontopus_api.gitstore.errors import PermissionDenied, RepositoryHidden
from crontopus_api.tenants.plans import PLANS, Plan

from ..platform import Person, Platform


async def test_a_full_repository_may_be_fetched_but_not_pushed_to(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.put_job()
    access, credentials = GitAccess(platform.services), Credentials("any", ada.token)
    await access.authorize(credentials, "ada", "write")
    monkeypatch.setitem(PLANS, "business", Plan("business", jobs=20, repository_bytes=1))
    await access.authorize(credentials, "ada", "read")
    with pytest.raises(PermissionDenied, match="quota"):
        await access.authorize(credentials, "ada", "write")


async def test_another_tenants_repository_is_not_there(platform: Platform, ada: Person) -> None:
    bob = await platform.register("bob")
    for action in ("read", "write"):
        with pytest.raises(RepositoryHidden):
            await GitAccess(platform.services).authorize(Credentials("any", bob.token), "ada", action)
