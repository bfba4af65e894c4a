"""Which channel a column, or a code, means, and in which unit: by its name, then by whether its values can be that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

from caretwin.base.counted import counted
from caretwin.ingest.bedside.names import plain
from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.tables import names
from caretwin.ingest.doors.tables.cells import pair_of, value_of
from caretwin.ingest.doors.tables.grid import Cell
from caretwin.ingest.doors.tables.mapping import PAIR, Channelled
from caretwin.ingest.doors.tables.row import word_of, words_for
from caretwin.ingest.doors.tables.units import MOST, fit, share
from caretwin.record.vocabulary import by_code, vocabulary

LOINC_MARK = "http://loinc.org"


class Said(NamedTuple):
    """What a wide column probably is: ``rule`` None where it could be two things, or is none of ours."""

    rule: Channelled | None
    why: str
    doubts: tuple[str, ...] = ()
    question: str = ""
    fix: str = ""


class Coded(NamedTuple):
    """What a code of a long table probably means; rows  with it, units  as written, rule  None: nobody knows."""

    code: str
    rows: int
    units: tuple[str, ...]
    rule: Channelled | None
    why: str
    doubts: tuple[str, ...] = ()
    question: str = ""
    fix: str = ""
    loinc: bool = False


def wide_column(name: str, cells: Sequence[Cell], decimal: str) -> Said | None:
    """What a column means as a channel; None where its name is none that caretwin knows."""
    said = names.heading(name)
    if said.ambiguous:
        question = f"It could be {said.ambiguous}."
        return Said(
            None, f"it could be {said.ambiguous}", question=question, fix="write a [[column]] entry, or ignore it"
        )
    if said.channel is None:
        return None
    if said.channel == PAIR or (plain(name) == "rr" and any(map(_is_pair, cells))):  # RR: Riva-Rocci, or a rate
        return _pair(name, cells, said.unit)
    doubts = [f"{said.qualifier!r} in its name was passed over."] if said.qualifier else []
    return _judged(Channelled(name, said.channel, said.unit), cells, decimal, doubts)


def _pair(name: str, cells: Sequence[Cell], unit: str) -> Said:
    there = [cell for cell in cells if cell is not None]
    good = sum(_is_pair(cell) for cell in there)
    if good < MOST * len(there):
        why = "it could be systolic_pressure or mean_arterial_pressure"
        question = f"Only {good} of {len(there)} cells are pairs such as 120/80: which pressure is it?"
        return Said(None, why, question=question, fix="write a [[column]] entry with its channel")
    why = "Its name says blood pressure, and its cells are pairs: the first is systolic, the second diastolic."
    bad = len(there) - good
    doubts = (f"{counted(bad, 'cell')} of {len(there)} will be refused: no pair.",) if bad else ()
    return Said(Channelled(name, PAIR, unit or "mm[Hg]"), why, doubts)


def _is_pair(cell: Cell) -> bool:
    try:
        return pair_of(cell, "") is not None
    except RefusedError:
        return False


def _judged(rule: Channelled, cells: Sequence[Cell], decimal: str, doubts: list[str], by: str = "Its name") -> Said:
    """Whether values can be what the name says; by  who says the unit of ``rule``, where it has one."""
    channel, unit = rule.channel, rule.unit
    values, units, bad = _read(cells, rule, decimal)
    if bad:
        doubts.append(f"{counted(bad, 'cell')} of {len(cells)} cannot be read as a value and will be refused.")
    if not values:
        return Said(rule, f"Its name says {channel}; none of its cells is a number.", tuple(doubts))
    middle = f"the median {median(values):g}"
    written = units.pop() if len(units) == 1 else ""
    if unit or written:
        return _told(rule, written, values, middle, doubts, by)
    if vocabulary()[channel].unit == "1" and channel != "fio2":
        return Said(rule, f"Its name says {channel}, which has no unit; {middle}.", _outside(rule, values, doubts))
    possible = fit(channel, values).units
    if len(possible) == 1:
        why = f"Its name says {channel}; no unit is written, and {middle} fits only {possible[0]}."
        return Said(replace(rule, unit=possible[0]), why, tuple(doubts))
    mostly = fit(channel, values, least=0.5).units
    if not possible and len(mostly) == 1:
        odd = f"Only {100 * share(channel, values, mostly[0]):.0f} % of its values can be {channel} in {mostly[0]}."
        why = f"Its name says {channel}; no unit is written, and {middle} fits only {mostly[0]}."
        return Said(replace(rule, unit=mostly[0]), why, (*doubts, odd))
    if not possible:
        question = f"Its name says {channel}, but {middle} fits no unit of it."
        fix = f'write the unit, such as "{vocabulary()[channel].unit}", or leave it ignored'
        return Said(None, f"its values cannot be {channel}", tuple(doubts), question, fix)
    question = f"no unit is written, and {middle} fits {' and '.join(possible)}."
    fix = f'give it channel = "{channel}" and its unit, {" or ".join(possible)}, in the mapping'
    return Said(None, f"{channel}, but in which unit?", tuple(doubts), question, fix)


def _told(rule: Channelled, written: str, values: Sequence[float], middle: str, doubts: list[str], by: str) -> Said:
    unit = rule.unit or written
    told = fit(rule.channel, values, unit)
    fits = (told.told or 0.0) >= MOST
    if not fits:
        better = [one for one in told.units if one != unit]
        more = f"; {' and '.join(better)} would fit" if better else ""
        good = f"{100 * (told.told or 0.0):.0f} %"
        doubts.append(f"Only {good} of its values can be {rule.channel} in {unit}{more}: look at the unit.")
    where = f"Its name says {rule.channel}, its cells say {unit}"
    if rule.unit:
        where = (
            f"{by} says {rule.channel} in {unit}" if by == "Its name" else f"Its name says {rule.channel}, {by} {unit}"
        )
    return Said(rule, f"{where}; {middle} {'fits' if fits else 'does not fit'}.", tuple(doubts))


def _outside(rule: Channelled, values: Sequence[float], doubts: list[str]) -> tuple[str, ...]:
    term = vocabulary()[rule.channel]
    odd = sum(not term.plausible(value) for value in values)
    more = [f"{odd} values are outside {term.low:g} to {term.high:g}: they are kept and never used."] if odd else []
    return (*doubts, *more)


def _read(cells: Sequence[Cell], rule: Channelled, decimal: str) -> tuple[list[float], set[str], int]:
    """Numbers among the cells, units that stand beside them, and how many cells are neither value nor nothing."""
    values, units, bad = [], set[str](), 0
    for cell in cells:
        if cell is None:
            continue
        try:
            said = value_of(cell, decimal or ".", words_for(rule), "")
        except RefusedError:
            bad += 1
            continue
        bad += bool(said.text)
        if said.value is not None:
            values.append(said.value)
            units |= {said.unit} if said.unit else set()
    return values, units, bad


# tables with a row for each value ------------------------------------------------------------------------------------


def value_column(left: Mapping[str, Sequence[Cell]]) -> str | None:
    """The column with the values of a long table."""
    ranked = sorted((rank, name) for name in left if (rank := names.rank(name, names.VALUE)) is not None)
    return ranked[0][1] if ranked else None


def code_column(left: Mapping[str, Sequence[Cell]]) -> str | None:
    """The column that says what a value is: of those with such a name, the one of which most is known."""

    def known(name: str) -> float:
        words = {word for word in map(word_of, left[name]) if word}
        return sum(names.channel_named(word) is not None for word in words) / max(len(words), 1)

    ranked = [name for name in left if names.rank(name, names.CODE) is not None]
    return max(ranked, key=lambda name: (known(name), -(names.rank(name, names.CODE) or 0)), default=None)


def codes_of(
    codes: Sequence[Cell], values: Sequence[Cell], units: Sequence[Cell] | None, decimal: str
) -> tuple[Coded, ...]:
    """What each code of a long table probably means, the most frequent first."""
    cells: dict[str, list[Cell]] = defaultdict(list)
    written: dict[str, set[str]] = defaultdict(set)
    for place, cell in enumerate(codes):
        if code := word_of(cell):
            cells[code].append(values[place])
            written[code] |= {word_of(units[place])} - {""} if units is not None else set()
    found = [_coded(code, cells[code], tuple(sorted(written[code])), decimal) for code in cells]
    return tuple(sorted(found, key=lambda one: -one.rows))


def _coded(code: str, cells: Sequence[Cell], units: tuple[str, ...], decimal: str) -> Coded:
    loinc = (LOINC_MARK, code) in by_code()
    channel = names.channel_named(code)
    if channel is None:
        ambiguous = names.could_be(code)
        why = f"It could be {ambiguous}." if ambiguous else "Nobody has said what it means: it is kept as it came."
        return Coded(code, len(cells), units, None, why, loinc=loinc)
    if channel == PAIR:
        pair = _pair(code, cells, "")
        return Coded(code, len(cells), units, pair.rule, pair.why, pair.doubts, pair.question, pair.fix, loinc)
    if len(units) > 1:
        doubts = (f"It comes in {' and '.join(units)}: each is converted.",)
        return Coded(code, len(cells), units, Channelled(code, channel), "Its name says so.", doubts, loinc=loinc)
    said = _judged(Channelled(code, channel, units[0] if units else ""), cells, decimal, [], "the column of units")
    # where a column says the unit, a row without one is not given that of the others
    rule = replace(said.rule, unit="") if said.rule is not None and units else said.rule
    return Coded(code, len(cells), units, rule, said.why, said.doubts, said.question, said.fix, loinc)
