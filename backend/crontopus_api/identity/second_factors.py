"""Two-step sign-in: TOTP (RFC 6238) and recovery codes."""

import hashlib
import secrets
from typing import Final, Literal
from uuid import UUID

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import accounts_repository, repository
from crontopus_api.identity import second_factors_repository as factors
from crontopus_api.identity.accounts import Accounts
from crontopus_api.identity.mails import AccountMails
from crontopus_api.identity.models import SecondFactor, User
from crontopus_api.identity.passwords import PasswordService
from crontopus_api.identity.principal import Principal
from crontopus_api.kit.audit import Actor
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.crypto import Keyring, Place
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Conflict, Forbidden, NotFound, Unauthenticated

_ISSUER: Final = "Crontopus"
_CODES: Final = 10
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4  # 79 bits: a plain hash of it cannot be reversed by guessing
# Steps of 30 s to either side, for clocks that differ.
_WINDOW = 1

Outcome = Literal["off", "missing", "wrong", "totp", "recovery code"]


def place(user_id: UUID) -> Place:
    """Where the sealed secret is stored: `second_factors.secret`. It belongs to a person, so theirs is the id."""
    return Place("second_factors", user_id, "secret")


class SecondFactors:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        keyring: Keyring,
        accounts: Accounts,
        mails: AccountMails,
        passwords: PasswordService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keyring = keyring
        self._accounts = accounts
        self._mails = mails
        self._passwords = passwords

    async def state(self, principal: Principal) -> tuple[bool, int]:
        """(whether it is on, how many recovery codes are left)."""
        user_id = _owner(principal)
        async with self._database.session(Scope(user_id=user_id)) as session:
            factor = await factors.find(session, user_id)
            on = factor is not None and factor.confirmed_at is not None
            return on, await factors.codes_left(session, user_id) if on else 0

    async def start(self, principal: Principal, password: str) -> tuple[str, str]:
        """(secret, otpauth URI) for an authenticator app. It is on once a code of it was given to `confirm`.

        Raises Forbidden for a wrong password, Conflict when it is on already.
        """
        user = await self._passwords.confirm(principal, password)
        secret = pyotp.random_base32()
        async with self._database.session(Scope(user_id=user.id)) as session:
            present = await factors.find(session, user.id, lock=True)
            if present is not None and present.confirmed_at is not None:
                raise Conflict(
                    "Two-step sign-in is on already.", code="totp_enabled", hint="Turn it off first."
                )
            factor = SecondFactor(
                user_id=user.id,
                secret=self._keyring.seal(secret.encode(), place(user.id)),
                created_at=self._clock.now(),
                last_step=0,
            )
            await factors.replace(session, factor)
        return secret, pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=_ISSUER)

    async def confirm(self, principal: Principal, code: str) -> list[str]:
        """Turn it on. Answers the recovery codes, which are shown this once.

        Raises Conflict when `start` does not come before, Forbidden for a wrong code.
        """
        user_id = _owner(principal)
        await self._passwords.count_guess(user_id)
        async with self._database.session(Scope(user_id=user_id)) as session:
            factor = await factors.find(session, user_id, lock=True)
            if factor is None or factor.confirmed_at is not None:
                raise Conflict(
                    "There is nothing to confirm.",
                    code="totp_not_started",
                    hint="Begin with POST /auth/totp.",
                )
            if not self._take(factor, code):
                raise _wrong_code()
            factor.confirmed_at = self._clock.now()
            codes = await self._new_codes(session, user_id)
            await self._tell(session, principal, "totp.enabled")
            await self._mails.queue(session, "totp_enabled", user_id)
        return codes

    async def disable(self, principal: Principal, password: str, code: str) -> None:
        """Raises Forbidden for a wrong password or code, Conflict when it is off."""
        user = await self._passwords.confirm(principal, password)
        async with self._database.session(Scope(user_id=user.id)) as session:
            await self._need(session, user, code)
            await factors.remove(session, user.id)
            await self._tell(session, principal, "totp.disabled")
            await self._mails.queue(session, "totp_disabled", user.id)

    async def reset(self, login: str, by: Actor) -> str:
        """An operator turns it off for somebody who lost both app and recovery codes; the person gets an email.

        `login`: user name or address. Answers the user name. Raises NotFound, and Conflict when it is off.
        """
        async with self._database.session() as session:
            found = await accounts_repository.find_account(session, login.strip().lower())
        if found is None:
            raise NotFound(f"There is no account {login}.")
        async with self._database.session(Scope(user_id=found.user_id)) as session:
            user = await repository.get_user(session, found.user_id)
            assert user is not None
            if not await factors.enabled(session, user.id):
                raise Conflict("Two-step sign-in is off.", code="totp_disabled")
            await factors.remove(session, user.id)
            await self._accounts.note(session, "totp.disabled", user, by=by)
            await self._mails.queue(session, "totp_disabled", user.id)
        return user.username

    async def renew_codes(self, principal: Principal, password: str, code: str) -> list[str]:
        """New recovery codes in place of the old ones. Raises as `disable` does."""
        user = await self._passwords.confirm(principal, password)
        async with self._database.session(Scope(user_id=user.id)) as session:
            await self._need(session, user, code)
            codes = await self._new_codes(session, user.id)
            await self._tell(session, principal, "totp.recovery_codes_renewed")
        return codes

    async def pass_with(self, user_id: UUID, code: str | None) -> str:
        """By what means somebody who knows the password comes in. Raises Unauthenticated when a code is lacking or
        wrong."""
        async with self._database.session(Scope(user_id=user_id)) as session:
            outcome = await self._judge(session, user_id, code)
            if outcome in {"wrong", "recovery code"}:
                await self._note_code(session, user_id, outcome)
        if outcome == "missing":
            raise Unauthenticated(
                "This account asks for a code.",
                code="second_factor_required",
                hint="Send `code` as well: from the authenticator app, or a recovery code.",
            )
        if outcome == "wrong":
            raise Unauthenticated(
                "The code is wrong, or was used already.",
                code="invalid_code",
                hint="Wait for the next one, or use a recovery code.",
            )
        return "password" if outcome == "off" else f"password and {outcome}"

    async def _judge(self, session: AsyncSession, user_id: UUID, code: str | None) -> Outcome:
        """Takes the code when it is right: it is of no use a second time."""
        factor = await factors.find(session, user_id, lock=True)
        if factor is None or factor.confirmed_at is None:
            return "off"
        if not code:
            return "missing"
        if self._take(factor, code):
            return "totp"
        used = await factors.use_code(session, user_id, _digest(user_id, code))
        return "recovery code" if used else "wrong"

    async def _need(self, session: AsyncSession, user: User, code: str) -> None:
        outcome = await self._judge(session, user.id, code)
        if outcome == "off":
            raise Conflict("Two-step sign-in is off.", code="totp_disabled")
        if outcome not in {"totp", "recovery code"}:
            raise _wrong_code()

    def _take(self, factor: SecondFactor, code: str) -> bool:
        """Whether it is a code of now, later than the last one taken; remembers it."""
        secret = self._keyring.open(factor.secret, place(factor.user_id)).decode()
        try:
            step = pyotp.TOTP(secret).verify_and_get_timecode(
                _plain(code), for_time=self._clock.now(), valid_window=_WINDOW
            )
        except OTPVerificationError:
            return False
        if step <= factor.last_step:
            return False
        factor.last_step = step
        return True

    async def _new_codes(self, session: AsyncSession, user_id: UUID) -> list[str]:
        codes = [_new_code() for _ in range(_CODES)]
        await factors.replace_codes(session, user_id, [_digest(user_id, code) for code in codes])
        return codes

    async def _note_code(self, session: AsyncSession, user_id: UUID, outcome: Outcome) -> None:
        user = await repository.get_user(session, user_id)
        assert user is not None
        if outcome == "wrong":
            await self._accounts.note(session, "session.refused", user, after={"reason": "wrong code"})
            return
        left = await factors.codes_left(session, user_id)
        await self._accounts.note(session, "totp.recovery_code_used", user, after={"left": left})
        await self._mails.queue(session, "recovery_code_used", user_id)

    async def _tell(self, session: AsyncSession, principal: Principal, action: str) -> None:
        user = await repository.get_user(session, _owner(principal))
        assert user is not None
        await self._accounts.note(session, action, user, token_id=principal.token_id)


def _owner(principal: Principal) -> UUID:
    assert principal.user_id is not None
    return principal.user_id


def _wrong_code() -> Forbidden:
    return Forbidden(
        "The code is wrong, or was used already.", code="invalid_code", hint="Wait for the next one."
    )


def _plain(code: str) -> str:
    """As people type it: with spaces, in groups, in capitals."""
    return "".join(code.split()).replace("-", "").lower()


def _new_code() -> str:
    letters = [secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP)]
    return "-".join("".join(letters[at : at + _GROUP]) for at in range(0, len(letters), _GROUP))


def _digest(user_id: UUID, code: str) -> bytes:
    return hashlib.sha256(f"{user_id}/{_plain(code)}".encode()).digest()
