"""Which columns probably hold times, in which form; what could be two times is a question."""

from __future__ import annotations

from collections.abc import Sequence

from caretwin.ingest.doors.tables import names
from caretwin.ingest.doors.tables.clock import Clock, clock
from caretwin.ingest.doors.tables.grid import Cell
from caretwin.ingest.doors.tables.proposal import Choice, Hints, Proposal, Question
from caretwin.ingest.doors.tables.times import TimeRule


def propose_times(found: Proposal, left: dict[str, list[Cell]], hints: Hints) -> None:
    """Take the columns of times out of ``left``, or ask."""
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
    found.set(time=rule)
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
                found.set(issued=TimeRule((name,), form, zone))
                why = "Its name says when a result was published; it is kept as note, and is not when it was true."
                found.choices.append(Choice(name, "the time of the result", why))
            else:
                found.unused[name] = "a day without a time of day says too little of when a result was published"
        elif names.rank(name, names.VERSION) is not None and not found.mapping.version:
            found.set(version=name)
            why = "Its name says when the row was changed: of two versions the later holds."
            found.choices.append(Choice(name, "the version", why))
        elif name in dated:
            found.unused[name] = f"another time; {best!r} was taken for when a row was true"
            doubts.append(f"There is also {name!r}: make sure that {best!r} is when it was true of the person.")
        else:
            continue
        del left[name]
    return doubts


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
