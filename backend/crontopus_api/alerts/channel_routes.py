"""Channels, deliveries, and what comes back from messages: links and buttons."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request

from crontopus_api.alerts import channel_schemas as schemas
from crontopus_api.alerts.channels_service import ChannelService
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.presenting import ChannelPresenter
from crontopus_api.alerts.proving import AddressProofs
from crontopus_api.alerts.sent_service import SentService
from crontopus_api.alerts.slack_actions import SlackActions
from crontopus_api.alerts.trying import ChannelTests
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.paging import Page, PageQuery, decode_uuid_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["channels"])

Channels = Annotated[ChannelService, Depends(provided(ChannelService))]
Presenter = Annotated[ChannelPresenter, Depends(provided(ChannelPresenter))]
Tests = Annotated[ChannelTests, Depends(provided(ChannelTests))]
Sent = Annotated[SentService, Depends(provided(SentService))]
Proofs = Annotated[AddressProofs, Depends(provided(AddressProofs))]
Slack = Annotated[SlackActions, Depends(provided(SlackActions))]
_read = requires(scopes.RUNS_READ)
_manage = requires(scopes.ALERTS_MANAGE)


@router.get("/channels", dependencies=[_read], responses=problem_responses(401, 403, 422))
async def list_channels(
    query: Annotated[PageQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    channels: Channels,
    presenter: Presenter,
) -> Page[schemas.ChannelOut]:
    """Where notifications go, in the order of their ids."""
    after = decode_uuid_cursor(query.cursor)
    found = await channels.page(session, principal.tenant_id, after, query.limit + 1)
    rows, last = split_page(found, query.limit)
    items = await presenter.show(session, principal.tenant_id, rows)
    return Page(items=items, next_cursor=encode_cursor(last.id) if last else None)


@router.post(
    "/channels", status_code=201, dependencies=[_manage], responses=problem_responses(401, 403, 409, 422)
)
async def create_channel(
    body: schemas.NewChannel,
    principal: CurrentPrincipal,
    session: TenantSession,
    channels: Channels,
    presenter: Presenter,
) -> schemas.MadeChannel:
    """Make one. Nothing is sent there before it is verified: by a test that was taken, or, for an email address, by
    the link that is mailed to it now."""
    channel, secret = await channels.create(session, principal.tenant_id, principal.actor(), body)
    [shown] = await presenter.show(session, principal.tenant_id, [channel])
    return schemas.MadeChannel(**dict(shown), signing_secret=secret)


# Before the others: `verify` and `unsubscribe` are no channel's id.
@router.post("/channels/verify", responses=problem_responses(404, 422))
async def verify_address(body: schemas.Token, proofs: Proofs) -> schemas.AddressOut:
    """Say yes to notifications, by the token in the mailed link."""
    return schemas.AddressOut(address=await proofs.prove(body.token))


@router.post("/channels/unsubscribe", responses=problem_responses(422))
async def unsubscribe_address(
    token: Annotated[str, Query(min_length=1, max_length=1_000)], proofs: Proofs
) -> schemas.AddressOut:
    """No more notifications by that channel to that address. Mail programs post here when somebody presses their
    button (RFC 8058), so the token is in the address, and the body does not matter."""
    return schemas.AddressOut(address=await proofs.unsubscribe(token))


@router.get("/channels/{channel_id}", dependencies=[_read], responses=problem_responses(401, 403, 404, 422))
async def get_channel(
    channel_id: UUID,
    principal: CurrentPrincipal,
    session: TenantSession,
    channels: Channels,
    presenter: Presenter,
) -> schemas.ChannelOut:
    channel = await channels.get(session, principal.tenant_id, channel_id)
    return await _shown(presenter, session, channel)


@router.patch(
    "/channels/{channel_id}", dependencies=[_manage], responses=problem_responses(401, 403, 404, 409, 422)
)
async def change_channel(
    channel_id: UUID,
    patch: schemas.ChannelPatch,
    principal: CurrentPrincipal,
    session: TenantSession,
    channels: Channels,
    presenter: Presenter,
) -> schemas.ChannelOut:
    """Change it. Secrets that are left out stay as they are."""
    channel = await channels.change(session, principal.tenant_id, principal.actor(), channel_id, patch)
    return await _shown(presenter, session, channel)


@router.delete(
    "/channels/{channel_id}",
    status_code=204,
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def delete_channel(
    channel_id: UUID, principal: CurrentPrincipal, session: TenantSession, channels: Channels
) -> None:
    """Delete it; what waits for it is given up. The built-in one stays."""
    await channels.delete(session, principal.tenant_id, principal.actor(), channel_id)


@router.post(
    "/channels/{channel_id}/test",
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 422, 429),
)
async def check_channel(channel_id: UUID, principal: CurrentPrincipal, tests: Tests) -> schemas.TestOut:
    """Send a test now. The answer has the medium's own words; a channel that takes it is verified."""
    return await tests.test(principal.tenant_id, principal.actor(), channel_id)


@router.get(
    "/deliveries", tags=["deliveries"], dependencies=[_read], responses=problem_responses(401, 403, 422)
)
async def list_deliveries(
    query: Annotated[schemas.DeliveryQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    sent: Sent,
) -> Page[schemas.DeliveryOut]:
    """Notifications on their way to channels, newest first. Those that failed were given up."""
    after = decode_uuid_cursor(query.cursor)
    found = await sent.page(session, principal.tenant_id, query, after, query.limit + 1)
    items, last = split_page(found, query.limit)
    return Page(items=list(items), next_cursor=encode_cursor(last.id) if last else None)


@router.get(
    "/deliveries/{delivery_id}",
    tags=["deliveries"],
    dependencies=[_read],
    responses=problem_responses(401, 403, 404, 422),
)
async def get_delivery(
    delivery_id: UUID, principal: CurrentPrincipal, session: TenantSession, sent: Sent
) -> schemas.DeliveryDetail:
    """One of them, with what came back from each try."""
    return await sent.get(session, principal.tenant_id, delivery_id)


@router.post(
    "/deliveries/{delivery_id}/resend",
    tags=["deliveries"],
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def resend_delivery(
    delivery_id: UUID, principal: CurrentPrincipal, session: TenantSession, sent: Sent
) -> schemas.DeliveryDetail:
    """Try again what was given up, for another day."""
    return await sent.resend(session, principal.tenant_id, principal.actor(), delivery_id)


@router.post("/slack/actions", responses=problem_responses(401))
async def slack_action(
    request: Request,
    slack: Slack,
    x_slack_request_timestamp: Annotated[str, Header()] = "",
    x_slack_signature: Annotated[str, Header()] = "",
) -> None:
    """Where a Slack app sends what its buttons do (Interactivity, Request URL). Believed by Slack's signature."""
    await slack.handle(await request.body(), x_slack_request_timestamp, x_slack_signature)


async def _shown(presenter: ChannelPresenter, session: TenantSession, channel: Channel) -> schemas.ChannelOut:
    [shown] = await presenter.show(session, channel.tenant_id, [channel])
    return shown
