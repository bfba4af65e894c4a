"""What ``caretwin ingest load`` and ``preview`` say of values that are kept and can never be used: what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caretwin.base.counted import counted
from caretwin.cli.record_open import add_row, new_table, plain

if TYPE_CHECKING:
    from caretwin.ingest.unusable import Tally, Unusable

SHOWN = 5
"""Causes that are shown; of others only the number is told."""


def unusable_lines(tally: Tally, values: int) -> list[Any]:
    """How many values can never be used, and the most frequent causes in a table, to be printed; none for none."""
    if not values:
        return []
    table = new_table("times", "what", "why", "such as")
    for column in table.columns[1:]:
        column.overflow = "fold"
    causes = tally.most_common()
    for name, cause, found in causes[:SHOWN]:
        add_row(table, f"{found.times:,}", name, cause, _such_as(found.last))
    rest = sum(found.times for _, _, found in causes[SHOWN:])
    more = f" and {counted(rest, 'value')} more, for {counted(len(causes) - SHOWN, 'other reason')}"
    said = (
        f"{counted(values, 'value')} can never be used; {'it is' if values == 1 else 'they are'} kept, marked refused:"
    )
    return [plain(said), table, *([plain(more)] if rest else [])]


def _such_as(one: Unusable) -> str:
    """A value as it came, and where it stands, without the name of the file."""
    place = one.place.partition(", ")[2] or one.place
    return f"{one.said} ({place})" if place else one.said
