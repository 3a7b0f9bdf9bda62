"""An OpenID Connect provider, made with Authlib, on a port of its own: what single sign-on is tested against.

Its authorization page has no form: the test says beforehand who is signed in there (`person`), or None for
somebody who clicks "cancel".
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "crontopus", "a secret between the two"
CALLBACK = "http://crontopus.test/api/v1/auth/oidc/callback"


class Client(ClientMixin):
    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return CALLBACK

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == CALLBACK

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    request: dict[str, str]
    person: dict[str, Any]

    def get_redirect_uri(self) -> str:
        return self.request["redirect_uri"]

    def get_scope(self) -> str:
        return self.request["scope"]

    def get_nonce(self) -> str | None:
        return self.request.get("nonce")

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None

    @property
    def code_challenge(self) -> str | None:
        return self.request.get("code_challenge")

    @property
    def code_challenge_method(self) -> str | None:
        return self.request.get("code_challenge_method")


class ProviderRequest(OAuth2Request):
    def __init__(self, request: Request, form: dict[str, str]) -> None:
        super().__init__(request.method, str(request.url), headers=request.headers)
        self._query, self._form = dict(request.query_params), form
        self.payload = BasicOAuth2Payload(self._query | form)

    @property
    def args(self) -> dict[str, str]:
        return self._query

    @property
    def form(self) -> dict[str, str]:
        return self._form


class CodeGrant(AuthorizationCodeGrant):
    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        self.server.codes[code] = Code(dict(request.payload.data), request.user)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return self.server.codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        codes = self.server.codes
        self.server.codes = {key: each for key, each in codes.items() if each is not authorization_code}

    def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
        return authorization_code.person


class IdToken(OpenIDCode):
    def __init__(self, provider: "OidcProvider") -> None:
        super().__init__(require_nonce=True)
        self._provider = provider

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        return nonce in self._provider.nonces

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        return self._provider.signing_key

    def get_client_algorithm(self, client: Client) -> str:
        return "RS256"

    def get_compatible_claims(self, request: OAuth2Request) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self._provider.issuer, "aud": [CLIENT_ID], "iat": now, "exp": now + 3600}

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": "RS256", "kid": self._provider.signing_key.kid}

    def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
        told = {
            name: value
            for name, value in user.items()
            if not self._provider.tells_when_asked or name == "sub"
        }
        return UserInfo(told | self._provider.lies)


class Server(AuthorizationServer):
    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, dict[str, Any]] = {}

    def query_client(self, client_id: str) -> Client | None:
        return Client() if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        self.tokens[token["access_token"]] = request.user

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        return None

    def create_oauth2_request(self, request: Any) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        if isinstance(body, dict):
            return JSONResponse(body, status, dict(headers))
        return Response(body, status, dict(headers))


@dataclass
class OidcProvider:
    """`lies`: claims that replace those of the id token. `tells_when_asked`: all but `sub` only by userinfo."""

    issuer: str = ""
    person: dict[str, Any] | None = None
    lies: dict[str, Any] = field(default_factory=dict)
    tells_when_asked: bool = False
    nonces: set[str] = field(default_factory=set)
    asked: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.signing_key = self.published_key = RSAKey.generate_key(2048, auto_kid=True)
        self._server = Server()
        self._server.register_token_generator("default", BearerTokenGenerator(lambda **_: generate_token(42)))
        self._server.register_grant(CodeGrant, [IdToken(self), CodeChallenge(required=True)])

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
            ]
        )

    def change_key(self) -> None:
        self.signing_key = self.published_key = RSAKey.generate_key(2048, auto_kid=True)

    def _metadata(self, _: Request) -> Response:
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
        paths = ("authorize", "token", "userinfo", "jwks")
        addresses = {name: f"{self.issuer}/{path}" for name, path in zip(names, paths, strict=True)}
        return JSONResponse({"issuer": self.issuer, **addresses})

    def _jwks(self, _: Request) -> Response:
        self.asked["jwks"] += 1
        return JSONResponse({"keys": [self.published_key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = ProviderRequest(request, {})
        grant = self._server.get_consent_grant(asked, end_user=self.person)
        answer = self._server.create_authorization_response(asked, grant_user=self.person, grant=grant)
        self.nonces.add(request.query_params["nonce"])
        return answer

    async def _token(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        return self._server.create_token_response(ProviderRequest(request, form))

    def _userinfo(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return JSONResponse(self._server.tokens[token] | self.lies)


@contextlib.contextmanager
def running_provider() -> Iterator[OidcProvider]:
    """In a thread of its own, until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        provider = OidcProvider(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(provider.app(), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        listener.listen()
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join()
