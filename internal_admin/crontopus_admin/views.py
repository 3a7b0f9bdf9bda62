"""What operators can look at."""

from uuid import UUID

from starlette_admin import EmailField, IntegerField, StringField

from crontopus_admin import repository
from crontopus_admin.listing import InlineListing, InstantField, Listing, StateField
from crontopus_api.kit.database import Database


class MembersOfTenant(InlineListing):
    key = "members"
    menu_label = display_name = "Members"
    fields = (
        StringField("username"),
        EmailField("email"),
        StringField("role"),
        InstantField("since"),
    )

    def of(self, parent_id: UUID) -> repository.Query:
        return repository.members_of(parent_id)


class EndpointsOfTenant(InlineListing):
    key = "tenant-endpoints"
    menu_label = display_name = "Endpoints"
    fields = (
        StringField("name"),
        StringField("system"),
        StringField("agent_version", label="Agent"),
        StateField("state"),
        InstantField("last_seen_at", label="Last seen"),
    )

    def of(self, parent_id: UUID) -> repository.Query:
        return repository.endpoints_of(parent_id)


class OpenIncidentsOfTenant(InlineListing):
    key = "tenant-incidents"
    menu_label = display_name = "Open incidents"
    fields = (
        StringField("title"),
        StateField("kind"),
        StringField("severity"),
        InstantField("opened_at", label="Since"),
    )

    def of(self, parent_id: UUID) -> repository.Query:
        return repository.open_incidents_of(parent_id)


class TenantsView(Listing):
    key = "tenants"
    menu_label = display_name = "Tenants"
    icon = "fa-solid fa-building"
    query = repository.tenants()
    fields = (
        StringField("id", label="Id", copy_to_clipboard=True),
        StringField("slug"),
        StringField("name"),
        StringField("plan"),
        InstantField("created_at", label="Created"),
        IntegerField("members"),
        IntegerField("jobs"),
        IntegerField("endpoints"),
        IntegerField("open_incidents"),
        StringField("projected_commit", copy_to_clipboard=True),
        InstantField("projected_at"),
    )
    hidden = ("projected_commit", "projected_at")
    searchable_fields = ("id", "slug", "name")
    fields_default_sort = (("created_at", True),)
    detail_template = "tenant.html"

    def __init__(self, database: Database) -> None:
        self.inlines = [
            MembersOfTenant(database),
            EndpointsOfTenant(database),
            OpenIncidentsOfTenant(database),
        ]
        super().__init__(database)


class UsersView(Listing):
    key = "users"
    menu_label = display_name = "Users"
    icon = "fa-solid fa-users"
    query = repository.users()
    fields = (
        StringField("id", label="Id", copy_to_clipboard=True),
        StringField("username"),
        EmailField("email"),
        StringField("tenants"),
        InstantField("created_at", label="Registered"),
    )
    searchable_fields = ("id", "username", "email", "tenants")
    fields_default_sort = (("created_at", True),)


class EndpointsView(Listing):
    key = "endpoints"
    menu_label = display_name = "Endpoints"
    icon = "fa-solid fa-server"
    query = repository.endpoints()
    fields = (
        StringField("id", label="Id", copy_to_clipboard=True),
        StringField("name"),
        StringField("tenant"),
        StringField("hostname"),
        StringField("system"),
        StringField("agent_version", label="Agent"),
        StateField("state"),
        InstantField("last_seen_at", label="Last seen"),
        IntegerField("spool_pending"),
        StringField("applied_commit", copy_to_clipboard=True),
        InstantField("enrolled_at", label="Enrolled"),
    )
    hidden = ("hostname", "applied_commit", "enrolled_at")
    searchable_fields = ("id", "name", "tenant", "hostname")
    fields_default_sort = (("last_seen_at", True),)


class OperatorsLogView(Listing):
    key = "operators-log"
    menu_label = display_name = "Operators' log"
    icon = "fa-solid fa-clipboard-list"
    query = repository.operators_log()
    fields = (
        StringField("id", label="Id", copy_to_clipboard=True),
        InstantField("at", label="When"),
        StringField("actor", label="Who"),
        StringField("action", label="What"),
        StringField("subject", label="Whom"),
        StringField("address", label="From"),
        StringField("agent", label="Browser"),
    )
    hidden = ("agent",)
    searchable_fields = ("actor", "action", "subject", "address")
    fields_default_sort = (("at", True),)
