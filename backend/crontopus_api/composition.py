"""The composition root: every service made once, in the order of the features, and wired to the others.

API, worker and internal admin share it; each takes from `Services` what it needs.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from crontopus_api.alerts.incidents import IncidentKeeper
from crontopus_api.alerts.wiring import Alerts, Needs
from crontopus_api.checkins.badges.keys import BadgeKeys
from crontopus_api.checkins.badges.service import BadgeService
from crontopus_api.checkins.heartbeats import reachable_since
from crontopus_api.checkins.keys.service import PingKeyService
from crontopus_api.checkins.pending.adopting import Adopter
from crontopus_api.checkins.runs.partitions import PartitionKeeper
from crontopus_api.checkins.runs.reports_service import ReportService
from crontopus_api.checkins.runs.retention import RetentionService
from crontopus_api.checkins.runs.rollups import RollupService
from crontopus_api.checkins.runs.service import RunService
from crontopus_api.checkins.service import CheckInService
from crontopus_api.checkins.wiring import Ingest
from crontopus_api.checkins.wiring import Needs as IngestNeeds
from crontopus_api.endpoints.machines import MachineService
from crontopus_api.endpoints.service import EndpointsChanged, EndpointService
from crontopus_api.endpoints.watch import EndpointWatch
from crontopus_api.git_hosts import git_host
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.signing import SshSigner
from crontopus_api.identity.accounts import Accounts
from crontopus_api.identity.addresses import AddressService
from crontopus_api.identity.audit_service import AuditService
from crontopus_api.identity.mails import AccountMails
from crontopus_api.identity.operators import OperatorService
from crontopus_api.identity.passwords import PasswordService
from crontopus_api.identity.people import PeopleService
from crontopus_api.identity.proofs import Proofs
from crontopus_api.identity.registration import RegistrationService, Rules
from crontopus_api.identity.second_factors import SecondFactors
from crontopus_api.identity.service import IdentityService
from crontopus_api.identity.sessions import SessionService
from crontopus_api.identity.single_sign_on import SingleSignOn
from crontopus_api.identity.tasks import AccountUpkeep
from crontopus_api.identity.tenancy.ending_mail import EndingMail
from crontopus_api.identity.tenancy.exporting.service import ExportService
from crontopus_api.identity.tenancy.service import TenancyService
from crontopus_api.identity.tokens import TokenService
from crontopus_api.jobs.changing.changes import ChangeService
from crontopus_api.jobs.changing.editing import EditingService
from crontopus_api.jobs.changing.effects import Effects
from crontopus_api.jobs.changing.importing import ImportService
from crontopus_api.jobs.changing.judge import Judge
from crontopus_api.jobs.discovered.service import DiscoveredService
from crontopus_api.jobs.documents.service import DocumentService
from crontopus_api.jobs.documents.windows_service import WindowService
from crontopus_api.jobs.events import InstanceMoved, RoutingChanged
from crontopus_api.jobs.history import HistoryService
from crontopus_api.jobs.instances import InstanceKeeper
from crontopus_api.jobs.overview import RepositoryService
from crontopus_api.jobs.projection.projector import Projector
from crontopus_api.jobs.projection.rebuilding import Rebuilder
from crontopus_api.jobs.projection.writing import DefinitionWriter
from crontopus_api.jobs.repositories import head_of, on_tenant_created
from crontopus_api.jobs.service import JobService
from crontopus_api.jobs.versions import VersionService
from crontopus_api.kit.clock import Clock, SystemClock
from crontopus_api.kit.crypto import Keyring, derive
from crontopus_api.kit.database import Database
from crontopus_api.kit.events import Events
from crontopus_api.kit.limits import LimitPolicies, RateLimits
from crontopus_api.kit.links import Links
from crontopus_api.kit.mail import Mailer
from crontopus_api.live.hub import Hub
from crontopus_api.releases.service import ReleaseService
from crontopus_api.settings import Settings, SettingsError, load_previous_secret_key, load_secret_key
from crontopus_api.tenants.ending import EndingService
from crontopus_api.tenants.invitations import InvitationService
from crontopus_api.tenants.members import MemberService
from crontopus_api.tenants.purging import Purger
from crontopus_api.tenants.service import TenantCreated, TenantService
from crontopus_api.tenants.usage import UsageService

if TYPE_CHECKING:
    from crontopus_api.gitstore.forgejo.host import ForgejoGitHost
    from crontopus_api.identity.oidc import Provider


@dataclass(frozen=True)
class Services:
    settings: Settings
    clock: Clock
    database: Database
    keyring: Keyring
    git: "EmbeddedGitHost | ForgejoGitHost"
    tenants: TenantService
    tokens: TokenService
    identity: IdentityService
    invitations: InvitationService
    tenancy: TenancyService
    ending_mail: EndingMail
    purger: Purger
    usage: UsageService
    exports: ExportService
    addresses: AddressService
    passwords: PasswordService
    second_factors: SecondFactors
    sessions: SessionService
    sign_on: SingleSignOn
    account_mails: AccountMails
    account_upkeep: AccountUpkeep
    operators: OperatorService
    audit: AuditService
    endpoints: EndpointService
    machines: MachineService
    endpoint_watch: EndpointWatch
    releases: ReleaseService
    projector: Projector
    changes: ChangeService
    jobs: JobService
    editing: EditingService
    versions: VersionService
    importing: ImportService
    discovered: DiscoveredService
    documents: DocumentService
    windows: WindowService
    repositories: RepositoryService
    judge: Judge
    rebuilder: Rebuilder
    ingest: Ingest
    ping_keys: PingKeyService
    adopter: Adopter
    check_ins: CheckInService
    runs: RunService
    partitions: PartitionKeeper
    retention: RetentionService
    rollups: RollupService
    reports: ReportService
    badges: BadgeService
    incident_keeper: IncidentKeeper
    alerts: Alerts
    hub: Hub
    limits: RateLimits

    async def close(self) -> None:
        """Connections, at the end of the process."""
        if not isinstance(self.git, EmbeddedGitHost):
            await self.git.aclose()
        await self.alerts.web.aclose()
        await self.database.close()


def signer_of(secret: bytes) -> SshSigner:
    """Signs the commits that Crontopus makes (ADR 0008)."""
    return SshSigner.from_seed(derive(secret, "git-signing"))


def compose(settings: Settings, database_url: str, clock: Clock | None = None) -> Services:
    """Nothing here connects, listens or starts: that is up to the process."""
    clock = clock or SystemClock()
    direct_url = settings.database_direct_url if settings.database_url else None
    database = Database(database_url, direct_url=direct_url)
    secret = load_secret_key(settings)
    previous = load_previous_secret_key(settings)
    keyring = Keyring(secret, previous)
    events = Events()
    signer = signer_of(secret)
    git = git_host(settings, secret, signer)

    smtp_url = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    mailer = Mailer(smtp_url, settings.email_from)
    links = Links(secret, previous)

    tenants = TenantService(clock, events, settings.default_plan)
    invitations = InvitationService(database, clock, tenants, links, mailer, settings.base_url)
    tokens = TokenService(clock)
    ending = EndingService(clock, timedelta(days=settings.tenant_grace_days))
    members = MemberService(clock)
    ending_mail = EndingMail(database, tenants, members, mailer, settings.base_url)
    tenancy = TenancyService(database, tenants, members, invitations, ending, ending_mail, tokens)
    people = PeopleService()
    limits = RateLimits(settings.redis_url, _policies(settings))
    accounts = Accounts(clock, tokens, tenants)
    proofs = Proofs(links)
    mails = AccountMails(database, limits, mailer, proofs, settings.base_url)
    passwords = PasswordService(database, clock, limits, accounts, mails, proofs)
    second_factors = SecondFactors(database, clock, keyring, accounts, mails, passwords)
    rules = Rules(settings.registration, settings.verifies_email)
    registration = RegistrationService(database, accounts, mails, rules, invitations)
    identity = IdentityService(
        database, clock, limits, accounts, tokens, tenants, mails, second_factors, registration
    )
    endpoints = EndpointService(clock, tokens, tenants, events, head_of)
    keeper = InstanceKeeper(clock, events, endpoints)
    definition_writer = DefinitionWriter(keeper, endpoints, keyring, events, clock)
    projector = Projector(database, git, definition_writer, clock)
    judge = Judge(tenants)
    changes = ChangeService(database, git, projector, judge, people, clock)
    jobs = JobService(endpoints, keyring, clock, settings.base_url)
    editing = EditingService(database, git, changes, Effects(judge, endpoints, clock))
    versions = VersionService(database, git, jobs, HistoryService(git), editing)
    repositories = RepositoryService(
        database, tenants, signer, settings.base_url, signer_of(previous) if previous else None
    )
    ingest = Ingest.wire(
        IngestNeeds(database, keyring, tenants, jobs, judge, clock),
        journal_dir=settings.journal_dir,
        redis_url=settings.redis_url,
        limit=settings.check_in_limit,
    )
    partitions = PartitionKeeper(database, clock)
    check_ins = CheckInService(database, jobs, clock)

    usage = UsageService(database, tenants, clock, git.size if isinstance(git, EmbeddedGitHost) else None)
    usage.measure("jobs", jobs.count)
    usage.measure("endpoints", endpoints.count)
    alerts = Alerts.wire(
        Needs(database, tenants, people, jobs, endpoints, keyring, links, mailer, limits, clock),
        settings.base_url,
        settings.outbound_allow,
    )
    usage.measure("channels", alerts.channels.count)

    _listen(events, alerts, keeper, check_ins)

    return Services(
        settings=settings,
        clock=clock,
        database=database,
        keyring=keyring,
        git=git,
        tenants=tenants,
        tokens=tokens,
        identity=identity,
        invitations=invitations,
        tenancy=tenancy,
        usage=usage,
        exports=ExportService(database, git, tenants, members, clock, settings.exports_dir),
        ending_mail=ending_mail,
        purger=Purger(database, git, clock),
        addresses=AddressService(database, clock, accounts, mails, proofs, passwords),
        passwords=passwords,
        second_factors=second_factors,
        sessions=SessionService(database, clock, accounts, tenants),
        sign_on=SingleSignOn(database, clock, accounts, mails, rules, links, _provider(settings)),
        account_mails=mails,
        account_upkeep=AccountUpkeep(database, clock),
        operators=OperatorService(database, clock),
        audit=AuditService(database),
        endpoints=endpoints,
        machines=MachineService(database, clock, endpoints, repositories.handed_over),
        releases=ReleaseService(settings.agent_release, settings.base_url),
        endpoint_watch=EndpointWatch(database, clock, reachable_since),
        projector=projector,
        changes=changes,
        jobs=jobs,
        editing=editing,
        versions=versions,
        importing=ImportService(editing),
        documents=DocumentService(editing),
        windows=WindowService(editing, clock),
        discovered=DiscoveredService(database, endpoints, tenants, editing),
        repositories=repositories,
        judge=judge,
        rebuilder=Rebuilder(database, git, definition_writer, clock),
        ingest=ingest,
        ping_keys=PingKeyService(keyring, clock, settings.base_url),
        adopter=Adopter(database, changes, editing, jobs, ingest.writer),
        check_ins=check_ins,
        runs=RunService(database, jobs, endpoints, clock),
        partitions=partitions,
        retention=RetentionService(database, tenants, partitions, clock),
        rollups=RollupService(database, tenants, clock),
        reports=ReportService(jobs, endpoints, clock),
        badges=BadgeService(database, jobs, BadgeKeys(secret, previous), settings.base_url),
        incident_keeper=alerts.keeper,
        alerts=alerts,
        hub=Hub(database),
        limits=limits,
    )


def _listen(events: Events, alerts: Alerts, keeper: InstanceKeeper, check_ins: CheckInService) -> None:
    """What must travel rightwards (see kit.events)."""
    events.on(TenantCreated, on_tenant_created)
    events.on(TenantCreated, alerts.router.on_tenant_created)
    events.on(EndpointsChanged, keeper.on_endpoints_changed)
    events.on(InstanceMoved, check_ins.record_move)
    events.on(RoutingChanged, alerts.reminders.on_routing_changed)


def _policies(settings: Settings) -> LimitPolicies:
    return LimitPolicies(
        api=settings.api_limit,
        login=settings.login_limit,
        auth=settings.auth_limit,
        enroll=settings.enroll_limit,
        git=settings.git_limit,
    )


def _provider(settings: Settings) -> "Provider | None":
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise SettingsError("CRONTOPUS_OIDC_CLIENT_ID is needed together with CRONTOPUS_OIDC_ISSUER")
    from crontopus_api.identity.oidc import Provider  # noqa: PLC0415 - large, and most installations have none

    secret = settings.oidc_client_secret
    return Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        secret.get_secret_value() if secret else None,
        scopes=settings.oidc_scopes,
        redirect_uri=f"{settings.base_url}/api/v1/auth/oidc/callback",
    )
