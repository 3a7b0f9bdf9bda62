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


class Condition(Payload):
    job_id: UUID
    instance_id: UUID
    type: Literal["Ready", "Reconciling", "Stalled", "Drifted", "Suspended"]
    reason: Short
    message: Annotated[str, StringConstraints(max_length=2000)] = ""


class Spool(Payload):
    pending: int = Field(0, ge=0)


class Heartbeat(Payload):
    agent_version: Short
    fetched_commit: Commit | None = None
    applied_commit: Commit | None = None
    conditions: Annotated[list[Condition], Field(max_length=5000)] = Field(default_factory=list)
    spool: Spool = Spool()
    sent_at: datetime


class HeartbeatAnswer(Schema):
    server_time: Time
    head_commit: str | None
    labels: dict[str, str]
    token_expires_at: Time | None


class Rotate(Payload):
    timestamp: str = Field(description="RFC 3339, within five minutes of the server's time.", max_length=40)
    nonce: Annotated[str, StringConstraints(min_length=16, max_length=64)]
    signature: Signature


class Rotated(Schema):
    token: str
    token_expires_at: Time | None


class EndpointOut(Schema):
    id: UUID
    name: str
    hostname: str
    platform: str
    arch: str
    agent_version: str
    labels: dict[str, str]
    state: Literal["online", "offline", "revoked"]
    last_seen_at: Time | None
    enrolled_at: Time
    applied_commit: str | None
    fetched_commit: str | None
    instances: int = Field(description="Conditions the agent last reported: one per instance it keeps.")


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
