"""The only reader of the environment.

Every setting is an environment variable `CRONTOPUS_<NAME>`; each can also be given as
`CRONTOPUS_<NAME>_FILE`, the path of a file whose content is the value (how Docker and systemd hand
over secrets). Nothing else in the package looks at `os.environ` for configuration.
"""

import os
import re
import secrets
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from crontopus_api.kit.exposition import Readers
from crontopus_api.kit.limits import OFF, parse_limit

PREFIX = "CRONTOPUS_"
MIN_SECRET_CHARACTERS = 32
# What examples, tutorials and impatient people write.
_SAMPLES = (
    *(
        "changeme",
        "change",
        "replaceme",
        "yoursecret",
        "secretkey",
        "example",
        "sample",
        "generate",
        "placeholder",
    ),
    *(
        "password",
        "passw0rd",
        "crontopus",
        "postgres",
        "development",
        "0123456789",
        "abcdefgh",
        "qwerty",
        "letmein",
    ),
)


def _listed(value: object) -> object:
    """`a, b` as people write lists in environment variables."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _rate(value: str) -> str:
    if value != OFF:
        parse_limit(value)  # a ValueError says what it does not understand
    return value


RateLimit = Annotated[str, AfterValidator(_rate)]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?$")]


class SettingsError(Exception):
    """A setting is missing, unreadable or wrong. The message names the variable and what to do."""


class _SettingFiles(PydanticBaseSettingsSource):
    """Reads `CRONTOPUS_X_FILE` for every setting X."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except OSError as error:
            raise SettingsError(f"{variable} names {path}, which cannot be read: {error.strerror}") from error

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(info, name)[0] for name, info in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


class Settings(BaseSettings):
    """All settings, with the defaults of a single-machine installation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the API listens on.")
    public_url: str | None = Field(
        None, description="How people and agents reach the API; default http://host:port."
    )
    ping_host: str | None = Field(None, description="Host name on which pings work without the /ping prefix.")
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("crontopus", appauthor=False),
        description="Embedded PostgreSQL, repositories, the check-in journal and the generated secret key.",
    )
    journal: bool = Field(
        True,
        description="Keep pings in the data directory while the database is away. Off where that directory is lost"
        " with the process.",
    )
    database_url: str | None = Field(
        None, description="PostgreSQL 15+; unset: an embedded one in the data directory."
    )
    database_direct_url: str | None = Field(
        None, description="The same database without PgBouncer, for LISTEN, migrations and ingest."
    )
    database_owner_url: str | None = Field(
        None,
        description="The same database as the role that owns its tables, for migrations alone; CRONTOPUS_DATABASE_URL"
        " is then that of crontopus_service, which owns nothing.",
    )
    redis_url: str | None = Field(
        None, description="Valkey/Redis for rate limits shared by several API processes."
    )
    git_host: Literal["embedded", "forgejo"] = Field(
        "embedded", description="Where tenants' repositories live."
    )
    forgejo_url: str | None = Field(None, description="Forgejo's root address, as Crontopus reaches it.")
    forgejo_token: SecretStr | None = Field(
        None, description="With write:organization, write:repository and read:user."
    )
    forgejo_public_url: str | None = Field(
        None, description="Forgejo's address as people reach it; default CRONTOPUS_FORGEJO_URL."
    )
    forgejo_webhook_url: str | None = Field(
        None, description="Crontopus' address as Forgejo reaches it; default CRONTOPUS_PUBLIC_URL."
    )
    default_plan: Literal["free", "team", "business"] = Field(
        "business", description="The plan, with its quotas, of tenants made from now on."
    )
    tenant_grace_days: int = Field(
        7, ge=0, le=365, description="For so long a deleted tenant works on and can be restored."
    )
    registration: Literal["open", "invite", "closed"] = Field(
        "open", description="Who may make an account: anybody, who was invited to a tenant, nobody."
    )
    email_verification: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Accounts begin when their address is proven. auto: when CRONTOPUS_SMTP_URL is set.",
    )
    oidc_issuer: str | None = Field(
        None, description="Single sign-on: the OpenID Connect provider's address."
    )
    oidc_client_id: str | None = Field(None, description="As the provider knows Crontopus.")
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = Field("single sign-on", description="What the button in the console says.")
    oidc_scopes: str = Field("openid email profile", description="What the provider is asked for.")
    smtp_url: SecretStr | None = Field(
        None,
        description="smtp://user:password@host:587 (STARTTLS when offered), smtps://… for TLS from the start.",
    )
    email_from: str = Field("Crontopus <crontopus@localhost>", description="Sender of every email.")
    secret_key: SecretStr | None = Field(
        None,
        description="32+ random characters that protect stored secrets; unset: generated in the data directory.",
    )
    secret_key_previous: SecretStr | None = Field(
        None,
        description="The secret before this one, until `crontopus-server rotate-keys` is done and nobody uses old links"
        " and badge addresses any more.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)] = (
        Field(
            (),
            description="Networks (CIDR, separated by commas) of the proxies before it, whose X-Forwarded-For,"
            " X-Forwarded-Proto and X-Request-ID are believed. Default: nobody's.",
        )
    )
    client_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]+$",
        description="The header in which those proxies name the client, when not X-Forwarded-For; they must replace"
        " what a client sends under that name. DigitalOcean's App Platform: do-connecting-ip.",
    )
    cors_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Other sites (https://app.example.com, …) whose pages may call the API with a token."
    )
    api_limit: RateLimit = Field("600/minute", description="Requests per token; `off`: as many as come.")
    login_limit: RateLimit = Field("5/minute", description="Log-ins per account and address.")
    auth_limit: RateLimit = Field(
        "60/minute", description="Registrations, log-ins, resets and the like per address."
    )
    enroll_limit: RateLimit = Field("600/minute", description="Enrolments of endpoints per address.")
    git_limit: RateLimit = Field("600/minute", description="Git requests per token; a fetch is two or three.")
    check_in_limit: int | None = Field(
        None, ge=0, description="Check-ins a minute per key or endpoint, whatever the plan says; 0: no limit."
    )
    outbound_allow: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)] = (
        Field(
            (),
            description="Networks (CIDR, …) that tenants' webhooks may call although they are not public.",
        )
    )
    max_connections: int = Field(
        5000, ge=10, description="Connections at once to one API process; more are told to come again."
    )
    environment: Literal["development", "production"] = "development"
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    console_dir: Path | None = Field(
        None, description="The built console (frontend/dist); found next to a checkout."
    )
    releases_dir: Path | None = Field(
        None,
        description="Files of the agent's release, as `make release` leaves them; default: in the data directory.",
    )
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(8001, ge=1, le=65535)
    metrics_token: SecretStr | None = Field(
        None,
        description="What Prometheus sends (Authorization: Bearer …) to read /metrics. Without one /metrics is open in"
        " development, and closed in production.",
    )
    worker_metrics_port: int = Field(
        0, ge=0, le=65535, description="Where a worker answers /metrics, at CRONTOPUS_HOST; 0: nowhere."
    )
    otlp_endpoint: str | None = Field(
        None, description="Where OpenTelemetry traces go: a collector's address, http://host:4318."
    )
    watchdog_url: str | None = Field(None, description="Pinged only while ingest and scanner make progress.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SettingFiles(settings_cls)

    @property
    def base_url(self) -> str:
        """Public address without a trailing slash."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether people reach it over TLS: then cookies and HSTS insist on it."""
        return self.base_url.startswith("https://")

    def clone_url(self, slug: str) -> str:
        """Where a tenant's repository is cloned from (its path is a fixed name)."""
        return f"{self.base_url}/git/crontopus/job-manifests-{slug}.git"

    @property
    def metrics_readers(self) -> Readers:
        token = self.metrics_token.get_secret_value() if self.metrics_token else None
        return Readers(token, closed=self.environment == "production")

    @property
    def migration_url(self) -> str | None:
        """Where migrations log in; None: on the embedded database."""
        return self.database_owner_url or self.database_direct_url or self.database_url

    @property
    def verifies_email(self) -> bool:
        """Whether a new account must prove its address before its first sign-in."""
        if self.email_verification == "auto":
            return self.smtp_url is not None
        return self.email_verification == "on"

    @property
    def repositories_dir(self) -> Path:
        return self.data_dir / "repositories"

    @property
    def journal_dir(self) -> Path | None:
        return self.data_dir / "journal" if self.journal else None

    @property
    def git_cache_dir(self) -> Path:
        """Copies of Forgejo's repositories; may be lost at any time."""
        return self.data_dir / "git-cache"

    @property
    def exports_dir(self) -> Path:
        """Exports of tenants while they are fetched; may be lost at any time."""
        return self.data_dir / "exports"

    @property
    def postgres_dir(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def agent_release(self) -> Path:
        """Directory of the release that is handed out; it need not exist."""
        return self.releases_dir or self.data_dir / "releases"

    @property
    def built_console(self) -> Path | None:
        """Directory of the built console, or None when it has not been built."""
        checkout = Path(__file__).resolve().parents[2] / "frontend" / "dist"
        for candidate in (self.console_dir, checkout):
            if candidate is not None and (candidate / "index.html").is_file():
                return candidate
        return None


@lru_cache
def get_settings() -> Settings:
    """The process's settings, read once. Raises SettingsError with one line per wrong variable."""
    try:
        settings = Settings()
    except ValidationError as error:
        lines = [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsError("; ".join(lines)) from error
    if settings.environment == "production":
        refuse_weak_secrets(settings)
    return settings


def refuse_weak_secrets(settings: Settings) -> None:
    """Raises SettingsError for secrets that are samples or can be guessed, naming the variables."""
    given = {
        "CRONTOPUS_SECRET_KEY": (settings.secret_key, MIN_SECRET_CHARACTERS),
        "CRONTOPUS_FORGEJO_TOKEN": (settings.forgejo_token, 20),
        "CRONTOPUS_METRICS_TOKEN": (settings.metrics_token, 20),
        "CRONTOPUS_DATABASE_URL": (_password(settings.database_url), 12),
        "CRONTOPUS_DATABASE_DIRECT_URL": (_password(settings.database_direct_url), 12),
        "CRONTOPUS_REDIS_URL": (_password(settings.redis_url), 12),
    }
    weak = [
        name
        for name, (secret, least) in given.items()
        if secret is not None and _is_weak(secret.get_secret_value(), least)
    ]
    if weak:
        raise SettingsError(
            f"{', '.join(weak)}: a sample or too simple for CRONTOPUS_ENVIRONMENT=production; make a random one, for"
            " example with `openssl rand -hex 32`"
        )


def _is_weak(secret: str, least: int) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", secret.lower())
    return len(secret) < least or len(set(secret)) < 8 or any(word in plain for word in _SAMPLES)


def _password(url: str | None) -> SecretStr | None:
    password = urlsplit(url).password if url else None
    return SecretStr(unquote(password)) if password else None


def load_secret_key(settings: Settings) -> bytes:
    """The installation's secret: the setting, or one generated once in the data directory.

    Raises SettingsError when a given secret is too short to protect anything.
    """
    if settings.secret_key is not None:
        secret = settings.secret_key.get_secret_value()
        if len(secret) < MIN_SECRET_CHARACTERS:
            raise SettingsError(
                f"CRONTOPUS_SECRET_KEY has {len(secret)} characters; give at least {MIN_SECRET_CHARACTERS} random"
                " ones, for example from `openssl rand -hex 32`"
            )
        return secret.encode()
    path = settings.data_dir / "secret.key"
    if not path.exists():
        _create_once(path, secrets.token_hex(32))
    return path.read_bytes().strip()


def load_previous_secret_key(settings: Settings) -> bytes | None:
    """The secret that was changed for the present one: the setting, or what `rotate-keys --new` left behind."""
    if settings.secret_key_previous is not None:
        return settings.secret_key_previous.get_secret_value().encode()
    path = settings.data_dir / "secret.key.previous"
    return path.read_bytes().strip() if settings.secret_key is None and path.exists() else None


def renew_secret_key(settings: Settings) -> None:
    """Generate another secret, and keep the present one as the previous. Killed in between, it can be repeated.

    Raises SettingsError when the secret is a setting, or when there is a previous one already.
    """
    if settings.secret_key is not None:
        raise SettingsError(
            "CRONTOPUS_SECRET_KEY is set: change it there, and set CRONTOPUS_SECRET_KEY_PREVIOUS"
        )
    load_secret_key(settings)
    path, previous = settings.data_dir / "secret.key", settings.data_dir / "secret.key.previous"
    if previous.exists() and previous.read_bytes() != path.read_bytes():
        raise SettingsError(
            f"{previous} is still there: run rotate-keys without --new, then delete that file"
        )
    if not previous.exists():
        os.link(path, previous)
    fresh = path.with_name(".secret.key.new")
    fresh.unlink(missing_ok=True)
    _create_once(fresh, secrets.token_hex(32))
    fresh.replace(path)


def _create_once(path: Path, content: str) -> None:
    """Write `path` whole, readable by its owner only; of two processes at once the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # the other process was first; its secret is the one to use
    finally:
        draft.unlink()
