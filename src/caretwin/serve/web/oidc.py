"""Signing in at an identity provider (OpenID Connect Core 1.0): authorization code with PKCE, state and nonce."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from caretwin.serve.web.settings import EVERYWHERE, OidcSettings

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures that are taken: by public keys alone, never a shared secret, never none."""
WAIT_S, LEEWAY_S = 10.0, 60
"""s that a provider has to answer, and by which its clock may differ from ours (assumed)."""
BACK = "/api/sign-in/oidc/back"
"""Where the provider sends people back to; to be told to it as the redirect address."""


class OidcError(Exception):
    """Raised when a provider did not say who somebody is; the text is of us, never of what it sent."""


class Asked(NamedTuple):
    """What is remembered until somebody comes back: address to send them to, and what only we know."""

    address: str
    verifier: str
    nonce: str


class Who(NamedTuple):
    """Who somebody is for a provider. units: frozenset() is all of the site, None is that it does not say."""

    issuer: str
    subject: str
    name: str
    roles: tuple[str, ...]
    units: frozenset[str] | None


class Provider:
    """One identity provider.

    secret  of this client, "" for none; back  our address to which people come back; clock  us UTC of the wall
    """

    def __init__(self, settings: OidcSettings, secret: str, back: str, clock: Callable[[], int]) -> None:
        self._settings, self._secret, self._back, self._clock = settings, secret, back, clock

    async def ask(self, state: str) -> Asked:
        """Where to send somebody. Raises OidcError for a provider that does not answer as it should."""
        async with _client() as client:
            said = await self._discovered(client)
        verifier, nonce = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
        address = prepare_grant_uri(
            said["authorization_endpoint"],
            self._settings.client_id,
            "code",
            redirect_uri=self._back,
            scope=self._settings.scope,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Asked(str(address), verifier, nonce)

    async def who(self, code: str, verifier: str, nonce: str) -> Who:
        """Who came back with a code. Raises OidcError."""
        async with _client() as client:
            said = await self._discovered(client)
            tokens = await self._tokens(client, str(said["token_endpoint"]), code, verifier)
            keys = await _json(client, str(said["jwks_uri"]))
        return self._checked(tokens, keys, nonce)

    async def _discovered(self, client: httpx.AsyncClient) -> Mapping[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0, 4); it must be whom we meant."""
        said = await _json(client, self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if said.get("issuer") != self._settings.issuer:
            raise OidcError("the identity provider is another one than [web.oidc] names")
        if not all(isinstance(said.get(one), str) for one in ("authorization_endpoint", "token_endpoint", "jwks_uri")):
            raise OidcError("the identity provider does not say where to ask")
        return said

    async def _tokens(self, client: httpx.AsyncClient, url: str, code: str, verifier: str) -> Mapping[str, Any]:
        ours = {"code": code, "code_verifier": verifier}
        body = prepare_token_request("authorization_code", redirect_uri=self._back, **ours)
        method = "client_secret_basic" if self._secret else "none"
        proof = ClientAuth(self._settings.client_id, self._secret, method)
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        url, headers, body = proof.prepare("POST", url, headers, body)
        return await _json(client, url, dict(parse_qsl(body)), headers)

    def _checked(self, tokens: Mapping[str, Any], keys: Mapping[str, Any], nonce: str) -> Who:
        """The claims of an ID token that is the provider's, for us, of now, and an answer to our question."""
        settings = self._settings
        try:
            token = jwt.decode(str(tokens["id_token"]), KeySet.import_key_set(dict(keys)), ALGORITHMS)  # type: ignore[arg-type]
            options: Any = {
                "iss": {"essential": True, "value": settings.issuer},
                "aud": {"essential": True, "value": settings.client_id},
                "nonce": {"essential": True, "value": nonce},
            }
            more = {"client_id": settings.client_id, "nonce": nonce, "access_token": tokens.get("access_token")}
            claims = CodeIDToken(token.claims, token.header, options, more)
            claims.validate(now=self._clock() // 1_000_000, leeway=LEEWAY_S)
        except (JoseError, KeyError, TypeError, ValueError) as problem:
            raise OidcError(f"an ID token that proves nothing ({type(problem).__name__})") from None
        return self._who(claims)

    def _who(self, claims: Mapping[str, Any]) -> Who:
        settings = self._settings
        has = set(_listed(claims.get(settings.claim)))
        roles = tuple(dict.fromkeys(role for value, role in settings.roles.items() if value in has))
        told = _listed(claims.get(settings.units_claim)) if settings.units_claim else list(settings.units)
        units = None if not told else frozenset() if told == [EVERYWHERE] else frozenset(told)
        name = str(claims.get("name") or claims.get("preferred_username") or "somebody")[:100]
        return Who(settings.issuer, str(claims["sub"]), name, roles, units)


def secret_text(where: str) -> str:
    """The secret of our client: of ``env:VARIABLE``, or the first line of a file. Raises DataError."""
    from caretwin.ingest.doors.fhir.access import secret

    return secret(where, "client_secret of [web.oidc]")


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=WAIT_S, follow_redirects=False, trust_env=False)


async def _json(
    client: httpx.AsyncClient, url: str, form: Mapping[str, str] | None = None, headers: Any = None
) -> Mapping[str, Any]:
    try:
        got = await (client.get(url) if form is None else client.post(url, data=dict(form), headers=headers))
        found = got.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
        raise OidcError(f"the identity provider does not answer as it should ({type(problem).__name__})") from None
    if not isinstance(found, dict):
        raise OidcError("the identity provider does not answer as it should")
    return found


def _listed(value: Any) -> list[str]:
    found = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return [one for one in found if isinstance(one, str) and one.strip()]
