"""What codes of MEDS files mean: ours for MIMIC-IV (``meds_codes.toml``), or a table that a site writes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from caretwin.base.errors import CaretwinError, DataError
from caretwin.ingest.bedside.units import to_channel
from caretwin.ingest.doors.toml_file import check, table_of
from caretwin.record.vocabulary import vocabulary

SEPARATOR = "//"
UNKNOWN = "UNK"
KEYS = {"channel": str, "unit": str, "device": str, "laboratory": bool, "infusion": bool}
_LABORATORY_ITEMS = range(50_000, 54_000)


@dataclass(frozen=True)
class Meaning:
    """A channel, the unit where the code says none, which device spoke, whether a result takes time to come, and
    whether it is the item of an infusion, whose starts and ends make the rate.
    """

    channel: str
    unit: str = ""
    device: str = ""
    laboratory: bool = False
    infusion: bool = False


class Read(NamedTuple):
    """A code of a file: what it means (None: nobody knows), its item without the unit, and the unit."""

    meaning: Meaning | None
    item: str
    unit: str


class Meanings:
    """Meanings by code: the whole code is looked for first, then its second part.

    >>> Meanings({"220045": Meaning("heart_rate")}).read("LAB//220045//bpm")[1:]
    ('220045', 'bpm')
    """

    def __init__(self, table: Mapping[str, Meaning]) -> None:
        self._table = dict(table)

    def __len__(self) -> int:
        return len(self._table)

    def read(self, code: str) -> Read:
        """What a code means."""
        parts = code.split(SEPARATOR)
        item = parts[1] if len(parts) > 1 else code
        unit = SEPARATOR.join(parts[2:])
        return Read(self._table.get(code) or self._table.get(item), item, "" if unit == UNKNOWN else unit)


def read_codes(name: str) -> Meanings:
    """The table of a name (``"mimic_iv"``) or of a TOML file. Raises DataError with the code for what is wrong."""
    shipped = tomllib.loads((files("caretwin.ingest.doors.research") / "meds_codes.toml").read_text(encoding="utf-8"))
    if name in shipped:
        table, where = shipped[name], name
    elif name.endswith(".toml"):
        table, where = table_of(Path(name)), name
        table = table.get("codes", table)
    else:
        wanted = f"{', '.join(shipped)}, or a file that ends in .toml"
        raise DataError("codes of MEDS", seen=repr(name), wanted=wanted, fix="see docs/doors/research.md")
    return Meanings({code: _meaning(code, entry, where) for code, entry in table.items()})


def _meaning(code: str, entry: Any, where: str) -> Meaning:
    place = f"{where}, code {code}"
    check(entry, KEYS, place, ("channel",))
    if entry["channel"] not in vocabulary():
        fix = "caretwin record vocabulary lists them"
        raise DataError(place, seen=f"channel = {entry['channel']!r}", wanted="a channel of the vocabulary", fix=fix)
    if entry.get("infusion"):
        _check_rate(entry, place)
    laboratory = code.isdigit() and int(code) in _LABORATORY_ITEMS
    return Meaning(**{"laboratory": laboratory, **entry})


def _check_rate(entry: Any, place: str) -> None:
    """Raises DataError for the unit of an infusion that cannot be a rate of its channel."""
    try:
        to_channel(1.0, entry.get("unit", ""), entry["channel"])
    except CaretwinError as problem:
        wanted, fix = f"a rate that becomes {vocabulary()[entry['channel']].unit}", "write its unit in UCUM"
        raise DataError(place, seen=f"unit = {entry.get('unit', '')!r}", wanted=wanted, fix=fix) from problem
