"""Which GitHost the settings ask for."""

from typing import TYPE_CHECKING

from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.forgejo.config import ForgejoConfig
from crontopus_api.gitstore.host import Signer
from crontopus_api.kit.crypto import derive
from crontopus_api.settings import Settings, SettingsError

if TYPE_CHECKING:
    from crontopus_api.gitstore.forgejo.host import ForgejoGitHost


def git_host(settings: Settings, secret: bytes, signer: Signer) -> "EmbeddedGitHost | ForgejoGitHost":
    """Nothing is connected yet. Raises SettingsError."""
    if settings.git_host == "embedded":
        return EmbeddedGitHost(settings.repositories_dir, signer=signer)
    from crontopus_api.gitstore.forgejo.host import ForgejoGitHost  # noqa: PLC0415 - brings an HTTP client

    return ForgejoGitHost(forgejo_config(settings, secret), settings.git_cache_dir, signer=signer)


def forgejo_config(settings: Settings, secret: bytes) -> ForgejoConfig:
    """Raises SettingsError that names what is missing."""
    token = settings.forgejo_token.get_secret_value() if settings.forgejo_token else ""
    for name, value in (("CRONTOPUS_FORGEJO_URL", settings.forgejo_url), ("CRONTOPUS_FORGEJO_TOKEN", token)):
        if not value:
            raise SettingsError(f"{name}: CRONTOPUS_GIT_HOST=forgejo needs it (see docs/dev/forgejo.md)")
    try:
        return ForgejoConfig(
            settings.forgejo_url or "",
            token,
            public_url=settings.forgejo_public_url,
            webhook_url=f"{(settings.forgejo_webhook_url or settings.base_url).rstrip('/')}/git/webhook",
            webhook_key=derive(secret, "forgejo-webhooks"),
        )
    except ValueError as error:
        raise SettingsError(f"CRONTOPUS_FORGEJO_*: {error}") from error
