"""What the columns of a table probably are: a mapping with a sentence for every choice, and the questions that only a
person can answer.

A choice that could be wrong says so as a doubt. What could be two things is never chosen: it is a question, and the
mapping does not read before it is answered. Every column that is not used is named, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.doors.tables import names
from caretwin.ingest.doors.tables.file import read_grid
from caretwin.ingest.doors.tables.grid import Cell, Grid, Layout
from caretwin.ingest.doors.tables.mapping import SubjectRule, TableMapping
from caretwin.ingest.doors.tables.proposal import NOT_KNOWN, Choice, Hints, Proposal
from caretwin.ingest.doors.tables.propose_subject import propose_subject
from caretwin.ingest.doors.tables.propose_times import propose_times
from caretwin.ingest.doors.tables.propose_values import propose_values
from caretwin.ingest.doors.tables.row import word_of
from caretwin.ingest.doors.tables.times import TimeRule

SAMPLE = 5_000
"""Rows by which columns are judged."""

_ROLES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("status", names.STATUS, "the status", "Its words say which rows are corrected, or entered in error."),
    ("id", names.IDENTITY, "the row's own number", "By it a corrected row replaces the earlier one."),
    ("device", names.DEVICE, "the device", "It becomes part of the source: one series for each device."),
    ("sex", names.SEX, "the person's sex", "Its name says so; it is kept once for each person."),
    ("birth_date", names.BIRTH, "the person's birth date", "Its name says so; it is kept once for each person."),
)


def propose(path: str | Path, hints: Hints | None = None) -> Proposal:
    """A mapping for a file, with the explanation of every choice.

    Raises RefusedError for a file that is no table, and DataError for one that cannot be opened.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as problem:
        seen = problem.strerror or "it cannot be read"
        raise DataError(f"{path}", seen=seen, wanted="a table", fix="look at its name and its rights") from None
    return propose_grid(read_grid(raw, Path(path).name, Layout()), hints or Hints())


def propose_grid(grid: Grid, hints: Hints) -> Proposal:
    """See :func:`propose`."""
    if not grid.rows:
        wanted, fix = "rows below the names of the columns", "export it with its data, or look whether it is the table"
        raise RefusedError(Refusal(grid.file, "a header and no row", wanted, fix, "required"))
    sample, said = replace(grid, rows=grid.rows[:SAMPLE]), hints
    hints = replace(hints, zone=hints.zone or grid.directives.get("zone", ""), subject=hints.subject or _declared(grid))
    found = Proposal(grid, TableMapping(SubjectRule(), TimeRule(()), grid.layout), hints=said)
    left = {name: sample.column(name) for name in grid.columns}
    for name in [name for name, cells in left.items() if all(cell is None for cell in cells)]:
        found.unused[name] = "it is empty"
        del left[name]
    propose_times(found, left, hints)
    propose_subject(found, left, hints)
    propose_values(found, left)
    _rest(found, left)
    return found


def _declared(grid: Grid) -> str:
    return grid.directives.get("subject", grid.directives.get("patient", ""))


def _rest(found: Proposal, left: dict[str, list[Cell]]) -> None:
    for role, words, title, why in _ROLES:
        name = next((one for one in left if names.rank(one, words) is not None), None)
        if name is None:
            continue
        doubts = _doubts(role, left[name], found)
        found.set(**{role: name})
        found.choices.append(Choice(name, title, why, tuple(doubts)))
        del left[name]
    for name in left:
        found.unused[name] = _why_not(name)
    found.set(ignored=tuple(name for name in found.grid.columns if name in found.unused))


def _doubts(role: str, cells: Sequence[Cell], found: Proposal) -> list[str]:
    words = {word_of(cell).casefold() for cell in cells}
    if role == "status" and (strange := sorted(words - found.mapping.statuses.keys())):
        named_ = ", ".join(word[:20] for word in strange[:5])
        return [f"Nobody said what {named_} means: write it into [status] words, or these rows are refused."]
    if role == "id" and len(words) < len(cells):
        return ["It is not different in every row: rows that share it are taken for versions of one."]
    return []


def _why_not(name: str) -> str:
    if names.rank(name, names.NAMES_OF_PEOPLE) is not None:
        return "what people are called is never taken in"
    if names.rank(name, names.FREE_TEXT) is not None:
        return "free text is not read"
    ambiguous = names.heading(name).ambiguous
    return f"it could be {ambiguous}" if ambiguous else NOT_KNOWN
