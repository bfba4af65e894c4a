"""The points of a building that are read: a TOML file, a ``[[device]]`` for each controller (docs/doors/bacnet.md).

Nothing in a building says which room a sensor hangs in: the file does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Code
from caretwin.ingest.doors.toml_file import check, coded, subject_of, table_of, words_of
from caretwin.ingest.meanings import by_line
from caretwin.record.entry import SubjectRef
from caretwin.record.identifiers import identifier

DEVICE_KEYS = {
    "name": str, "address": str, "instance": int, "every": float, "cov": bool, "subject": dict, "point": list,
}  # fmt: skip
POINT_KEYS = {"object": str, "code": str, "system": str, "unit": str, "words": dict, "subject": dict}
WORDS: Mapping[str, float] = {"active": 1.0, "inactive": 0.0}
"""Of binary objects (ASHRAE 135, BACnetBinaryPV)."""
EVERY_S = 60.0
"""s between two readings of a device, where the file does not say (assumed)."""
_OBJECT = re.compile(r"[a-z][a-z-]*,\d{1,7}")
MOST_INSTANCE = 4_194_302
"""Greatest instance number of a device (ASHRAE 135, clause 12.11.1; 4194303 is "any")."""


@dataclass(frozen=True)
class Point:
    """A point: its object, such as ``"analog-input,1"``, what it is and whom it is about.

    unit   UCUM, in place of what the object says; ""  the object's own
    words  what its states mean as numbers, in small letters
    """

    object: str
    subject: SubjectRef
    code: Code
    unit: str
    words: Mapping[str, float]


@dataclass(frozen=True)
class Device:
    """A controller.

    name      by which the site calls it; part of the source
    address   "host" or "host:port"; "" : found by its instance number
    instance  its instance number, None where only the address is known
    every     s between two readings; cov  ask it to tell changes at once, too
    """

    name: str
    address: str
    instance: int | None
    every: float
    cov: bool
    points: tuple[Point, ...]


def read_points(path: str | Path) -> tuple[Device, ...]:
    """The devices of a file. Raises DataError with the place for whatever is wrong in it."""
    table = table_of(path)
    check(table, {"device": list}, f"{path}", ("device",))
    with by_line(path):
        devices = tuple(_device(one, f"{path}, device {i}") for i, one in enumerate(table["device"], start=1))
    names = [device.name for device in devices]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}", seen=f"two devices {twice!r}", wanted="one name for each", fix="name them apart")
    return devices


def _device(entry: Any, where: str) -> Device:
    check(entry, DEVICE_KEYS, where, ("name", "point"))
    address, instance, every = entry.get("address", ""), entry.get("instance"), float(entry.get("every", EVERY_S))
    if not address and instance is None:
        raise DataError(where, seen="neither address nor instance", wanted="one of them", fix="write one")
    if instance is not None and not 0 <= instance <= MOST_INSTANCE:
        raise DataError(where, seen=f"instance = {instance}", wanted=f"0 to {MOST_INSTANCE}", fix="look at the device")
    if not 0.05 <= every <= 86_400:
        raise DataError(where, seen=f"every = {every:g}", wanted="s, 0.05 to 86400", fix="write such as every = 60")
    points = tuple(_point(one, entry.get("subject"), f"{where}, point {i}") for i, one in enumerate(entry["point"], 1))
    return Device(entry["name"], address, instance, every, entry.get("cov", False), points)


def _point(entry: Any, subject: Any, where: str) -> Point:
    check(entry, POINT_KEYS, where, ("object", "code"))
    if not _OBJECT.fullmatch(entry["object"]):
        fix = "write its type in small letters, a comma, its number"
        raise DataError(where, seen=f"object = {entry['object']!r}", wanted="such as analog-input,1", fix=fix)
    system, value, kind = subject_of(entry.get("subject", subject), where)
    coding = coded(entry["code"], entry.get("system", ""), "local:bacnet", where, entry.get("unit", ""))
    words = words_of(entry["words"], where) if entry.get("words") else WORDS
    return Point(entry["object"], SubjectRef((identifier(system, value),), kind), coding, entry.get("unit", ""), words)
