"""From bytes to the text of an HL7 v2 message, and from a field to what it says: character sets and escapes.

Sources: HL7 v2.5.1 chapter 2, sections 2.7 (escape sequences) and 2.15.9.18 (MSH-18, table 0211).
"""

from __future__ import annotations

import codecs
import re

from caretwin.ingest.decoded import Refusal, RefusedError

HEADER_BYTES = 4096
"""Bytes of a message in which its first segment is looked for when the character set is read (assumed)."""
_SETS = {
    "": "utf-8", "ASCII": "ascii", "ISO IR6": "ascii", "UNICODE": "utf-8", "UNICODE UTF-8": "utf-8",
    "UNICODE UTF-16": "utf-16", "UNICODE UTF-32": "utf-32", "UTF-8": "utf-8", "UTF8": "utf-8",
    "ISO IR14": "iso2022_jp", "ISO IR87": "iso2022_jp", "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030", "KS X 1001": "euc_kr", "BIG-5": "big5",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}  # fmt: skip
"""Python's names of the character sets of table 0211."""
_STATEFUL = frozenset({"iso2022_jp", "iso2022_jp_1"})
"""Sets whose bytes are valid UTF-8 too, and mean something else."""
_CONTROLS = {code: None for code in (*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F)}
"""Control characters that mean nothing in a message; databases refuse some of them."""


def read_text(raw: bytes) -> tuple[str, str, str]:
    r"""The text of a message with ``\r`` between its segments, the character set it is in, and what to note about it.

    UTF-8 first, with or without a byte-order mark: other sets are hardly ever valid UTF-8 by chance. Then what MSH-18
    says, and at last ISO 8859-1, which reads everything and may show a wrong letter: that is noted.

    Raises RefusedError for UTF-16 that is cut.

    >>> read_text(b"MSH|^~\\&|A\r\nPID|1\n")
    ('MSH|^~\\&|A\rPID|1\r', 'utf-8', '')
    """
    text, encoding, note = _decode(raw)
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    if not text.isprintable():
        text = text.translate(_CONTROLS)
    return text, encoding, note


def _decode(raw: bytes) -> tuple[str, str, str]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _wide(raw), "utf-16", ""
    declared = _declared(raw)
    for encoding in (declared, "utf-8-sig") if declared in _STATEFUL else ("utf-8-sig", declared):
        try:
            return raw.decode(encoding), encoding.removesuffix("-sig"), ""
        except (UnicodeDecodeError, LookupError):
            continue
    said = "" if declared == "utf-8" else f" nor {declared}"
    return raw.decode("iso8859-1"), "iso8859-1", f"the text is not UTF-8{said}: read as ISO 8859-1"


def _wide(raw: bytes) -> str:
    try:
        return raw.decode("utf-16")
    except UnicodeDecodeError as problem:
        raise RefusedError(
            Refusal("MSH", "UTF-16 that cannot be read", "UTF-8", "set the sender to UNICODE UTF-8", "structure")
        ) from problem


def _declared(raw: bytes) -> str:
    """Python's name of the first set in MSH-18; UTF-8 where nothing, or nothing known, is said."""
    first = re.split(rb"[\r\n]", raw[:HEADER_BYTES].removeprefix(codecs.BOM_UTF8), maxsplit=1)[0]
    fields = first.split(first[3:4]) if len(first) > 3 else []
    said = fields[17].decode("latin-1").split("~")[0] if len(fields) > 17 else ""
    return _SETS.get(said.strip().upper(), "utf-8")


def unescape(text: str, escape: str, delimiters: str) -> str:
    r"""What an escaped text says.

    escape      the escape character (MSH-2), "" for none
    delimiters  field, component, subcomponent and repetition separator of the message, in this order

    Highlighting and the sender's own sequences are left out; what is no sequence stays as it is.

    >>> unescape(r"A\T\E \S\ B\.br\C \X41\ 5\6", "\\", "|^&~")
    'A&E ^ B\nC A 5\\6'
    """
    if not escape or escape not in text:
        return text
    parts = text.split(escape)
    found = [parts[0]]
    i = 1
    while i < len(parts):
        meant = _sequence(parts[i], escape, delimiters) if i + 1 < len(parts) else None
        if meant is None:
            found.append(escape + parts[i])
            i += 1
        else:
            found += (meant, parts[i + 1])
            i += 2
    return "".join(found)


def _sequence(name: str, escape: str, delimiters: str) -> str | None:
    r"""What stands for ``\name\``; None when it is no escape sequence."""
    if len(name) == 1 and name in "FSTREHNP":
        field, component, subcomponent, repetition = tuple(delimiters)
        return {"F": field, "S": component, "T": subcomponent, "R": repetition, "E": escape}.get(name, "")
    if name[:1] == "." and len(name) <= 8:
        return "\n" if name[1:3] in ("br", "sp", "ce") else ""
    if name[:1] == "X" and re.fullmatch(r"X([0-9A-Fa-f]{2})+", name):
        said = bytes.fromhex(name[1:])
        try:
            return said.decode("utf-8").translate(_CONTROLS)
        except UnicodeDecodeError:
            return said.decode("iso8859-1").translate(_CONTROLS)
    if re.fullmatch(r"[CMZ][0-9A-Za-z]{1,16}", name):
        return ""
    return None


def escaped(text: str) -> str:
    r"""A text for a field of a message with the usual delimiters.

    >>> escaped("A&E | 5")
    'A\\T\\E \\F\\ 5'
    """
    table = {"\\": r"\E", "|": r"\F", "^": r"\S", "&": r"\T", "~": r"\R"}
    said = "".join(table[letter] + "\\" if letter in table else letter for letter in text)
    return said.replace("\r\n", "\n").replace("\r", "\n").replace("\n", r"\.br" + "\\").translate(_CONTROLS)
