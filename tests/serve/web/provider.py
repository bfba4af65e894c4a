"""An identity provider made with authlib's own provider side, at a real address: for tests of our client."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode, UserInfo
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "caretwin", "between us"


class Client(ClientMixin):  # type: ignore[misc]
    def __init__(self, back: str) -> None:
        self.client_id, self.back = CLIENT, back

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.back

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.back

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    user: dict[str, Any]

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Provider:
    """user: claims of whoever comes next; wrong: how its tokens are wrong, for what must be refused."""

    issuer: str = ""
    back: str = ""
    user: dict[str, Any] = field(default_factory=lambda: {"sub": "ada-1", "name": "Ada Ö."})
    wrong: str = ""
    codes: dict[str, Code] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, auto_kid=False))

    def app(self) -> Starlette:
        server = _server(self)
        told = {name: f"{self.issuer}/{path}" for name, path in ENDPOINTS.items()}

        async def said(request: Request) -> Response:
            issuer = "https://another.example.org" if self.wrong == "issuer" else self.issuer
            return JSONResponse({"issuer": issuer, **told})

        async def keys(request: Request) -> Response:
            key = RSAKey.generate_key(2048, {"kid": "one"}) if self.wrong == "key" else self.key
            return JSONResponse(KeySet([key]).as_dict(private=False))

        async def authorize(request: Request) -> Response:
            asked = await _request(request)
            grant = server.get_consent_grant(asked, self.user)
            found: Response = server.create_authorization_response(asked, self.user, grant)
            return found

        async def token(request: Request) -> Response:
            found: Response = server.create_token_response(await _request(request))
            return found

        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", said), Route("/keys", keys),
                Route("/authorize", authorize), Route("/token", token, methods=["POST"]),
            ]
        )  # fmt: skip


ENDPOINTS = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}


class Said(OAuth2Request):  # type: ignore[misc]
    """What was said in the address and in the body, as the grants ask for it."""

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)


async def _request(request: Request) -> OAuth2Request:
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    made = Said(request.method, str(request.url), headers=dict(request.headers))
    made.headers["Authorization"] = request.headers.get("authorization", "")
    made.payload = BasicOAuth2Payload({**request.query_params, **form})
    return made


def _server(provider: Provider) -> AuthorizationServer:
    class Server(AuthorizationServer):  # type: ignore[misc]
        def query_client(self, client_id: str) -> Client | None:
            return Client(provider.back) if client_id == CLIENT else None

        def save_token(self, token: Any, request: Any) -> None:
            pass

        def send_signal(self, name: str, *args: Any, **more: Any) -> None:
            pass

        def create_oauth2_request(self, request: Any) -> Any:
            return request

        def handle_response(self, status: int, body: Any, headers: Any) -> Response:
            if isinstance(body, dict):
                return JSONResponse(body, status, dict(headers))
            return Response(body or "", status, dict(headers))

    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: Any) -> Code:
            said = request.payload.data
            kept = Code(
                code, said["redirect_uri"], said["scope"], said["nonce"], said["code_challenge"],
                said["code_challenge_method"], dict(request.user),
            )  # fmt: skip
            provider.codes[code] = kept
            return kept

        def query_authorization_code(self, code: str, client: Any) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
            return authorization_code.user

    class Identity(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return any(one.nonce == nonce for one in provider.codes.values())

        def resolve_client_private_key(self, client: Any) -> RSAKey:
            return provider.key

        def get_client_algorithm(self, client: Any) -> str:
            return "RS256"

        def get_encode_header(self, client: Any) -> dict[str, str]:
            return {"alg": "RS256", "kid": "one"}

        def get_client_claims(self, client: Any) -> dict[str, Any]:
            now = int(time.time())
            claims = {"iss": provider.issuer, "aud": [CLIENT], "iat": now, "exp": now + 300}
            wrong: dict[str, dict[str, Any]] = {
                "audience": {"aud": ["another"]}, "expired": {"exp": now - 300, "iat": now - 600},
                "token issuer": {"iss": "https://another.example.org"},
            }  # fmt: skip
            return claims | wrong.get(provider.wrong, {})

        def get_authorization_code_claims(self, authorization_code: Code) -> dict[str, Any]:
            return {"nonce": secrets.token_hex(8) if provider.wrong == "nonce" else authorization_code.nonce}

        def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
            return UserInfo(**user)

    server = Server()
    server.register_token_generator("default", BearerTokenGenerator(lambda **more: secrets.token_urlsafe(32)))
    server.register_grant(Grant, [CodeChallenge(required=True), Identity(require_nonce=True)])
    return server


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider at an address of this machine; ``back`` is to be set to where people come back to."""
    import socket

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(20)
        found = Provider(f"http://127.0.0.1:{bound.getsockname()[1]}")
        config = uvicorn.Config(found.app(), log_config=None, log_level="critical", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield found
        server.should_exit = True
        thread.join()
