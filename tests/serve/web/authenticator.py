"""A passkey in software, written from the specification (WebAuthn Level 2, 6.1 and 6.5), for tests of the server."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def data(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One device with one key (ES256); counts how often it signs."""

    def __init__(self, origin: str) -> None:
        self.origin, self.count = origin, 0
        self.key, self.id = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(32)
        self.user = b""

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _said(self, name: str, flags: int) -> bytes:
        self.count += 1
        return sha256(name.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer of navigator.credentials.create."""
        self.user = data(options["user"]["id"])
        public = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        said = self._said(options["rp"]["id"], PRESENT | VERIFIED | ATTESTED)
        said += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": said})
        client = self._client("webauthn.create", options["challenge"])
        response = {"clientDataJSON": text(client), "attestationObject": text(attestation)}
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}

    def prove(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer of navigator.credentials.get."""
        said = self._said(options["rpId"], PRESENT | VERIFIED)
        client = self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(said + sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": text(client), "authenticatorData": text(said), "signature": text(signature),
            "userHandle": text(self.user),
        }  # fmt: skip
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}
