"""Identifiers of subjects: opaque, never a name, safe to print in an error and to address a random stream."""

import re
import uuid
from dataclasses import dataclass

from caretwin.base.errors import DataError

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


@dataclass(frozen=True, order=True)
class SubjectId:
    """The internal identifier of a patient, a resident or a place.

    value  1 to 64 letters, digits, dots, colons, hyphens and underscores, starting with a letter or digit; no
           space, so that a full name does not pass, and nobody reads one off an error message

    Raises :class:`DataError` for anything else. Example: ``SubjectId("7f3c")`` prints as ``7f3c``.
    """

    value: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, str) or not _ALLOWED.fullmatch(self.value):
            raise DataError(
                "subject identifier",
                seen="something other than an internal identifier (not shown: it may be a name)",
                wanted="1 to 64 letters, digits and . _ : - without spaces, such as 7f3c",
                fix="send the internal identifier; keep names and addresses out of the data",
            )

    def __str__(self) -> str:
        """The bare identifier."""
        return self.value


def new_subject(random: bytes) -> SubjectId:
    """An identifier that says nothing about the person.

    random  16 bytes from the caller's source of randomness, such as ``secrets.token_bytes(16)``
    Raises ``ValueError`` for any other length. Source: version 4 of RFC 9562 (2024).

    Example: ``new_subject(secrets.token_bytes(16))``.
    """
    return SubjectId(str(uuid.UUID(bytes=random, version=4)))
