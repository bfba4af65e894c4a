"""Who may send: a token for each client, known here only by its hash.

A token file has one client a line, ``name: HASH``, the SHA-256 of its token in hexadecimal. A random token of 32 bytes
needs no slow hash: nobody can guess it.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from caretwin.base.errors import DataError

_LINE = re.compile(r"(?P<name>[\w.-]{1,64})\s*:\s*(?P<hash>[0-9a-fA-F]{64})")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_VARIABLE = "env:"


class Clients:
    """Clients by the hash of their token."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = {name: text.lower().encode() for name, text in hashes.items()}

    def named(self, authorization: str | None) -> str | None:
        """Which client an Authorization header proves, None for nobody. It takes the same time for every answer."""
        scheme, _, token = (authorization or "").partition(" ")
        seen = hashed(token.strip()).encode()
        found = None
        for name, known in self._hashes.items():
            if hmac.compare_digest(seen, known):
                found = name
        return found if scheme.lower() == "bearer" and token.strip() else None

    def __len__(self) -> int:
        return len(self._hashes)


def hashed(token: str) -> str:
    """What a token file has of a token."""
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def read_clients(where: str, door: str) -> Clients:
    """Clients of a file, or of an environment variable (``"env:NAME"``). Raises DataError with the line."""
    return Clients(token_hashes(where, f"tokens of door {door}"))


def token_hashes(where: str, place: str) -> dict[str, str]:
    """Hashes by name, of a file or an environment variable; place: what it is, for errors. Raises DataError."""
    found: dict[str, str] = {}
    for number, line in enumerate(_text(where, place).splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        parts = _LINE.fullmatch(text)
        if parts is None or parts["name"] in found:
            raise DataError(
                place,
                seen=f"line {number} " + ("of another form" if parts is None else "with a name that stands twice"),
                wanted="NAME: SHA-256 of its token, 64 hexadecimal digits",
                fix="printf %s TOKEN | sha256sum",
            )
        found[parts["name"]] = parts["hash"].lower()
    if not found:
        fix = "write a line for each client"
        raise DataError(place, seen="no client", wanted="at least one", fix=fix)
    return found


def made_token(door: str, port: int) -> tuple[Clients, Path]:
    """The token of a door that was given none, in a file that only this account can read.

    It is the door's own as long as it listens at its port, which it must have already: what was told before is kept,
    so that its senders go on after a new start, and another site with a door of this name has a file of its own.
    """
    path = private_folder() / f"{re.sub(r'[^A-Za-z0-9_-]', '-', door)}-{port}.token"
    token = _told_before(path)
    if not token:
        token = secrets.token_urlsafe(32)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
    return Clients({"local": hashed(token)}), path


def _told_before(path: Path) -> str:
    """The token in a file that only this account can have written and read; "" where there is none."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="ascii") as file:
            known = os.fstat(file.fileno())
            if not stat.S_ISREG(known.st_mode) or known.st_uid != os.getuid() or known.st_mode & 0o077:
                return ""
            token = file.read(200).strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return token if _TOKEN.fullmatch(token) else ""


def private_folder() -> Path:
    """A folder of this account alone. Raises DataError where somebody else made it."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"caretwin-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    known = folder.lstat()
    if not stat.S_ISDIR(known.st_mode) or known.st_uid != os.getuid() or known.st_mode & 0o077:
        fix = f"remove {folder}, or name a token file in the door's section"
        raise DataError("token folder", seen="one that others can open", wanted="mode 700, our own", fix=fix)
    return folder


def secret(where: str, place: str) -> str:
    """A token that we send: the first line of a file, or an environment variable (``"env:NAME"``); "" for none."""
    return _text(where, place).strip().partition("\n")[0].strip() if where else ""


def _text(where: str, place: str) -> str:
    if where.startswith(_VARIABLE):
        name = where.removeprefix(_VARIABLE)
        if name not in os.environ:
            raise DataError(place, seen=f"no variable {name}", wanted="it in the environment", fix=f"export {name}=...")
        return os.environ[name]
    try:
        return Path(where).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        fix = "name a text file that this account can read, or env:VARIABLE"
        raise DataError(place, seen=type(problem).__name__, wanted=f"the file {where}", fix=fix) from None
