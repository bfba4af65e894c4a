"""What the columns of values, or the codes of a long table, probably are."""

from __future__ import annotations

from caretwin.ingest.decoded import LOINC
from caretwin.ingest.doors.tables import names
from caretwin.ingest.doors.tables.channels import code_column, codes_of, value_column, wide_column
from caretwin.ingest.doors.tables.grid import Cell
from caretwin.ingest.doors.tables.mapping import Channelled, Long
from caretwin.ingest.doors.tables.proposal import Choice, Proposal, Question


def propose_values(found: Proposal, left: dict[str, list[Cell]]) -> None:
    """Take the columns of values out of ``left``, or ask."""
    code, value = code_column(left), value_column(left)
    if code is not None and value is not None and code != value:
        _long(found, left, code, value)
        return
    columns: list[Channelled] = []
    for name in list(left):
        said = wide_column(name, left[name], found.mapping.layout.decimal)
        if said is None:
            continue
        if said.question:
            found.questions.append(Question(f"{name}: {said.question}", said.fix))
        if said.rule is not None:
            columns.append(said.rule)
            role = said.rule.channel + (f" in {said.rule.unit}" if said.rule.unit else "")
            found.choices.append(Choice(name, role, said.why, said.doubts))
        else:
            found.unused[name] = said.why
        del left[name]
    twice = {one.channel for one in columns if sum(other.channel == one.channel for other in columns) > 1}
    for channel in sorted(twice):
        both = " and ".join(repr(one.name) for one in columns if one.channel == channel)
        text = f"{both} are both {channel}: two devices, or one of them is another thing?"
        found.questions.append(Question(text, "take one of them out of the mapping, or give it another channel"))
    found.set(columns=tuple(columns))
    if not columns:
        text = "No column's name is one that caretwin knows."
        found.questions.append(Question(text, "write [[column]] entries; caretwin record vocabulary lists channels"))


def _long(found: Proposal, left: dict[str, list[Cell]], code: str, value: str) -> None:
    unit = next((name for name in left if names.rank(name, names.UNIT) is not None), "")
    codes = codes_of(left[code], left[value], left[unit] if unit else None, found.mapping.layout.decimal)
    loinc = bool(codes) and all(one.loinc for one in codes)
    found.set(long=Long(code, value, unit, LOINC if loinc else "local:tables"))
    known = tuple(one.rule for one in codes if one.rule is not None)
    found.set(codes=known)
    found.codes = codes
    why = f"It holds {len(codes)} names of what was measured, {len(known)} of which caretwin knows."
    found.choices.append(Choice(code, "what a value is", why))
    found.choices.append(Choice(value, "the value", "Its name says so, and each row has one."))
    if unit:
        found.choices.append(Choice(unit, "the unit", "Its name says so."))
    for one in codes:
        if one.question:
            found.questions.append(Question(f"{one.code}: {one.question}", one.fix))
    for name in {code, value, unit} - {""}:
        del left[name]
    if not known:
        text = "None of the names is one that caretwin knows."
        found.questions.append(Question(text, "write [[code]] entries; caretwin record vocabulary lists channels"))
