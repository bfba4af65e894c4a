"""What the columns of a table probably are: a mapping with a sentence for every choice, and the questions that only a
person can answer.

A choice that could be wrong says so as a doubt. What could be two things is never chosen: it is a question, and the
mapping does not read before it is answered. Every column that is not used is named, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import LOINC
from caretwin.ingest.doors.tables import names
from caretwin.ingest.doors.tables.channels import Coded, code_column, codes_of, counted, value_column, wide_column
from caretwin.ingest.doors.tables.clock import Clock, clock
from caretwin.ingest.doors.tables.decode import word_of
from caretwin.ingest.doors.tables.file import read_grid
from caretwin.ingest.doors.tables.grid import Cell, Grid, Layout
from caretwin.ingest.doors.tables.mapping import Channelled, Long, SubjectRule, TableMapping
from caretwin.ingest.doors.tables.times import FORMATS, TimeRule
from caretwin.record.entry import SubjectKind
from caretwin.record.identifiers import NHS_NUMBER, nhs

SAMPLE = 5_000
"""Rows by which columns are judged."""


@dataclass(frozen=True)
class Hints:
    """What a person has said already; "" for nothing.

    zone     IANA, of clock times without an offset; dates  ``"dmy"`` or ``"mdy"``
    subject  whom the whole file is about; system  who gives subjects their numbers
    """

    zone: str = ""
    dates: str = ""
    subject: str = ""
    system: str = ""


class Choice(NamedTuple):
    """What a column is taken for, and why, in a sentence; doubts  what a person should look at."""

    column: str
    role: str
    why: str
    doubts: tuple[str, ...] = ()


class Question(NamedTuple):
    """What only a person can say, and how: an entry of the mapping, or an option of the command.

    clock  whether it is about when rows were true: no time can be told before it is answered
    """

    text: str
    fix: str
    clock: bool = False


@dataclass
class Proposal:
    """A proposed mapping.

    mapping   complete unless there are questions
    choices   every column that is used; unused  every one that is not, with the reason
    codes     of a table with a row for each value: what each code means (those without a channel: nobody knows)
    hints     what a person had said
    """

    grid: Grid
    mapping: TableMapping
    choices: list[Choice] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    codes: Sequence[Coded] = ()
    hints: Hints = field(default_factory=lambda: Hints())

    @property
    def ready(self) -> bool:
        """Whether the table can be read by the mapping as it is."""
        return not self.questions and bool(self.mapping.columns or self.mapping.long)


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
    sample, said = replace(grid, rows=grid.rows[:SAMPLE]), hints
    hints = replace(hints, zone=hints.zone or grid.directives.get("zone", ""), subject=hints.subject or _declared(grid))
    found = Proposal(grid, TableMapping(SubjectRule(), TimeRule(()), grid.layout), hints=said)
    left = {name: sample.column(name) for name in grid.columns}
    for name in [name for name, cells in left.items() if all(cell is None for cell in cells)]:
        found.unused[name] = "it is empty"
        del left[name]
    _times(found, left, hints)
    _subject(found, left, hints)
    _values(found, left)
    _rest(found, left)
    return found


def _declared(grid: Grid) -> str:
    return grid.directives.get("subject", grid.directives.get("patient", ""))


def _set(found: Proposal, **more: object) -> None:
    found.mapping = replace(found.mapping, **more)  # type: ignore[arg-type]


# times ---------------------------------------------------------------------------------------------------------------


def _times(found: Proposal, left: dict[str, list[Cell]], hints: Hints) -> None:
    clocks = {name: said for name, cells in left.items() if (said := clock(name, cells)) is not None}
    clocks = {name: said for name, said in clocks.items() if names.rank(name, names.BIRTH) is None}
    named_ = {name: said for name, said in clocks.items() if not _only_other(name)}
    dated = [name for name, said in named_.items() if said.dated and _timely(name, said)]
    if not dated:
        found.questions.append(Question("No column holds times.", "let the export write when each row was true", True))
        return
    best = min(dated, key=lambda name: (_rank(name), list(left).index(name)))
    columns, why, zoned = [best], clocks[best].why, clocks[best].zoned
    if not clocks[best].clocked:
        daytime = next((name for name, said in clocks.items() if not said.dated), None)
        if daytime is None:
            text = f"{best!r} has days without a time of day, and no other column has one."
            found.questions.append(Question(text, "let the export write the time of day: none is made up", True))
        else:
            columns.append(daytime)
            why += f", and {daytime!r} has the time of day"
    rule = TimeRule(tuple(columns), _format(found, best, clocks[best], hints), "" if zoned else hints.zone)
    doubts = _other_times(found, dated, best, clocks, left, hints)
    if clocks[best].format == "excel":
        doubts.append("Workbooks of old Macintosh programs count from 1904: look whether the years are right.")
    _set(found, time=rule)
    found.choices.append(Choice(" + ".join(columns), "the time", _sentence(why), tuple(doubts)))
    for name in columns:
        del left[name]
    if not zoned and not hints.zone and rule.format != "hours":
        text = "The times have no offset from UTC, and nothing says which clock they were read from."
        found.questions.append(Question(text, "--zone Europe/London, or zone in [time]", True))


def _format(found: Proposal, name: str, said: Clock, hints: Hints) -> str:
    if said.format == "" and hints.dates in ("dmy", "mdy") and "two digits" not in said.question:
        return hints.dates
    if said.question:
        fix = "--dates dmy or --dates mdy, or format in [time]" if "dmy" in said.question else "see the question"
        found.questions.append(Question(f"{name}: {said.question}", fix, True))
    return said.format


def _rank(name: str) -> int:
    found = names.rank(name, names.TIME)
    return 999 if found is None else found


def _only_other(name: str) -> bool:
    """Whether a name says another time than that at which the row was true."""
    other = names.rank(name, names.ISSUED) is not None or names.rank(name, names.VERSION) is not None
    return other and names.rank(name, names.TIME) is None


def _timely(name: str, said: Clock) -> bool:
    """Numbers are times only where the name says so too."""
    return said.format not in ("excel", "unix_s", "unix_ms") or _rank(name) < 999


def _other_times(
    found: Proposal,
    dated: Sequence[str],
    best: str,
    clocks: dict[str, Clock],
    left: dict[str, list[Cell]],
    hints: Hints,
) -> list[str]:
    doubts = []
    for name, said in clocks.items():
        if name == best or name not in left or not said.dated:
            continue
        zone = "" if said.zoned else hints.zone
        if names.rank(name, names.ISSUED) is not None and not found.mapping.issued.columns:
            form = said.format or found.mapping.time.format or hints.dates
            if said.clocked:
                _set(found, issued=TimeRule((name,), form, zone))
                why = "Its name says when a result was published; it is kept as note, and is not when it was true."
                found.choices.append(Choice(name, "the time of the result", why))
            else:
                found.unused[name] = "a day without a time of day says too little of when a result was published"
        elif names.rank(name, names.VERSION) is not None and not found.mapping.version:
            _set(found, version=name)
            why = "Its name says when the row was changed: of two versions the later holds."
            found.choices.append(Choice(name, "the version", why))
        elif name in dated:
            found.unused[name] = f"another time; {best!r} was taken for when a row was true"
            doubts.append(f"There is also {name!r}: make sure that {best!r} is when it was true of the person.")
        else:
            continue
        del left[name]
    return doubts


# subjects ------------------------------------------------------------------------------------------------------------


def _subject(found: Proposal, left: dict[str, list[Cell]], hints: Hints) -> None:
    if hints.subject:
        system = hints.system or "local:tables"
        _set(found, subject=SubjectRule("", hints.subject, system))
        found.choices.append(Choice("-", "whom it is about", "You, or a line of the file, say whom the file is about."))
        return
    ranked = sorted((rank, name) for name in left if (rank := names.rank(name, names.SUBJECT)) is not None)
    if not ranked:
        text = "No column says whom a row is about."
        found.questions.append(Question(text, "--subject NUMBER for a file about one person, or column in [subject]"))
        return
    name = ranked[0][1]
    words = [word for word in map(word_of, left[name]) if word]
    system, why, doubts = _system(name, words, hints)
    many = len(set(words))
    kind: SubjectKind = names.kind_of(name)  # type: ignore[assignment]
    if "bed" in name.lower():
        doubts.append("A bed is not a person: whoever lies in it next would be taken for the same.")
    if any(isinstance(cell, float) for cell in left[name]) and many > 1:
        doubts.append("Its numbers are stored as numbers: leading zeros, if they had any, are lost.")
    empty = sum(not word_of(cell) for cell in left[name])
    if empty:
        doubts.append(f"{counted(empty, 'row')} of {len(left[name])} will be refused: about nobody.")
    _set(found, subject=SubjectRule(name, "", system, kind))
    found.choices.append(Choice(name, "whom it is about", f"{why}; it holds {counted(many, kind)}.", tuple(doubts)))
    del left[name]
    for _, other in ranked[1:]:
        if other in left and names.rank(other, names.IDENTITY) is None and names.channel_named(other) is None:
            found.unused[other] = f"{name!r} says already whom a row is about"
            del left[other]


def _system(name: str, words: Sequence[str], hints: Hints) -> tuple[str, str, list[str]]:
    valid = sum(_is_nhs(word) for word in set(words))
    if valid and valid >= 0.9 * len(set(words)):
        wrong = len(set(words)) - valid
        doubts = [f"{wrong} of its numbers have a wrong check digit and will be refused."] if wrong else []
        return NHS_NUMBER, "Its numbers are NHS numbers with right check digits", doubts
    doubts = []
    if "nhs" in name.lower():
        doubts.append("Its name says NHS number, but few of its numbers have a right check digit.")
    if not hints.system:
        doubts.append("The numbers are called local:tables; write system in [subject] as your other doors call them.")
    return hints.system or "local:tables", "Its name says so", doubts


def _is_nhs(word: str) -> bool:
    try:
        return bool(nhs(word))
    except DataError:
        return False


# values --------------------------------------------------------------------------------------------------------------


def _values(found: Proposal, left: dict[str, list[Cell]]) -> None:
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
    _set(found, columns=tuple(columns))
    if not columns:
        text = "No column's name is one that caretwin knows."
        found.questions.append(Question(text, "write [[column]] entries; caretwin record vocabulary lists channels"))


def _long(found: Proposal, left: dict[str, list[Cell]], code: str, value: str) -> None:
    unit = next((name for name in left if names.rank(name, names.UNIT) is not None), "")
    codes = codes_of(left[code], left[value], left[unit] if unit else None, found.mapping.layout.decimal)
    loinc = bool(codes) and all(one.loinc for one in codes)
    _set(found, long=Long(code, value, unit, LOINC if loinc else "local:tables"))
    known = tuple(one.rule for one in codes if one.rule is not None)
    _set(found, codes=known)
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


# the rest ------------------------------------------------------------------------------------------------------------

_ROLES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("status", names.STATUS, "the status", "Its words say which rows are corrected, or entered in error."),
    ("id", names.IDENTITY, "the row's own number", "By it a corrected row replaces the earlier one."),
    ("device", names.DEVICE, "the device", "It becomes part of the source: one series for each device."),
    ("sex", names.SEX, "the person's sex", "Its name says so; it is kept once for each person."),
    ("birth_date", names.BIRTH, "the person's birth date", "Its name says so; it is kept once for each person."),
)


def _rest(found: Proposal, left: dict[str, list[Cell]]) -> None:
    for role, words, title, why in _ROLES:
        name = next((one for one in left if names.rank(one, words) is not None), None)
        if name is None:
            continue
        doubts = _doubts(role, left[name], found)
        _set(found, **{role: name})
        found.choices.append(Choice(name, title, why, tuple(doubts)))
        del left[name]
    for name in left:
        found.unused[name] = _why_not(name)
    _set(found, ignored=tuple(name for name in found.grid.columns if name in found.unused))


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
    return f"it could be {ambiguous}" if ambiguous else "its name is none that caretwin knows"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def formats() -> str:
    """The forms of times in words, for help texts."""
    return "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
