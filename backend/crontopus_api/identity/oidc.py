"""OpenID Connect: the authorization code flow with PKCE, by Authlib; id tokens verified with the provider's keys.

Imported where a provider is configured: Authlib and what it needs are 5 MB of every process else.
"""

import hmac
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from crontopus_api.identity.claims import Attempt, Claims
from crontopus_api.kit.errors import Unauthenticated, Unavailable
from crontopus_api.settings import SettingsError

_TIMEOUT_SECONDS = 10
_METADATA_SECONDS = 3600
_LEEWAY_SECONDS = 60
# Signed by a key that only the provider has: none with a shared secret, and never `none`.
_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class Provider:
    """`redirect_uri`: our callback, as it is registered with the provider. Raises SettingsError for plain http."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str | None, *, scopes: str, redirect_uri: str
    ) -> None:
        address = urlsplit(issuer)
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOCAL):
            raise SettingsError("CRONTOPUS_OIDC_ISSUER must begin with https://")
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._redirect_uri = redirect_uri
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = 0.0

    async def begin(self, return_to: str) -> tuple[str, Attempt]:
        """(address at the provider to send the browser to, what to keep). Raises Unavailable."""
        attempt = Attempt(generate_token(32), generate_token(32), generate_token(64), return_to)
        metadata = await self._discover()
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                code_verifier=attempt.verifier,
                nonce=attempt.nonce,
            )
        return url, attempt

    async def finish(self, attempt: Attempt, *, state: str, code: str, issuer: str | None) -> Claims:
        """Who has signed in, by the parameters that the provider sent the browser back with.

        Raises Unauthenticated when anything about it is not as it must be, Unavailable when the provider is away.
        """
        # `iss` (RFC 9207): another provider must not pass its answer off as this one's.
        mixed_up = issuer is not None and issuer != self._issuer
        if mixed_up or not hmac.compare_digest(state.encode(), attempt.state.encode()):
            raise _refused("the answer belongs to another attempt")
        metadata = await self._discover()
        try:
            async with self._client() as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                )
                claims = await self._verify(token, attempt.nonce)
                return await self._complete(client, metadata, claims)
        except (OAuthError, JoseError, KeyError, ValueError) as error:
            raise _refused(str(error)) from error
        except httpx.HTTPError as error:
            raise _away(error) from error

    def _client(self) -> AsyncOAuth2Client:
        method = "client_secret_basic" if self._client_secret else "none"
        offered = self._metadata.get("token_endpoint_auth_methods_supported", [method])
        if self._client_secret and method not in offered and "client_secret_post" in offered:
            method = "client_secret_post"
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method=method,
            scope=self._scopes,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_SECONDS,
        )

    async def _verify(self, token: dict[str, Any], nonce: str) -> CodeIDToken:
        try:
            decoded = jwt.decode(token["id_token"], await self._key_set(), _ALGORITHMS)
        except InvalidKeyIdError:
            # Signed with a key that is newer than what is remembered.
            self._keys = None
            decoded = jwt.decode(token["id_token"], await self._key_set(), _ALGORITHMS)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client_id},
            },
            {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")},
        )
        claims.validate(leeway=_LEEWAY_SECONDS)
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise ValueError("the id token names nobody")  # it would be the same nobody for everybody
        return claims

    async def _complete(
        self, client: AsyncOAuth2Client, metadata: dict[str, Any], claims: CodeIDToken
    ) -> Claims:
        """With what the provider says only when it is asked."""
        told: dict[str, Any] = dict(claims)
        if "email" not in told and "userinfo_endpoint" in metadata:
            more = await client.get(metadata["userinfo_endpoint"])
            more.raise_for_status()
            info = more.json()
            if info.get("sub") != told["sub"]:
                raise _refused("the user information is about somebody else")
            told = info | told
        return Claims(
            issuer=self._issuer,
            subject=told["sub"],
            email=str(told["email"]) if told.get("email") else None,
            # Some providers say it in a string.
            email_verified=told.get("email_verified") in {True, "true"},
            username=str(told["preferred_username"]) if told.get("preferred_username") else None,
        )

    async def _discover(self) -> dict[str, Any]:
        if time.monotonic() - self._read_at > _METADATA_SECONDS or not self._metadata:
            metadata = await self._read(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if metadata.get("issuer") != self._issuer:
                raise Unavailable(
                    "The provider of single sign-on calls itself otherwise than CRONTOPUS_OIDC_ISSUER says.",
                    code="sso_unavailable",
                )
            self._metadata, self._keys, self._read_at = metadata, None, time.monotonic()
        return self._metadata

    async def _key_set(self) -> KeySet:
        if self._keys is None:
            self._keys = KeySet.import_key_set(await self._read(self._metadata["jwks_uri"]))  # type: ignore[arg-type]
        return self._keys

    async def _read(self, url: str) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
                answer = await client.get(url)
                answer.raise_for_status()
                read: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _away(error) from error
        return read


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated(f"Single sign-on failed: {reason}", code="sso_failed", hint="Try again.")


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"The provider of single sign-on does not answer: {error}", code="sso_unavailable")
