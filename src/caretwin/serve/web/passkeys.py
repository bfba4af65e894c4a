"""Passkeys (WebAuthn): asking a browser for one, and checking what it answers. No password exists beside them."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from caretwin.record.store.accounts import Account, Passkey
from caretwin.serve.web.problems import Refusal
from caretwin.serve.web.served import Served

TIMEOUT_MS = 5 * 60_000
"""ms that a browser waits for a finger or a key (assumed; as long as a ceremony is remembered)."""
KIND_NEW, KIND_KNOWN = "new passkey", "passkey"
PREFERRED = UserVerificationRequirement.PREFERRED


def relying_party(served: Served, host: str) -> tuple[str, list[str]]:
    """The name to which passkeys belong, and the origins that may use them, for the host that a browser has open.

    Raises Refusal where that is an address: a passkey belongs to a name.
    """
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name, [one for one in served.settings.origins if urlsplit(one).hostname == name]
    fix = f"open {served.settings.origin}"
    raise Refusal(409, "a page that was opened by an address: passkeys belong to a name", fix=fix, rule="passkey:name")


def ask_new(served: Served, host: str, account: Account) -> tuple[str, dict[str, Any]]:
    """What a browser is asked for a new passkey of an account: name of the ceremony, and its options."""
    name, _ = relying_party(served, host)
    known = [PublicKeyCredentialDescriptor(one.credential) for one in served.accounts.passkeys(account.key)]
    options = webauthn.generate_registration_options(
        rp_id=name,
        rp_name="caretwin",
        user_id=account.key.encode(),
        user_name=account.name,
        timeout=TIMEOUT_MS,
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=PREFERRED
        ),
    )
    ceremony = served.ceremonies.begin(KIND_NEW, challenge=options.challenge, account=account.key)
    return ceremony, json.loads(webauthn.options_to_json(options))


def check_new(served: Served, host: str, account: Account, ceremony: str, credential: Mapping[str, Any]) -> Passkey:
    """The new passkey that a browser answered with; its name is still to be given. Raises Refusal."""
    name, origins = relying_party(served, host)
    asked = served.ceremonies.end(KIND_NEW, ceremony)
    if asked is None or asked["account"] != account.key:
        raise _refused(served, account.key, "an answer to a question that nobody asked, or asked too long ago")
    try:
        found = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=asked["challenge"],
            expected_rp_id=name,
            expected_origin=origins,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as problem:
        raise _refused(served, account.key, f"a passkey that proves nothing ({type(problem).__name__})") from None
    key, count = found.credential_public_key, found.sign_count
    return Passkey(found.credential_id, account.key, key, count, "", served.clock())


def ask_known(served: Served, host: str) -> tuple[str, dict[str, Any]]:
    """What a browser is asked for any passkey of this site: name of the ceremony, and its options."""
    name, _ = relying_party(served, host)
    options = webauthn.generate_authentication_options(rp_id=name, timeout=TIMEOUT_MS, user_verification=PREFERRED)
    ceremony = served.ceremonies.begin(KIND_KNOWN, challenge=options.challenge)
    return ceremony, json.loads(webauthn.options_to_json(options))


def check_known(served: Served, host: str, ceremony: str, credential: Mapping[str, Any]) -> Account:
    """The account whose passkey a browser has proved. Raises Refusal, and SignInError for a closed account."""
    name, origins = relying_party(served, host)
    asked = served.ceremonies.end(KIND_KNOWN, ceremony)
    if asked is None:
        raise _refused(served, "", "an answer to a question that nobody asked, or asked too long ago")
    try:
        sent = webauthn.base64url_to_bytes(str(credential.get("rawId", "")))
    except ValueError:
        sent = b""
    passkey = next((one for one in served.accounts.passkeys() if one.credential == sent), None)
    if passkey is None:
        raise _refused(served, "", "a passkey that is not known here")
    try:
        found = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=asked["challenge"],
            expected_rp_id=name,
            expected_origin=origins,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as problem:
        seen = f"a passkey that proves nothing ({type(problem).__name__})"
        raise _refused(served, passkey.account, seen) from None
    return served.accounts.used_passkey(passkey, found.new_sign_count)


def _refused(served: Served, account: str, seen: str) -> Refusal:
    served.accounts.refuse(account, "sign-in", "passkey:proved", seen)
    return Refusal(401, seen, fix="begin anew, or ask for a link", rule="passkey:proved")
