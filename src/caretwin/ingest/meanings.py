"""What somebody writes into a mapping: a channel that there is, and a unit that can be of it.

Nonsense is refused when the mapping is read, with what was probably meant: otherwise every value would be kept under a
name that no twin knows, or be refused for use one by one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caretwin.base.errors import DataError, UnitError
from caretwin.base.units import compatible, convert
from caretwin.ingest.bedside.names import channel_of
from caretwin.ingest.bedside.units import SUBSTANCES as BEDSIDE_SUBSTANCES
from caretwin.ingest.bedside.units import to_channel, ucum
from caretwin.record.bedside import channels
from caretwin.record.vocabulary import Term, vocabulary

IONS = {"sodium": "sodium", "potassium": "potassium", "chloride": "chloride", "bicarbonate": "bicarbonate"}
"""Channels that US laboratories report in meq/L."""
SUBSTANCES = {**BEDSIDE_SUBSTANCES, **IONS, "urea": "urea", "bilirubin": "bilirubin", "base_excess": "bicarbonate"}
FRACTION_CHANNELS = frozenset({"fio2"})
ALIKE = 0.85
"""Likeness (difflib) from which a name is taken for a channel that was misspelt (assumed)."""
SOME_KG = 70.0
"""kg: any weight would do where only the kind of a unit is looked at."""
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")


def nearest(name: str) -> str:
    """The channel that a name was probably meant to be; "" for none.

    >>> nearest("heartrate"), nearest("SpO2"), nearest("pressure")
    ('heart_rate', 'oxygen_saturation', '')
    """
    if (known := channel_of(name)) is not None:
        return known
    names = {bare(one): one for one in vocabulary()}
    found = difflib.get_close_matches(bare(name), names, n=1, cutoff=ALIKE)
    return names[found[0]] if found else ""


def bare(name: str) -> str:
    """The letters and digits of a name, by which names are compared."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def no_channel(where: str, name: str, *others: str, key: str = "channel = ") -> DataError:
    """The error of a name that is no channel. others  what else could stand there"""
    near = nearest(name)
    listed = "caretwin record vocabulary lists them"
    wanted = " or ".join(["a channel of the vocabulary", *others])
    return DataError(where, seen=f"{key}{name!r}", wanted=wanted, fix=f"write {near}; {listed}" if near else listed)


def check_unit(where: str, unit: str, channel: str) -> None:
    """Raises DataError for a unit that cannot be read, or that cannot be of a channel."""
    term = vocabulary()[channel]
    try:
        if not _by_weight(unit, channel):
            readable(unit, term)
    except UnitError as problem:
        seen = f"unit {unit!r} for {channel}: {problem.seen}"
        own = term.unit if term.unit != "1" else "none: it is a pure number"
        fix = problem.fix if problem.seen.startswith("a spelling") else "write the unit in which the values come"
        raise DataError(where, seen=seen, wanted=f"a unit of {channel}, such as {own}", fix=fix) from None


def _by_weight(unit: str, channel: str) -> bool:
    """Whether a body weight makes a unit one of the channel's: a rate, and a rate per kg."""
    if channel not in channels():
        return False
    try:
        to_channel(1.0, unit, channel, SOME_KG)
    except UnitError:
        return False
    return True


def readable(unit: str, term: Term) -> str | None:
    """A unit as we can read it; None where it is the channel's own. Raises UnitError for one of another kind."""
    if not unit and term.unit == "1":
        return None
    read = ucum(unit, term.name)
    if read == "[pH]" and term.name == "arterial_ph":
        return None
    if read.startswith("{") and term.unit in ("1", "/min"):
        return None
    if term.name in FRACTION_CHANNELS or compatible(read, term.unit, substance=SUBSTANCES.get(term.name)):
        return read
    convert(1.0, read, term.unit, substance=SUBSTANCES.get(term.name))  # raises, with the two kinds named
    return read


@contextmanager
def by_line(path: str | Path) -> Iterator[None]:
    """What is wrong in a file is told with the line on which it stands, where that is one line only."""
    try:
        yield
    except DataError as problem:
        found = _QUOTED.search(problem.seen)
        word = (found[1] or found[2]) if found else ""
        lines = Path(path).read_text(encoding="utf-8-sig", errors="replace").splitlines() if word else []
        quoted = re.compile(rf"(?<![\w-])[\"']{re.escape(word)}[\"']")
        numbers = [number for number, line in enumerate(lines, start=1) if quoted.search(line)]
        if len(numbers) != 1:
            raise
        where = f"{problem.where}, line {numbers[0]}"
        raise DataError(where, seen=problem.seen, wanted=problem.wanted, fix=problem.fix) from None
