"""`crontopus-server reproject`: the database says again what Git says, and the differences are told."""

from rich.console import Console
from rich.progress import Progress

from crontopus_api.composition import Services, compose
from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.jobs.projection.rebuilding import Rebuilt
from crontopus_api.jobs.repositories import Standing, all_standings
from crontopus_api.kit.database import Scope
from crontopus_api.server.errors import ServerError
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

_MOST_SHOWN = 20


async def reproject(settings: Settings, slugs: list[str]) -> bool:
    """Rebuild the named tenants, or all; whether everything was as it should be. Raises ServerError."""
    with ensure_database(settings) as url:
        services = compose(settings, url)
        try:
            return await _all(services, slugs)
        finally:
            await services.close()


async def _all(services: Services, slugs: list[str]) -> bool:
    console = Console(highlight=False)
    failed = differing = 0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for at in progress.track(await _wanted(services, slugs), description="Reading repositories"):
            try:
                rebuilt = await services.rebuilder.rebuild(at.tenant_id)
            except GitStoreError as error:
                # The other tenants are still to be done.
                failed += 1
                console.print(f"{at.slug}: not done: {error}", markup=False)
                continue
            differing += bool(rebuilt.differences)
            _tell(console, at.slug, rebuilt)
    if failed:
        raise ServerError(f"{failed} repositories could not be read; the others are done")
    return not differing


async def _wanted(services: Services, slugs: list[str]) -> list[Standing]:
    async with services.database.session(Scope(role="crontopus_scanner")) as session:
        standings = [at for at in await all_standings(session) if at.made]
    unknown = set(slugs) - {at.slug for at in standings}
    if unknown:
        raise ServerError(f"there is no repository of {', '.join(sorted(unknown))}")
    return [at for at in standings if not slugs or at.slug in slugs]


def _tell(console: Console, slug: str, rebuilt: Rebuilt) -> None:
    where = rebuilt.commit[:12] if rebuilt.commit else "no commit"
    verdict = f"{len(rebuilt.differences)} differences" if rebuilt.differences else "as in Git"
    console.print(f"{slug}: {rebuilt.jobs} jobs at {where}, {verdict}", markup=False)
    for difference in rebuilt.differences[:_MOST_SHOWN]:
        console.print(f"  {difference.path}: {difference.what}", markup=False)
    if len(rebuilt.differences) > _MOST_SHOWN:
        console.print(f"  … and {len(rebuilt.differences) - _MOST_SHOWN} more", markup=False)
