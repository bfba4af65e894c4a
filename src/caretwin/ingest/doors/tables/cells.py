"""One value of a table: a number, a bound, a word, two pressures in a cell, or nothing with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time

from caretwin.ingest.doors.mqtt.payload import Reading, reading, refused
from caretwin.ingest.doors.tables.grid import Cell

NOTHING = {
    "#n/a": "unknown", "#value!": "error", "#ref!": "error", "#div/0!": "error", "#name?": "error", "#num!": "error",
    "#null!": "error", "na": "unknown", "nil": "unknown", "not done": "not-performed", "nd": "not-performed",
    "not recorded": "unknown", "missing": "unknown", "refused": "asked-declined", "pending": "temp-unknown", ".":
    "unknown", "--": "unknown", "?": "unknown",
}  # fmt: skip
"""Words of spreadsheets and charts for nothing, and the reason as HL7 FHIR R4 codes it (data-absent-reason)."""
_SPACED = re.compile(r"(?<=\d)[\u00a0\u202f ](?=\d{3}(?!\d))")
_GROUPS = re.compile(r"[<>]?=?\s*[+-]?\d{1,3}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*(?P<rest>[.,]\d+)?\s*\D{0,30}")
_COMMA = re.compile(r"(?P<before>[<>]?=?\s*[+-]?\d+),(?P<after>\d+)(?P<unit>\s*\D.{0,30})?")
_PAIR = re.compile(r"\s*(\d{2,3})\s*/\s*(\d{2,3})\s*(?:\(\s*\d{2,3}\s*\))?\s*(mm\s?\[?Hg\]?)?\s*")


def value_of(cell: Cell, decimal: str, words: Mapping[str, float], place: str) -> Reading:
    """What a cell says. Raises RefusedError for a number that could be a thousand times another, and for a time.

    decimal  ``"."`` or ``","``, as the table writes numbers; words  what words mean, in small letters

    >>> value_of("< 0,5", ",", {}, "").comparator, value_of("#N/A", ".", {}, "").absent
    ('<', 'unknown')
    """
    if isinstance(cell, datetime | date | time):
        fix = "the spreadsheet took a number such as 3/4 or 1.2 for a date: format the column as a number or a text"
        raise refused(place, "a date or a time of day", "a value", fix)
    if isinstance(cell, str):
        small = cell.casefold()
        if small in NOTHING and small not in words:
            return Reading(None, absent=NOTHING[small])
        cell = _pointed(cell, decimal, place)
    return reading(cell, words, place)


def _pointed(text: str, decimal: str, place: str) -> str:
    """A number with a decimal point. Raises RefusedError where the mark could be of decimals or of thousands."""
    found = _GROUPS.fullmatch(text)
    if found is not None and (found["mark"] != decimal or found["rest"]):
        fix = "write the number without marks of thousands"
        raise refused(place, "a number whose mark could be of decimals or of thousands", "one meaning", fix)
    text = _SPACED.sub("", text)
    if decimal == ",":
        number = _COMMA.fullmatch(text)
        return f"{number['before']}.{number['after']}{number['unit'] or ''}" if number else text
    return text


def pair_of(cell: Cell, place: str) -> tuple[float, float] | None:
    """The two pressures of a cell such as 120/80; None where it says nothing. Raises RefusedError for anything else.

    >>> pair_of("120/80 mmHg", "")
    (120.0, 80.0)
    """
    if cell is None or (isinstance(cell, str) and cell.casefold() in NOTHING):
        return None
    found = _PAIR.fullmatch(cell) if isinstance(cell, str) else None
    if found is None:
        fix = "correct the cell; a spreadsheet takes 12/8 for a date unless the column is text"
        raise refused(place, "no pair of pressures", "systolic/diastolic, such as 120/80", fix)
    return float(found[1]), float(found[2])
