"""One's own account: address, password, second factor, sessions, what has happened."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from crontopus_api.identity import account_schemas as shapes
from crontopus_api.identity.addresses import AddressService
from crontopus_api.identity.answers import Configured, session_out
from crontopus_api.identity.dependencies import CurrentPerson
from crontopus_api.identity.passwords import PasswordService
from crontopus_api.identity.schemas import SessionOut
from crontopus_api.identity.second_factors import SecondFactors
from crontopus_api.identity.sessions import SessionService
from crontopus_api.kit.paging import Page, PageQuery, decode_uuid_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])

Addresses = Annotated[AddressService, Depends(provided(AddressService))]
Passwords = Annotated[PasswordService, Depends(provided(PasswordService))]
Factors = Annotated[SecondFactors, Depends(provided(SecondFactors))]
Sessions = Annotated[SessionService, Depends(provided(SessionService))]


@router.post("/verify-email", status_code=204, responses=problem_responses(409, 422, 429))
async def verify_email(body: shapes.ByLink, addresses: Addresses) -> None:
    """Confirm the address of a new account, by the link in the email. It can be used from then on."""
    await addresses.verify(body.token)


@router.post("/verify-email/resend", status_code=202, responses=problem_responses(422, 429))
async def resend_verification(body: shapes.ByAddress, addresses: Addresses) -> shapes.Sent:
    """Another link. The answer is the same whether or not there is anything to confirm."""
    await addresses.resend(body.email)
    return shapes.Sent()


@router.post("/password/forgot", status_code=202, responses=problem_responses(422, 429))
async def forgot_password(body: shapes.ByAddress, passwords: Passwords) -> shapes.Sent:
    """Send a link that sets a new password. The answer is the same whether or not there is such an account."""
    await passwords.forgot(body.email)
    return shapes.Sent()


@router.post("/password/reset", status_code=204, responses=problem_responses(422, 429))
async def reset_password(body: shapes.ResetPassword, passwords: Passwords) -> None:
    """Set a new password by the link in the email. All sessions end; API tokens go on."""
    await passwords.reset(body.token, body.password)


@router.post("/password", status_code=204, responses=problem_responses(401, 403, 409, 422, 429))
async def change_password(body: shapes.NewPassword, person: CurrentPerson, passwords: Passwords) -> None:
    """All your other sessions end; API tokens go on."""
    await passwords.change(person, current=body.current, new=body.new)


@router.post("/email", status_code=202, responses=problem_responses(401, 403, 409, 422, 429))
async def change_email(body: shapes.NewEmail, person: CurrentPerson, addresses: Addresses) -> shapes.Sent:
    """Ask for another address. It takes the place of the old one once the link in the email to it is opened."""
    await addresses.ask_change(person, email=body.email, password=body.password)
    return shapes.Sent()


@router.post("/email/confirm", status_code=204, responses=problem_responses(409, 422, 429))
async def confirm_email(body: shapes.ByLink, addresses: Addresses) -> None:
    """Confirm the new address, by the link in the email."""
    await addresses.confirm_change(body.token)


@router.get("/totp", responses=problem_responses(401, 403))
async def totp(person: CurrentPerson, factors: Factors) -> shapes.TotpOut:
    enabled, left = await factors.state(person)
    return shapes.TotpOut(enabled=enabled, recovery_codes_left=left)


@router.post("/totp", responses=problem_responses(401, 403, 409, 422, 429))
async def start_totp(
    body: shapes.PasswordAgain, person: CurrentPerson, factors: Factors
) -> shapes.TotpSecret:
    """A secret for an authenticator app. Two-step sign-in is on once a code was sent to `/auth/totp/confirm`."""
    secret, uri = await factors.start(person, body.password)
    return shapes.TotpSecret(secret=secret, uri=uri)


@router.post("/totp/confirm", responses=problem_responses(401, 403, 409, 422, 429))
async def confirm_totp(
    body: shapes.CodeOnly, person: CurrentPerson, factors: Factors
) -> shapes.RecoveryCodes:
    """Turn two-step sign-in on. Keep the recovery codes: they are not shown again."""
    return shapes.RecoveryCodes(recovery_codes=await factors.confirm(person, body.code))


@router.delete("/totp", status_code=204, responses=problem_responses(401, 403, 409, 422, 429))
async def disable_totp(body: shapes.PasswordAndCode, person: CurrentPerson, factors: Factors) -> None:
    """Turn two-step sign-in off. The code may be a recovery code."""
    await factors.disable(person, body.password, body.code)


@router.post("/totp/recovery-codes", responses=problem_responses(401, 403, 409, 422, 429))
async def renew_recovery_codes(
    body: shapes.PasswordAndCode, person: CurrentPerson, factors: Factors
) -> shapes.RecoveryCodes:
    """New recovery codes; the old ones are void."""
    return shapes.RecoveryCodes(recovery_codes=await factors.renew_codes(person, body.password, body.code))


@router.get("/sessions", responses=problem_responses(401, 403, 422))
async def list_sessions(
    page: Annotated[PageQuery, Query()], person: CurrentPerson, sessions: Sessions
) -> Page[shapes.SessionItem]:
    """Where you are signed in, in all your tenants, newest first."""
    found = await sessions.all(person, before=decode_uuid_cursor(page.cursor), limit=page.limit + 1)
    shown, last = split_page(found, page.limit)
    return Page(
        items=[shapes.SessionItem.model_validate(each) for each in shown],
        next_cursor=encode_cursor(last.id) if last else None,
    )


@router.delete("/sessions", status_code=204, responses=problem_responses(401, 403))
async def end_other_sessions(person: CurrentPerson, sessions: Sessions) -> None:
    """End all your sessions but this one."""
    await sessions.end_others(person)


@router.delete("/sessions/{session_id}", status_code=204, responses=problem_responses(401, 403, 404, 422))
async def end_session(session_id: UUID, person: CurrentPerson, sessions: Sessions) -> None:
    await sessions.end(person, session_id)


@router.post("/switch", responses=problem_responses(401, 403, 404, 422))
async def switch(
    body: shapes.Switch, person: CurrentPerson, response: Response, sessions: Sessions, settings: Configured
) -> SessionOut:
    """Go on in another of your tenants: a new session there until this one would have ended; this one ends now."""
    return session_out(response, settings, await sessions.switch(person, body.tenant))


@router.get("/activity", responses=problem_responses(401, 403, 422))
async def activity(
    page: Annotated[PageQuery, Query()], person: CurrentPerson, sessions: Sessions
) -> Page[shapes.ActivityItem]:
    """What was done to your account, from where, newest first."""
    found = await sessions.activity(person, before=decode_uuid_cursor(page.cursor), limit=page.limit + 1)
    shown, last = split_page(found, page.limit)
    items = [
        shapes.ActivityItem(
            id=each.id,
            at=each.at,
            action=each.action,
            subject=each.subject_name,
            by=None if each.actor_id == person.user_id else each.actor_name,
            address=each.address,
            agent=each.agent,
            before=each.before,
            after=each.after,
        )
        for each in shown
    ]
    return Page(items=items, next_cursor=encode_cursor(last.id) if last else None)
