"""What one row says by a mapping: whom it is about, when it was true, and its values under the names that they keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from caretwin.base.errors import DataError
from caretwin.ingest.bedside import person as bedside_person
from caretwin.ingest.bedside.names import MODES
from caretwin.ingest.decoded import Code, CodedValue, Decodable, Refusal, RefusedError
from caretwin.ingest.doors.mqtt.payload import Reading, clean, refused
from caretwin.ingest.doors.tables.cells import pair_of, value_of
from caretwin.ingest.doors.tables.grid import Cell
from caretwin.ingest.doors.tables.mapping import PAIR, Channelled, SubjectRule, TableMapping
from caretwin.ingest.doors.tables.times import TimeRule, birth_day, instant
from caretwin.ingest.doors.toml_file import WORDS
from caretwin.record.entry import Event, Status, SubjectRef
from caretwin.record.identifiers import identifier

PAIRED = ("systolic_pressure", "diastolic_pressure")


@dataclass
class Row:
    """A row while it is read."""

    cells: Mapping[str, Cell]
    number: int
    file: str

    def place(self, column: str) -> str:
        """Where a cell stands, for whoever has to find it."""
        return f"{self.file}, row {self.number}, column {column}"

    def word(self, column: str) -> str:
        """A cell as a name; "" where it is empty, and without a column."""
        return word_of(self.cells.get(column)) if column else ""


class _Said(NamedTuple):
    """One value of a row, before it is known by a name.

    name  the part of it that tells it from others of its row and time: the code as the file writes it, so that a code
          that is mapped later is the same value; the channel where a column has no other code
    """

    name: str
    codes: tuple[Code, ...]
    reading: Reading
    unit: str
    place: str


@dataclass
class Table:
    """What is remembered from row to row."""

    mapping: TableMapping
    source: str
    saved: int
    seen: Counter[str] = field(default_factory=Counter)
    refs: dict[str, SubjectRef] = field(default_factory=dict)
    persons: dict[SubjectRef, Event] = field(default_factory=dict)
    codes: Mapping[str, Channelled] = field(default_factory=dict)


def word_of(cell: Cell) -> str:
    """A cell as a name: a number without its ".0", for a spreadsheet keeps 12345 as 12345.0.

    >>> word_of(12345.0), word_of(" A7 ")
    ('12345', 'A7')
    """
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    return "" if cell is None else clean(str(cell))


def parts_of(row: Row, table: Table, wrong: list[Refusal]) -> Iterator[Decodable]:
    """The values of a row; cells that cannot be accepted go to ``wrong``. Raises RefusedError for the whole row."""
    mapping = table.mapping
    subject = _subject(row, table)
    effective = _instant(row, mapping.time, table.saved)
    status = _status(row, mapping)
    note = _issued(row, table, wrong)
    name, version = _identity(row, table)
    _person(row, table, subject, effective, wrong)
    device = row.word(mapping.device)
    for said in _values(row, table, wrong):
        code = said.name
        known_by = (
            f"{name}|{code if mapping.long is None else ''}" if name else f"{subject}|{effective}|{code}|{device}"
        )
        table.seen[known_by] += not name  # rows that share a number of their own are versions of one
        origin = blake2b(f"{known_by}|{table.seen[known_by]}".encode(), digest_size=12).hexdigest()
        yield CodedValue(
            subject, said.codes, effective, said.reading.value, said.reading.unit or said.unit, origin, version, status,
            device, {**said.reading.note(), **note} or None, said.place,
        )  # fmt: skip


def _subject(row: Row, table: Table) -> SubjectRef:
    rule = table.mapping.subject
    value = rule.value or row.word(rule.column)
    if value not in table.refs:
        table.refs[value] = _ref(rule, value, row.place(rule.column or "subject"))
    return table.refs[value]


def _ref(rule: SubjectRule, value: str, place: str) -> SubjectRef:
    if not value:
        raise refused(place, "nothing", "whom the row is about", "fill the cell, or take the row out", "required")
    try:
        return SubjectRef((identifier(rule.system, value),), rule.kind)
    except DataError as problem:
        raise refused(place, problem.seen, problem.wanted, problem.fix) from None


def _instant(row: Row, rule: TimeRule, saved: int) -> int:
    cells = tuple(row.cells.get(name) for name in rule.columns)
    return instant(cells, rule, row.place(rule.columns[0]), saved)


def _issued(row: Row, table: Table, wrong: list[Refusal]) -> dict[str, int]:
    rule = table.mapping.issued
    if not rule.columns or row.cells.get(rule.columns[0]) is None:
        return {}
    try:
        return {"issued": _instant(row, rule, table.saved)}
    except RefusedError as error:
        wrong.append(error.refusal)  # the value still counts
        return {}


def _status(row: Row, mapping: TableMapping) -> Status:
    if not mapping.status:
        return Status.FINAL
    word = row.word(mapping.status).casefold()
    if word not in mapping.statuses:
        known = ", ".join(sorted(word for word in mapping.statuses if word))
        fix = "write what it means into [status] words of the mapping"
        raise refused(row.place(mapping.status), "a word that has no meaning", f"one of {known}", fix)
    return mapping.statuses[word]


def _identity(row: Row, table: Table) -> tuple[str, int]:
    """The row's own name ("" for none) and the version of what it says."""
    mapping = table.mapping
    name = row.word(mapping.id)
    if mapping.id and not name:
        raise refused(row.place(mapping.id), "nothing", "the row's number", "fill the cell", "required")
    if not mapping.version:
        return name, table.saved
    word, place = row.word(mapping.version), row.place(mapping.version)
    if word.isascii() and word.isdigit() and len(word) < 18:
        return name, int(word)
    rule = TimeRule((mapping.version,), mapping.time.format, mapping.time.zone, None, mapping.time.future)
    return name, instant((row.cells.get(mapping.version),), rule, place, table.saved)


def _person(row: Row, table: Table, subject: SubjectRef, effective: int, wrong: list[Refusal]) -> None:
    """Sex and birth date, once for each subject: the first row that says either."""
    mapping = table.mapping
    if subject in table.persons or not (mapping.sex or mapping.birth_date):
        return
    body: dict[str, str] = {}
    try:
        if word := row.word(mapping.sex):
            sex = bedside_person.sex(word)
            if sex is None:
                raise refused(row.place(mapping.sex), "a word for neither", "female or male", "write one of the two")
            body["sex"] = sex
        if mapping.birth_date and row.cells.get(mapping.birth_date) is not None:
            place = row.place(mapping.birth_date)
            body["birth_date"] = birth_day(row.cells[mapping.birth_date], mapping.time, place)
    except RefusedError as error:
        wrong.append(error.refusal)
    if body:
        name = blake2b(f"person|{subject}".encode(), digest_size=12).hexdigest()
        table.persons[subject] = Event(subject, "person", effective, table.source, body, None, name, table.saved)


def _values(row: Row, table: Table, wrong: list[Refusal]) -> Iterator[_Said]:
    if table.mapping.long is not None:
        yield from _long(row, table)
        return
    for rule in table.mapping.columns:
        cell = row.cells.get(rule.name)
        if cell is None:
            continue
        codes = (Code("caretwin", rule.channel, rule.name),)
        try:
            yield from _read(cell, rule, "", codes, row.place(rule.name), table, rule.channel)
        except RefusedError as error:
            wrong.append(error.refusal)  # the other cells of the row still count


def _long(row: Row, table: Table) -> Iterator[_Said]:
    long = table.mapping.long
    assert long is not None
    code, cell = row.word(long.code), row.cells.get(long.value)
    if not code:
        raise refused(row.place(long.code), "nothing", "what the value is", "fill the cell", "required")
    if cell is None:
        return
    rule = table.codes.get(code.casefold())
    codes = (Code("caretwin", rule.channel, code) if rule else Code(long.system, code, code),)
    yield from _read(cell, rule, row.word(long.unit), codes, row.place(long.value), table, code)


def _read(
    cell: Cell, rule: Channelled | None, unit: str, codes: tuple[Code, ...], place: str, table: Table, name: str
) -> Iterator[_Said]:
    unit = unit or (rule.unit if rule else "")
    if rule is not None and rule.channel == PAIR:
        pair = pair_of(cell, place)
        for channel, value in zip(PAIRED, pair or (), strict=pair is not None):
            yield _Said(channel, (Code("caretwin", channel, rule.name),), Reading(value), unit or "mm[Hg]", place)
        return
    yield _Said(name, codes, value_of(cell, table.mapping.layout.decimal or ".", words_for(rule), place), unit, place)


def words_for(rule: Channelled | None) -> Mapping[str, float]:
    """What words mean in a column: as the mapping says, else those of the channel."""
    if rule is None or rule.words:
        return rule.words if rule else WORDS
    return {name: float(mode) for name, mode in MODES.items()} if rule.channel == "ventilator_mode" else WORDS
