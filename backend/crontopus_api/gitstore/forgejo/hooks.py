"""The webhook of each repository: there once, with the secret of now."""

import hashlib
import hmac
import logging

from crontopus_api.gitstore.errors import GitUnavailable, RepositoryMissing
from crontopus_api.gitstore.forgejo.client import ForgejoClient

log = logging.getLogger(__name__)


def webhook_secret(key: bytes, slug: str) -> str:
    """One repository's secret. Who administers that repository in Forgejo can read it there, and must not
    be able to speak for another's."""
    return hmac.new(key, f"crontopus webhook {slug}".encode(), hashlib.sha256).hexdigest()


def webhook_address(webhook_url: str, key: bytes, slug: str) -> str:
    """Forgejo never shows a hook's secret, nor lets it be changed: the address says which one it has."""
    mark = hashlib.sha256(webhook_secret(key, slug).encode()).hexdigest()[:12]
    return f"{webhook_url}/{slug}?key={mark}"


async def ensure_hook(client: ForgejoClient, slug: str) -> None:
    """Idempotent. Where Forgejo does not let us (webhooks switched off), polling does without."""
    config = client.config
    assert config.webhook_url is not None
    wanted = webhook_address(config.webhook_url, config.webhook_key, slug)
    try:
        if not any(hook.url == wanted for hook in await client.hooks(slug)):
            await client.add_hook(slug, wanted, webhook_secret(config.webhook_key, slug))
        # Listed again: two processes may have added one each. The first stays.
        ours = [h for h in await client.hooks(slug) if h.url.startswith(f"{config.webhook_url}/{slug}?")]
        first = min((hook.id for hook in ours if hook.url == wanted), default=None)
        for hook in ours:
            if hook.id != first:
                await client.remove_hook(slug, hook.id)
    except RepositoryMissing:
        raise
    except GitUnavailable as error:
        if error.retry_after is not None:
            raise
        log.warning("no webhook for %s: %s", slug, error)
