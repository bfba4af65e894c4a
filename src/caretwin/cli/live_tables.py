"""The tables of the living ward: people and doors. Each takes the widest form for which there is room, and drops
columns in order of what can best be done without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caretwin.ingest.intake import Intake
from caretwin.serve.board import BoardRow, Vital
from caretwin.twin.living.course import MINUTE

STALE_MIN = 90
"""min after which a vital sign is marked as old: charts of intensive care are hourly (assumed)."""
NAMES = {"heart_rate": "HR", "mean_arterial_pressure": "MAP", "oxygen_saturation": "SpO2", "respiratory_rate": "RR"}
LONGEST_NAME = 24
"""Columns for the name of a door in the narrow forms; a longer one is folded."""
COUNTS = ("messages", "entries", "refused", "unusable", "unmapped", "duplicates")
TITLES = {"entries": "values", "duplicates": "repeats"}
HOUR_MIN = 60


class Form(NamedTuple):
    """What a row of the ward shows beside the last values and the state of the twin.

    ahead  vital signs with what is expected of them; support  in "words", "short" or not at all; data  their quality
    """

    ahead: Sequence[str]
    support: str
    data: bool


ALL, NONE = tuple(NAMES), ()
PRESSURE = ("mean_arterial_pressure",)
BEATS = ("heart_rate", *PRESSURE)
FORMS = (
    Form(ALL, "words", True), Form(ALL, "short", True), Form(BEATS, "short", True), Form(PRESSURE, "short", True),
    Form(BEATS, "short", False), Form(PRESSURE, "short", False), Form(NONE, "short", True), Form(NONE, "short", False),
    Form(NONE, "", True), Form(NONE, "", False),
)  # fmt: skip
"""From the widest to the narrowest."""


def fitting(tables: Sequence[Callable[[], Table]], width: int) -> tuple[int, Table]:
    """The first of these tables that is not wider, else the last; with its place."""
    measuring = Console(width=10_000)
    for place, make in enumerate(tables):
        table = make()
        if measuring.measure(table).maximum <= width:
            return place, table
    return len(tables) - 1, tables[-1]()


def ward_table(rows: Sequence[BoardRow], now: int, width: int, *, waking: bool = False) -> tuple[Table, bool]:
    """One row for each subject, and whether the table shows what the twins expect in an hour."""
    place, table = fitting([lambda form=form: _ward_table(rows, now, form, waking) for form in FORMS], width)
    return table, bool(FORMS[place].ahead) and bool(rows)


def _ward_table(rows: Sequence[BoardRow], now: int, form: Form, waking: bool) -> Table:
    table = Table(box=None, padding=(0, 1))
    table.add_column("patient", no_wrap=True)
    for name, title in NAMES.items():
        table.add_column(title, justify="left" if name in form.ahead else "right", no_wrap=True)
    if form.support:
        table.add_column("support", no_wrap=True)
    table.add_column("twin", no_wrap=True)
    if form.data:
        table.add_column("data", justify="right", no_wrap=True)
    for row in rows:
        cells: list[Any] = [vital(row.vitals.get(name), now, name in form.ahead) for name in NAMES]
        cells += [support(row, form.support == "short")] if form.support else []
        table.add_row(row.subject[:7], *cells, twin_words(row, now), *([data_words(row)] if form.data else []))
    if not rows:
        said = ["twins wake" if waking else "waiting for data", *([""] if form.data else [])]
        table.add_row("nobody", *["" for _ in NAMES], *([""] if form.support else []), *said)
    return table


def vital(found: Vital | None, now: int, ahead: bool) -> Text:
    """A value with its forecast; a dash where nothing is known, its age where it is old."""
    if found is None:
        return Text("-", style="dim")
    age = now // MINUTE - found.minute
    text = Text(f"{found.value:.0f}", style="dim" if age > STALE_MIN else "bold")
    if age > STALE_MIN:
        text.append(f" {_ago(age)}", style="yellow")
    elif found.ahead is not None and ahead:
        low, _, high = found.ahead
        text.append(f" \u2192 {low:.0f}-{high:.0f}", style="cyan")
    return text


def support(row: BoardRow, short: bool = False) -> str:
    """Breathing support and norepinephrine, as far as charted."""
    parts = []
    if row.mode is not None:
        parts.append(("vent" if short else "ventilator") if row.mode > 0 else ("alone" if short else "breathes alone"))
    if row.fio2 is not None:
        parts.append(f"O2 {row.fio2:.0%}" if short else f"FiO2 {row.fio2:.2f}")
    if row.norepinephrine:
        parts.append(f"NE {row.norepinephrine:.2f}" if short else f"norepi {row.norepinephrine:.2f}")
    return " ".join(parts) or "-"


def twin_words(row: BoardRow, now: int) -> Text:
    """How the twin is, in few words; what needs more of them stands below the table."""
    if row.left is not None:
        return Text(f"discharged {_ago(max((now - row.left) // MINUTE, 0))}", style="dim")
    if row.trouble:
        return Text("! see below", style="red")
    if row.twin is None:
        return Text("no data yet", style="dim")
    if row.replaying:
        return Text("replaying", style="yellow")
    if row.surprises:
        known = [NAMES.get(name, name.replace("_", " ")) for name in row.surprises]
        return Text("! " + " ".join([*known[:2], *(["..."] if len(known) > 2 else [])])[:18], style="red")
    return Text(f"{_ago(max(now // MINUTE - row.twin, 0))} old", style="green")


def data_words(row: BoardRow) -> str:
    """The quality of the data."""
    return "-" if row.doubt is None else f"{row.doubt.score:.0%}"


def _ago(minutes: int) -> str:
    return f"{minutes}min" if minutes < 2 * HOUR_MIN else f"{minutes // HOUR_MIN}h"


def door_table(intakes: Sequence[Intake], width: int) -> tuple[Table, bool]:
    """One row for each door: what came through it, and where it listens; whether there was room for that."""
    forms: list[tuple[bool, bool, int, int | None]] = [(True, True, 6, None), (True, False, 6, None)]
    forms += [(False, True, 6, None), (False, True, 6, LONGEST_NAME), (False, False, 6, LONGEST_NAME)]
    forms += [(False, False, count, LONGEST_NAME) for count in (5, 4, 3)]
    place, table = fitting([lambda form=form: _door_table(intakes, *form) for form in forms], width)
    return table, forms[place][0]


def _door_table(intakes: Sequence[Intake], at: bool, kind: bool, count: int, longest: int | None) -> Table:
    table = Table(box=None, padding=(0, 1))
    table.add_column("door", overflow="fold", max_width=longest, no_wrap=longest is None)
    for title, wanted in (("kind", kind), ("at", at)):
        if wanted:
            table.add_column(title, no_wrap=True)
    for name in COUNTS[:count]:
        table.add_column(TITLES.get(name, name), justify="right", no_wrap=True)
    for intake in intakes:
        cells = [*([intake.door.kind] if kind else []), *([address(intake)] if at else [])]
        table.add_row(intake.door.name, *cells, *(str(intake.state.counters[name]) for name in COUNTS[:count]))
    return table


def address(intake: Intake) -> str:
    """Where a door can be reached, or what it is connected to; "not open" while it is neither."""
    return intake.state.listening.split(" (")[0] or "not open"


def never_used(intake: Intake) -> str:
    """How many values of a door were kept and can never be used, and the reason of the last; "" for none."""
    count, last = intake.state.counters["unusable"], intake.state.unusable.last
    if not count or last is None:
        return ""
    return f"{count:,} {'value' if count == 1 else 'values'} kept that can never be used, the last: {last}"


def remark(intake: Intake) -> str:
    """What a door says of how it is reached, such as where its token is; "" for nothing."""
    return intake.state.listening.partition(" (")[2].removesuffix(")")
