"""The section [web] of a site's configuration: where the web application listens, and how people sign in.

[web]
listen = "127.0.0.1:8400"
origin = "https://ward.example.org"   # the address that people write, where it is another

[web.oidc]
issuer = "https://login.example.org"
client_id = "caretwin"
client_secret = "env:CARETWIN_OIDC_SECRET"
claim = "groups"
units_claim = "wards"
[web.oidc.roles]
icu-nurses = "nurse"
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from caretwin.base.errors import DataError
from caretwin.record.access import PEOPLE

LISTEN = "127.0.0.1:8400"
IDLE_MIN, LONGEST_H = 30.0, 12.0
"""min without a request, and h in all, after which a session ends (assumed: a pause, and a shift)."""
MAX_BODY_BYTES = 1 << 20
"""Bytes of the largest request (assumed: a mapping of some ten thousand codes)."""
ENTRIES = frozenset(
    {
        "listen", "origin", "certificate", "key", "behind_proxy", "idle_min", "longest_h", "max_body_bytes",
        "frame_ancestors", "metrics_tokens", "requests_per_min", "sign_ins_per_min", "log", "oidc",
    }
)  # fmt: skip
OIDC_ENTRIES = frozenset(
    {"issuer", "client_id", "client_secret", "claim", "roles", "units_claim", "units", "name", "scope"}
)
EVERYWHERE = "*"


@dataclass(frozen=True)
class OidcSettings:
    """An identity provider (OpenID Connect).

    client_secret  ``env:VARIABLE`` or a file with it; "" for a client without one
    claim          claim of the ID token that says what somebody is; roles  role of each of its values
    units_claim    claim with the units; "" where ``units`` says them for all ("*" is all of the site)
    name           as the button of the sign-in page calls it
    """

    issuer: str
    client_id: str
    client_secret: str = ""
    claim: str = "roles"
    roles: Mapping[str, str] = field(default_factory=dict)
    units_claim: str = ""
    units: tuple[str, ...] = ()
    name: str = "single sign-on"
    scope: str = "openid profile"


@dataclass(frozen=True)
class WebSettings:
    """The section, read.

    origin         scheme, host and port that people write; the host is that to which passkeys belong
    idle_min, longest_h  after which a session ends: without a request, and in all
    frame_ancestors  pages in which ours may be shown, such as an EHR's; none
    metrics_tokens  file with NAME: SHA-256 of the token of each program that may read /metrics
    log            file to which a line of JSON for each answer is added; "-" is the standard error output; "" none
    requests_per_min, sign_ins_per_min  of one session, or of one address where nobody has signed in (assumed)
    """

    listen: str = LISTEN
    origin: str = ""
    certificate: str = ""
    key: str = ""
    behind_proxy: bool = False
    idle_min: float = IDLE_MIN
    longest_h: float = LONGEST_H
    max_body_bytes: int = MAX_BODY_BYTES
    frame_ancestors: tuple[str, ...] = ()
    metrics_tokens: str = ""
    requests_per_min: int = 1200
    sign_ins_per_min: int = 20
    log: str = ""
    oidc: OidcSettings | None = None

    def address(self) -> tuple[str, int]:
        """Host and port to listen at."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    def at_port(self, port: int) -> WebSettings:
        """These settings, with the port that was given where ``listen`` asked for any (0)."""
        from dataclasses import replace

        host = self.listen.rpartition(":")[0]
        origin = self.origin or _own_origin(host, port, bool(self.certificate))
        return replace(self, listen=f"{host}:{port}", origin=origin)

    @property
    def origins(self) -> frozenset[str]:
        """Origins from which the application's own pages come: on this machine alone, by any of its names."""
        split = urlsplit(self.origin)
        if split.hostname not in LOCAL:
            return frozenset({self.origin})
        port = f":{split.port}" if split.port else ""
        return frozenset(f"{split.scheme}://{'[::1]' if one == '::1' else one}{port}" for one in LOCAL)

    @property
    def secure(self) -> bool:
        """Whether pages come by https."""
        return self.origin.startswith("https://")


LOCAL = ("localhost", "127.0.0.1", "::1")


def web_settings(table: Mapping[str, Any], where: str, folder: Path) -> WebSettings:
    """The settings of a section as read from TOML; files that it names lie beside the configuration.

    Raises DataError for an unknown entry, a value of another kind, and what would let strangers listen in.
    """
    _known(table, ENTRIES, "web", where)
    more: dict[str, Any] = {}
    for name in ("listen", "origin"):
        more[name] = _text(table, name, getattr(WebSettings, name), where)
    for name in ("certificate", "key", "metrics_tokens", "log"):
        more[name] = _beside(folder, _text(table, name, "", where))
    for name, low, high in (("idle_min", 1.0, 1440.0), ("longest_h", 0.1, 168.0)):
        more[name] = float(_number(table, name, getattr(WebSettings, name), low, high, where))
    for name, low, high in (
        ("max_body_bytes", 1024.0, 2.0**30), ("requests_per_min", 1.0, 1e6), ("sign_ins_per_min", 1.0, 1e6),
    ):  # fmt: skip
        more[name] = int(_number(table, name, getattr(WebSettings, name), low, high, where))
    more["behind_proxy"] = _flag(table, "behind_proxy", where)
    more["frame_ancestors"] = tuple(_texts(table, "frame_ancestors", where))
    more["oidc"] = _oidc(table["oidc"], where, folder) if "oidc" in table else None
    found = WebSettings(**{**more, "origin": str(more["origin"]).rstrip("/")})
    _check(found, where)
    return found


def _check(found: WebSettings, where: str) -> None:
    host, _, port = found.listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise _wrong(where, f"listen = {found.listen!r}", f"HOST:PORT, such as {LISTEN}")
    if bool(found.certificate) != bool(found.key):
        raise _wrong(where, "one of certificate and key", "both, or neither")
    if not is_loopback(host.strip("[]")):
        if not found.certificate and not found.behind_proxy:
            wanted = "a certificate and its key, or behind_proxy = true where a proxy encrypts"
            raise _wrong(where, f"listen = {found.listen!r}, which others reach, without encryption", wanted)
        if not found.origin:
            raise _wrong(where, "no origin", "the address that people write, such as https://ward.example.org")
    if found.origin:
        split = urlsplit(found.origin)
        if split.scheme not in ("http", "https") or not split.hostname or split.path or split.query or split.username:
            raise _wrong(where, f"origin = {found.origin!r}", "scheme and host, such as https://ward.example.org")
        if split.scheme == "http" and split.hostname not in LOCAL:
            raise _wrong(where, "an origin without encryption", "https://, as browsers ask for passkeys")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _own_origin(host: str, port: int, encrypted: bool) -> str:
    """The address of a server of this machine alone: by its name, for passkeys belong to names."""
    scheme, usual = ("https", 443) if encrypted else ("http", 80)
    return f"{scheme}://localhost" + ("" if port == usual else f":{port}")


def _oidc(table: Any, where: str, folder: Path) -> OidcSettings:
    if not isinstance(table, dict):
        raise _wrong(where, "oidc without a section of its own", "[web.oidc]")
    _known(table, OIDC_ENTRIES, "web.oidc", where)
    more = {
        name: _text(table, name, getattr(OidcSettings, name, ""), where)
        for name in ("issuer", "client_id", "client_secret", "claim", "units_claim", "name", "scope")
    }
    more["client_secret"] = _beside(folder, more["client_secret"])
    for name in ("issuer", "client_id"):
        if not more[name]:
            raise _wrong(where, f"[web.oidc] without {name}", "issuer and client_id")
    split = urlsplit(more["issuer"])
    if split.scheme != "https" and split.hostname not in LOCAL:
        raise _wrong(where, "an issuer without https", "https://, for whoever changes its answers is anybody")
    roles = table.get("roles", {})
    if not isinstance(roles, dict) or not roles or not set(roles.values()) <= PEOPLE:
        wanted = "[web.oidc.roles] with a role for each value of the claim: " + ", ".join(sorted(PEOPLE))
        raise _wrong(where, "no roles, or others than there are", wanted)
    units = tuple(_texts(table, "units", where))
    if bool(more["units_claim"]) == bool(units):
        wanted = 'units_claim, or units for all who come, such as units = ["ICU"], or ["*"] for all of the site'
        raise _wrong(where, "both, or neither, of units_claim and units", wanted)
    return OidcSettings(**more, roles=dict(roles), units=units)


def _known(table: Mapping[str, Any], names: frozenset[str], section: str, where: str) -> None:
    for name in table:
        if name not in names:
            known = ", ".join(sorted(names))
            raise DataError(where, seen=f"{name} in [{section}]", wanted=known, fix="rename or remove it")


def _text(table: Mapping[str, Any], name: str, otherwise: Any, where: str) -> str:
    value = table.get(name, otherwise)
    if not isinstance(value, str):
        raise _wrong(where, f"{name} = {value!r}", "a text")
    return value


def _texts(table: Mapping[str, Any], name: str, where: str) -> list[str]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise _wrong(where, f"{name} = {value!r}", "a list of texts")
    return value


def _flag(table: Mapping[str, Any], name: str, where: str) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(where, f"{name} = {value!r}", "true or false")
    return value


def _number(table: Mapping[str, Any], name: str, otherwise: float, low: float, high: float, where: str) -> float:
    value = table.get(name, otherwise)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(where, f"{name} = {value!r}", f"a number from {low:g} to {high:g}")
    return value


def _beside(folder: Path, text: str) -> str:
    return str(folder / text) if text and text != "-" and not text.startswith("env:") else text


def _wrong(where: str, seen: str, wanted: str) -> DataError:
    return DataError(where, seen=f"[web]: {seen}", wanted=wanted, fix="mend it (docs/web.md)")
