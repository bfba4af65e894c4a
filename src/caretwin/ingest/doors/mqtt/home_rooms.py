"""Whom a device of Home Assistant is about: a TOML file of the site, or else the area that its discovery suggests.

A device may stand in a room or belong to a person; nothing in its messages says which. Where neither the file nor an
area tells, it is listed as having no place, and its values are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError
from caretwin.ingest.doors.toml_file import check, subject_of, table_of
from caretwin.record.entry import SubjectRef
from caretwin.record.identifiers import identifier
from caretwin.record.vocabulary import vocabulary

DEVICE_KEYS = {"is": str, "subject": dict, "channels": dict}


@dataclass(frozen=True)
class Home:
    """Where a device belongs, and what its device classes mean there when it is not the usual."""

    subject: SubjectRef
    channels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rooms:
    """A site's devices by name, identifier or unique id; ``area_system`` makes places of areas ("" : none)."""

    devices: Mapping[str, Home] = field(default_factory=dict)
    area_system: str = ""

    def home(self, names: Iterable[str], area: str) -> Home | None:
        """Where something belongs that goes by these names, the nearest first."""
        found = next((self.devices[name] for name in names if name in self.devices), None)
        if found is not None or not area or not self.area_system:
            return found
        try:
            return Home(SubjectRef((identifier(self.area_system, area),), "place"))
        except DataError:
            return None


def read_rooms(path: str | Path) -> Rooms:
    """The rooms of a file. Raises DataError with the place for whatever is wrong in it."""
    table = table_of(path)
    check(table, {"area_system": str, "device": list}, f"{path}")
    homes = dict(_device(one, f"{path}, device {i}") for i, one in enumerate(table.get("device", []), start=1))
    return Rooms(homes, table.get("area_system", ""))


def _device(entry: Any, where: str) -> tuple[str, Home]:
    check(entry, DEVICE_KEYS, where, ("is", "subject"))
    system, value, kind = subject_of(entry["subject"], where)
    channels = entry.get("channels", {})
    strange = sorted(str(name) for name in channels.values() if name not in vocabulary())
    if strange:
        fix = "caretwin record vocabulary lists them"
        raise DataError(where, seen=f"channel {strange[0]!r}", wanted="a channel of the vocabulary", fix=fix)
    return entry["is"], Home(SubjectRef((identifier(system, value),), kind), channels)
