"""``caretwin record show``: what is known of one subject, as the twin that lives on it takes it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from caretwin.cli.errors import friendly
from caretwin.cli.event_words import event_words
from caretwin.cli.record_open import (
    WHERE,
    add_row,
    delay_text,
    find_subject,
    new_table,
    open_as_operator,
    plain,
    print_table,
    time_text,
    too_narrow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caretwin.record.entry import Stored
    from caretwin.record.reading import Reading


def _instant(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A time (us), None for none. Raises BadParameter, with an example, for what is no time."""
    from caretwin.base.errors import TimeError
    from caretwin.base.time import parse_instant, to_microseconds

    try:
        return None if value is None else to_microseconds(parse_instant(value, "UTC"))
    except TimeError as problem:
        raise click.BadParameter(f"{value!r}: {problem.seen}; write such as 2026-11-22T10:00:00Z") from problem


@click.command("show")
@WHERE
@click.argument("subject")
@click.option("--as-of", callback=_instant, help="As it was known at this time, such as 2026-11-22T10:00:00Z.")
@friendly
def show(where: str, subject: str, as_of: int | None) -> None:
    """The last value of every channel of a SUBJECT that can be used, and what runs: when it was true, how much later
    it was received, from where. What was refused since is a row of its own. Then the last events, of medication with
    drug, dose and rate.
    """
    from caretwin.record.entry import kind_of
    from caretwin.record.store.as_of import ALWAYS
    from caretwin.twin.binding import bindings

    record, operator_ = open_as_operator(where)
    reading = record.reading(operator_)
    subject = find_subject(reading, subject)
    moment = ALWAYS if as_of is None else as_of
    person = _person(reading, subject, moment)
    if person != subject:
        click.echo(f"{subject} is {person} now")
        record.close()
        return
    rows = reading.at_once(lambda: _rows(reading, subject, moment))
    _print(rows)
    for binding in bindings(kind_of(subject), {one.stored.code for one in rows if one.usable}):
        print_table(plain(binding.sentence()))
    for event in reading.events(subject, as_of=moment)[-10:]:
        words = event_words(event)
        line = f"{time_text(event.effective)}  {event.kind}{': ' if words else ''}{words}  from {event.source}"
        print_table(plain(line))
    record.close()


def _person(reading: Reading, key: str, moment: int) -> str:
    """The key that a subject has after all merges that were known at a time (us)."""
    into = {other: one for one, others in reading.merges(moment).items() for other in others}
    while key in into:
        key = into[key]
    return key


class _Row(NamedTuple):
    """A row of the table; remark: what is said of it beside what was noted with it."""

    stored: Stored
    remark: str = ""

    @property
    def usable(self) -> bool:
        """Whether a twin can live on it."""
        from caretwin.record.bedside import Quality

        return self.stored.value is not None and self.stored.quality != Quality.REFUSED


def _rows(reading: Reading, subject: str, moment: int) -> list[_Row]:
    """Of every series the last usable value, and what came since that is none; of what orders share, what runs."""
    from caretwin.record.bedside import Quality
    from caretwin.record.orders import added
    from caretwin.record.store.as_of import ALWAYS

    held = reading.held(subject, added(), ALWAYS, moment)
    shared = _running(held)
    good = {_series(one): one for one in reading.latest(subject, as_of=moment, usable=True)}
    good |= {_series(one): one for one in held}  # of a setting its end too
    found = [row for rows in shared.values() for row in rows]
    for one in reading.latest(subject, as_of=moment):
        refused = one.quality == Quality.REFUSED
        if one.code in shared and not refused:
            continue
        last = good.get(_series(one))
        if one.code not in shared and last is not None and last.sequence != one.sequence:
            found.append(_Row(last))
        found.append(_Row(one))
    return sorted(found, key=lambda row: row.stored.code)


def _series(one: Stored) -> tuple[str, str, str]:
    return one.code, one.unit, one.source


def _running(held: Sequence[Stored]) -> dict[str, list[_Row]]:
    """Of every setting that several orders share: a row for each that runs, or the last that has ended."""
    from caretwin.record.orders import UNNAMED, Told, counting, together

    by_code: dict[str, dict[str, Stored]] = {}
    for one in held:
        orders = by_code.setdefault(one.code, {})
        name = str(one.note.get("order", UNNAMED))
        if name not in orders or _later(one, orders[name]):
            orders[name] = one
    found = dict[str, list[_Row]]()
    for code, orders in by_code.items():
        if len(orders) > 1:
            rates = {name: math.nan if one.value is None else one.value for name, one in orders.items()}
            told = {name: Told(orders[name].effective, rate) for name, rate in rates.items()}
            running = sorted(name for name in counting(told) if orders[name].value is not None)
            sum_ = f"; sum {together(code, told):.6g}" if len(running) > 1 else ""
            found[code] = [_Row(orders[name], f"order {name}{sum_}" if name else "") for name in running]
            found[code] = found[code] or [_Row(max(orders.values(), key=lambda one: one.effective))]
    return found


def _later(one: Stored, other: Stored) -> bool:
    """Whether a rate of an order replaces another of another series: an end does so at the same time."""
    rank = [(it.effective, it.value is None, it.value or 0.0) for it in (one, other)]
    return rank[0] > rank[1]


def _print(rows: list[_Row]) -> None:
    """A table; where the terminal is too narrow for it, two lines for each row, so that no word is cut into pieces."""
    cells = [_cells(row) for row in rows]
    titles = ("channel", "value", "true at", "delay", "source", "remarks")[: 5 + any(row[-1] for row in cells)]
    if too_narrow([titles, *(row[: len(titles)] for row in cells)]):
        for code, value, time, late, source, remarks in cells:
            said = "; ".join(filter(None, (f"{time}, delay {late}", f"from {source}", remarks)))
            print_table(plain(f"{code}  {value}\n    {said}"))
        return
    table = new_table(*titles)
    for column in table.columns:
        column.overflow = "fold"
    for row in cells:
        add_row(table, *row[: len(titles)])
    print_table(table)


def _cells(row: _Row) -> tuple[str, ...]:
    from caretwin.record.vocabulary import vocabulary

    one: Any = row.stored
    unit = one.unit or (vocabulary()[one.code].unit if one.code in vocabulary() else "")
    said = str(one.note.get("text", one.note.get("absent", "absent"))) if one.value is None else f"{one.value:.6g}"
    remarks = [] if one.quality == 0 else [one.quality.name.lower()]
    remarks += [str(one.note[name]) for name in ("comparator", "trouble") if name in one.note]
    came_as = one.note.get("mapped_from", {})
    remarks += [f"mapped later, came as {came_as['code']} {came_as['unit']}".strip()] if came_as else []
    remarks += [row.remark] if row.remark else []
    late = delay_text(one.received - one.effective)
    return one.code, f"{said} {unit}".strip(), time_text(one.effective), late, one.source, "; ".join(remarks)
