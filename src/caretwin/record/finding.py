"""What a reader saw in a source and did not like, or put right. It travels with the record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning", "info"]


def of_several(count: int) -> str:
    """What follows the first of several values."""
    return f"; {count} values, this is the first" if count > 1 else ""


@dataclass(frozen=True)
class Finding:
    """Something a reader noticed in the source.

    severity  "error" stops the use of the record, "warning" asks a person to look, "info" tells what was done
    row       row of the source as a spreadsheet counts it (the header is row 1), or None for the whole table
    column    column of the source, or None
    seen, wanted, fix   what stood there, what belongs there, what to do about it
    received_h          of values of a course, when each became known (h), that of ``seen`` first; empty: at once

    >>> print(Finding("warning", 4, "unit", "180 kg at 170 cm", "a weight in kg", "write lb if it is in lb"))
    warning, row 4, column unit: saw 180 kg at 170 cm; wanted a weight in kg; fix: write lb if it is in lb
    """

    severity: Severity
    row: int | None
    column: str | None
    seen: str
    wanted: str
    fix: str
    received_h: tuple[float, ...] = ()

    def known_by(self, now_h: float) -> Finding | None:
        """The finding as it was at ``now_h`` (h): None before its first value was known, its number that of then."""
        if not self.received_h:
            return self
        known = tuple(hour for hour in self.received_h if hour <= now_h + 1e-6)
        if not known or known[0] != self.received_h[0]:
            return None
        seen = self.seen.removesuffix(of_several(len(self.received_h))) + of_several(len(known))
        return replace(self, seen=seen, received_h=known)

    def __str__(self) -> str:
        place = "".join(
            [
                f", row {self.row}" if self.row is not None else "",
                f", column {self.column}" if self.column is not None else "",
            ]
        )
        return f"{self.severity}{place}: saw {self.seen}; wanted {self.wanted}; fix: {self.fix}"
