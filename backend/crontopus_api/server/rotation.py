"""`crontopus-server rotate-keys`: what is sealed with the previous secret is sealed with the present one.

Value by value, in batches that are each a transaction: it may be killed at any time and run again, and whatever is
sealed with the present secret already is left alone. Everything serves meanwhile, with both secrets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.composition import signer_of
from crontopus_api.kit.crypto import Keyring, Place, SealBroken
from crontopus_api.kit.database import Database, Scope
from crontopus_api.server.errors import ServerError
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings, load_previous_secret_key, load_secret_key

_BATCH = 500


@dataclass(frozen=True)
class Sealed:
    """A column of sealed values, of tenants or of persons. `row`: what `Place` calls the row. `keys`: with the owner's
    column the primary key. `digest`: the column by which the same value is looked up."""

    table: str
    column: str
    owner: Literal["tenant_id", "user_id"]
    row: Callable[[Row[Any]], str]
    keys: tuple[str, ...] = ()
    digest: str | None = None


SEALED = (
    Sealed("tenant_ping_keys", "sealed", "tenant_id", lambda _: "ping-key", digest="digest"),
    Sealed(
        "job_ping_keys", "sealed", "tenant_id", lambda row: str(row.job_id), keys=("job_id",), digest="digest"
    ),
    Sealed("channels", "secret", "tenant_id", lambda row: str(row.id), keys=("id",)),
    Sealed("second_factors", "secret", "user_id", lambda _: "secret"),
)
# cross-tenant: whose values there are to go through
_TENANTS = text("SELECT id FROM tenants ORDER BY id")
_PEOPLE = text("SELECT id FROM users ORDER BY id")
_RETIRE = text(
    "INSERT INTO retired_signers (public_key, retired_at, successor, signature)"
    " VALUES (:key, :at, :successor, :signature) ON CONFLICT DO NOTHING"
)


async def rotate(settings: Settings, console: Console) -> None:
    """Raises ServerError when there is no previous secret, or values that neither secret opens."""
    secret, previous = load_secret_key(settings), load_previous_secret_key(settings)
    if previous is None or previous == secret:
        raise ServerError(
            "There is no previous secret to rotate from. Put the present one in CRONTOPUS_SECRET_KEY_PREVIOUS and a new"
            " one in CRONTOPUS_SECRET_KEY, restart everything, then run this. When the secret was generated: --new."
        )
    with ensure_database(settings) as url:
        database = Database(url, pool_size=2)
        try:
            await _retire_signer(database, previous, secret)
            await _reseal_all(database, Keyring(secret, previous), console)
        finally:
            await database.close()


async def _retire_signer(database: Database, previous: bytes, secret: bytes) -> None:
    """First: the last that the old key signs is which one follows it, whatever becomes of the rest."""
    old, new, at = signer_of(previous), signer_of(secret).public_key, datetime.now(UTC).replace(microsecond=0)
    async with database.session(Scope(role="crontopus_scanner")) as session:
        values = {
            "key": old.public_key,
            "at": at,
            "successor": new,
            "signature": old.succeeded_by(new, at),
        }
        await session.execute(_RETIRE, values)


async def _reseal_all(database: Database, keyring: Keyring, console: Console) -> None:
    owners = {
        "tenant_id": await _ids(database, "crontopus_scanner", _TENANTS),
        "user_id": await _ids(database, "crontopus_operator", _PEOPLE),
    }
    work = [(sealed, owner) for sealed in SEALED for owner in owners[sealed.owner]]
    done, broken = 0, 0
    with Progress(console=console, transient=True) as progress:
        for sealed, owner in progress.track(work, description="Sealing anew"):
            resealed, unopened = await _reseal(database, keyring, sealed, owner)
            done, broken = done + resealed, broken + unopened
    console.print(f"{done} values are sealed with the new secret now.")
    if broken:
        raise ServerError(f"{broken} values open with neither secret; they were left as they are.")


async def _ids(
    database: Database, role: Literal["crontopus_scanner", "crontopus_operator"], query: TextClause
) -> Sequence[UUID]:
    async with database.session(Scope(role=role)) as session:
        return (await session.scalars(query)).all()


async def _reseal(database: Database, keyring: Keyring, sealed: Sealed, owner: UUID) -> tuple[int, int]:
    """(values sealed anew, values that do not open) of one tenant or person."""
    scope = Scope(tenant_id=owner) if sealed.owner == "tenant_id" else Scope(user_id=owner)
    done = broken = 0
    after: tuple[Any, ...] | None = None
    while True:
        async with database.session(scope) as session:
            rows = await _batch(session, sealed, owner, after)
            for row in rows:
                place = Place(sealed.table, owner, sealed.row(row))
                try:
                    new = keyring.reseal(row.value, place)
                except SealBroken:
                    broken += 1
                    continue
                if new is not None:
                    await _write(session, sealed, owner, row, new, keyring)
                    done += 1
        if len(rows) < _BATCH or not sealed.keys:
            return done, broken
        after = tuple(getattr(rows[-1], key) for key in sealed.keys)


async def _batch(
    session: AsyncSession, sealed: Sealed, owner: UUID, after: tuple[Any, ...] | None
) -> Sequence[Row[Any]]:
    """The next rows in order of their keys, locked."""
    keys = ", ".join(sealed.keys)
    beyond = f"AND ({keys}) > ({', '.join(f':{key}' for key in sealed.keys)})" if after else ""
    query = text(
        f"SELECT {', '.join((*sealed.keys, f'{sealed.column} AS value'))} FROM {sealed.table}"  # noqa: S608 - our own
        f" WHERE {sealed.owner} = :owner AND {sealed.column} IS NOT NULL"
        f" {beyond} {f'ORDER BY {keys}' if keys else ''} LIMIT {_BATCH} FOR UPDATE"
    )
    return (
        await session.execute(query, {"owner": owner, **dict(zip(sealed.keys, after or (), strict=False))})
    ).all()


async def _write(
    session: AsyncSession, sealed: Sealed, owner: UUID, row: Row[Any], new: bytes, keyring: Keyring
) -> None:
    changed, values = f"{sealed.column} = :value", {"value": new, "owner": owner}
    if sealed.digest is not None:
        opened = keyring.open(new, Place(sealed.table, owner, sealed.row(row)))
        changed += f", {sealed.digest} = :digest"
        values["digest"] = keyring.lookup(opened.decode())
    this = "".join(f" AND {name} = :{name}" for name in sealed.keys)
    statement = text(f"UPDATE {sealed.table} SET {changed} WHERE {sealed.owner} = :owner{this}")  # noqa: S608 - our own names
    await session.execute(statement, values | {key: getattr(row, key) for key in sealed.keys})
