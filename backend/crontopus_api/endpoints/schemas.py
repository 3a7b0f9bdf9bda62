import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from crontopus_api.kit.schemas import Payload, Schema, Time

Short = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Label = Annotated[str, StringConstraints(max_length=255)]
Labels = Annotated[dict[Short, Label], Field(max_length=64)]
Mark = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


def _from_base64(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


PublicKey = Annotated[
    bytes,
    BeforeValidator(_from_base64, json_schema_input_type=str),
    Field(min_length=32, max_length=32, description="Ed25519 public key, base64."),
]
Signature = Annotated[
    bytes,
    BeforeValidator(_from_base64, json_schema_input_type=str),
    Field(min_length=64, max_length=64, description="Ed25519 signature, base64."),
]


class Enroll(Payload):
    token: Annotated[str, StringConstraints(max_length=100)] = Field(
        description="An enrolment token, ctp_enr_…"
    )
    hostname: Short
    platform: Literal["linux", "darwin", "windows", "freebsd"]
    arch: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    agent_version: Short
    public_key: PublicKey
    machine_id: Short
    labels: Labels = Field(default_factory=dict)


class Generation(Payload):
    """By which a copy of an endpoint is told from it. `next` replaces `mark`; a request may be repeated unchanged."""

    number: int = Field(0, ge=0, le=2**62, description="As the service last answered.")
    mark: Mark | None = Field(None, description="The mark that was last accepted; null: none yet.")
    next: Mark | None = Field(None, description="16 random bytes, hexadecimal, made and kept by the agent.")


class Succession(Schema):
    """A signing key that names the next one, in words it signed: see `message`."""

    old: str = Field(description="As in an authorized_keys file.")
    new: str
    at: Time
    message: str
    signature: str = Field(description="Armoured SSH signature of `message`, namespace crontopus-signer.")


class SignersKnown(Schema):
    current: str = Field(description="Whose signature commits made by Crontopus carry.")
    successions: list[Succession] = Field(default_factory=list)


class Enrolled(Schema):
    endpoint_id: UUID
    tenant_id: UUID
    tenant_slug: str
    name: str
    token: str = Field(description="The endpoint's token, shown this once.")
    token_expires_at: Time | None
    repository: "RepositoryUrl"
    labels: dict[str, str]
    server_time: Time
    generation: int = Field(
        description="Of a machine that was enrolled before, above that of all its copies."
    )
    signers: SignersKnown


class RepositoryUrl(Schema):
    url: str
    branch: str = "main"


class Self(Schema):
    """What an endpoint needs to know about itself."""

    endpoint_id: UUID
    tenant_id: UUID
    tenant_slug: str
    name: str
    hostname: str
    labels: dict[str, str]
    repository: RepositoryUrl
    head_commit: str | None
    token_expires_at: Time | None
    server_time: Time
    signers: SignersKnown


class Condition(Payload):
    job_id: UUID
    instance_id: UUID
    type: Literal["Ready", "Reconciling", "Stalled", "Drifted", "Suspended"]
    reason: Short
    message: Annotated[str, StringConstraints(max_length=2000)] = ""


class Spool(Payload):
    pending: int = Field(0, ge=0)


class MeasuredClock(Payload):
    """As the agent measured it with the answer before."""

    offset_ms: int = Field(ge=-(2**53), le=2**53, description="The machine's clock minus the service's.")
    round_trip_ms: int = Field(ge=0, le=2**31, description="The offset is right within half of this.")


class Heartbeat(Payload):
    agent_version: Short
    fetched_commit: Commit | None = None
    applied_commit: Commit | None = None
    conditions: Annotated[list[Condition], Field(max_length=5000)] = Field(default_factory=list)
    spool: Spool = Spool()
    sent_at: datetime
    clock: MeasuredClock | None = None
    generation: Generation | None = None


class HeartbeatAnswer(Schema):
    server_time: Time
    head_commit: str | None
    labels: dict[str, str]
    token_expires_at: Time | None
    generation: int


class Rotate(Payload):
    """Signed are the UTF-8 bytes of these, joined by newlines: `crontopus-rotate-v2`, tenant id, endpoint id,
    timestamp, nonce, and the generation's number, mark and next (`-` for null). Without a generation:
    `crontopus-rotate-v1`, endpoint id, timestamp, nonce, together with the endpoint's token."""

    tenant_id: UUID | None = None
    endpoint_id: UUID | None = None
    generation: Generation | None = None
    timestamp: str = Field(description="RFC 3339, within five minutes of the server's time.", max_length=40)
    nonce: Annotated[str, StringConstraints(min_length=16, max_length=64)]
    signature: Signature


class Rotated(Schema):
    token: str
    token_expires_at: Time | None
    generation: int


class EndpointOut(Schema):
    id: UUID
    name: str
    hostname: str
    platform: str
    arch: str
    agent_version: str
    labels: dict[str, str]
    state: Literal["online", "offline", "locked", "revoked"]
    lock_reason: str | None = Field(description="Why it is locked: it seems to be in use twice.")
    offline_since: Time | None
    last_seen_at: Time | None
    enrolled_at: Time
    applied_commit: str | None
    fetched_commit: str | None
    spool_pending: int = Field(description="Runs that the agent has not been able to report yet.")
    clock_offset_ms: int | None = Field(description="The machine's clock minus ours.")
    instances: int = Field(description="Conditions the agent last reported: one per instance it keeps.")


class EndpointConditionOut(Schema):
    job_id: UUID
    instance_id: UUID
    type: str
    reason: str
    message: str
    at: Time


class EndpointDetail(EndpointOut):
    conditions: dict[str, int] = Field(description="How many instances are in which condition.")
    problems: list[EndpointConditionOut] = Field(
        description="Those that are not Ready, newest first, at most 200."
    )


class EndpointEventOut(Schema):
    id: UUID
    kind: str = Field(
        description="enrolled, reinstalled, online, offline, clone_suspected, unlocked, claimed, revoked;"
        " of an instance stalled, drifted, suspended, ready; many: more of these at once than are told."
    )
    reason: str
    message: str
    job_id: UUID | None
    instance_id: UUID | None
    at: Time


class EndpointPatch(Payload):
    name: Short | None = None
    labels: Labels | None = None


class NewEnrollmentToken(Payload):
    name: Short = "enrolment"
    uses: int = Field(1, ge=1, le=10_000)
    expires_in_seconds: int = Field(3600, ge=60, le=86_400)
    labels: Labels = Field(default_factory=dict)


class EnrollmentTokenOut(Schema):
    id: UUID
    name: str
    hint: str
    uses_left: int
    labels: dict[str, str]
    created_at: Time
    expires_at: Time


class IssuedEnrollmentToken(Schema):
    token: EnrollmentTokenOut
    secret: str = Field(description="Shown this once.")
