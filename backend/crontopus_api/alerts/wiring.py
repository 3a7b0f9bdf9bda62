"""The services of alerting, made once and wired to each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from crontopus_api.alerts.channels.http import Web
from crontopus_api.alerts.channels.media import all_media
from crontopus_api.alerts.channels.medium import Medium
from crontopus_api.alerts.channels_service import ChannelService
from crontopus_api.alerts.deliveries import DeliveryService
from crontopus_api.alerts.failing import ChannelWatch
from crontopus_api.alerts.incidents import IncidentKeeper
from crontopus_api.alerts.outcomes import Outcomes
from crontopus_api.alerts.presenting import ChannelPresenter
from crontopus_api.alerts.proving import AddressProofs
from crontopus_api.alerts.responding import Responder
from crontopus_api.alerts.routing import Router
from crontopus_api.alerts.routing.reminders import Reminders
from crontopus_api.alerts.routing.service import RouteService
from crontopus_api.alerts.sealing import ChannelSecrets
from crontopus_api.alerts.sent_service import SentService
from crontopus_api.alerts.service import IncidentService
from crontopus_api.alerts.signed import SignedLinks
from crontopus_api.alerts.slack_actions import SlackActions
from crontopus_api.alerts.telling import Teller
from crontopus_api.alerts.trying import ChannelTests
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.identity.people import PeopleService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.addresses import Network
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.database import Database
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.links import Links
from crontopus_api.kit.mail import Mailer
from crontopus_api.tenants.service import TenantService


@dataclass(frozen=True)
class Needs:
    """What comes from other rooms."""

    database: Database
    tenants: TenantService
    people: PeopleService
    jobs: JobService
    endpoints: EndpointService
    keyring: Keyring
    links: Links
    mailer: Mailer
    limits: RateLimits
    clock: Clock


@dataclass(frozen=True)
class Alerts:
    router: Router
    web: Web
    media: dict[str, Medium]
    links: SignedLinks
    teller: Teller
    keeper: IncidentKeeper
    incidents: IncidentService
    responder: Responder
    channels: ChannelService
    presenter: ChannelPresenter
    proofs: AddressProofs
    tests: ChannelTests
    deliveries: DeliveryService
    sent: SentService
    reminders: Reminders
    routes: RouteService
    slack_actions: SlackActions

    @classmethod
    def wire(cls, needs: Needs, base_url: str, outbound_allow: Sequence[Network]) -> "Alerts":
        """`outbound_allow`: networks that tenants' channels may call although they are not public."""
        database, clock = needs.database, needs.clock
        router = Router(needs.tenants, needs.people, needs.jobs, clock)
        teller = Teller(router, clock)
        watch = ChannelWatch(teller)
        secrets = ChannelSecrets(needs.keyring)
        links = SignedLinks(needs.links, base_url)
        web = Web(clock, outbound_allow)
        media = all_media(needs.mailer, links, web, clock)
        responder = Responder(teller, clock)
        proofs = AddressProofs(database, needs.tenants, links, needs.mailer, clock)
        outcomes = Outcomes(watch, clock)
        return cls(
            router=router,
            web=web,
            media=media,
            links=links,
            teller=teller,
            keeper=IncidentKeeper(database, needs.jobs, needs.endpoints, teller, clock),
            incidents=IncidentService(needs.jobs, needs.endpoints),
            responder=responder,
            channels=ChannelService(needs.tenants, secrets, proofs, watch, clock),
            presenter=ChannelPresenter(router, secrets, clock),
            proofs=proofs,
            tests=ChannelTests(
                database, router, media, secrets, proofs, watch, needs.limits, clock, base_url
            ),
            deliveries=DeliveryService(database, media, secrets, outcomes, clock, base_url),
            sent=SentService(database, clock),
            reminders=Reminders(database, router, teller, needs.jobs, needs.endpoints, clock),
            routes=RouteService(router, needs.jobs, clock),
            slack_actions=SlackActions(database, links, secrets, responder, clock),
        )

    def for_routes(self) -> tuple[object, ...]:
        """What requests need."""
        return (
            self.incidents,
            self.responder,
            self.links,
            self.channels,
            self.presenter,
            self.proofs,
            self.tests,
            self.sent,
            self.routes,
            self.slack_actions,
        )
