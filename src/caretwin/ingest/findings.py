"""Collect everything that is wrong with a source, so that a person sees all of it at once and not one item
per try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from caretwin.base.errors import DataError
from caretwin.record.finding import Finding, Severity


class TableError(DataError):
    """Raised when a table has errors: one error that lists every finding, errors first.

    findings   all of them, warnings and notes included, in order of row

    >>> bad = Finding("error", 2, "unit", "nothing", "a unit", "write mg")
    >>> print(TableError("patient.csv", (bad,)))
    patient.csv
      1 error
      error    row 2, column unit
        seen    nothing
        wanted  a unit
        fix     write mg
    """

    def __init__(self, where: str, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first = next((f for f in self.findings if f.severity == "error"), self.findings[0])
        super().__init__(where, seen=first.seen, wanted=first.wanted, fix=first.fix)

    def __str__(self) -> str:
        """The place, the counts, then every finding with its row and column."""
        return f"{self.where}\n{describe(self.findings)}"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickling keeps the findings."""
        return (type(self), (self.where, self.findings))


class Findings:
    """A list of findings that readers add to; it never raises by itself."""

    def __init__(self) -> None:
        self._all: list[Finding] = []

    def add(self, severity: Severity, row: int | None, column: str | None, *, seen: str, wanted: str, fix: str) -> None:
        """Note one finding; the arguments are those of :class:`Finding`."""
        self.extend([Finding(severity, row, column, seen, wanted, fix)])

    def error(self, row: int | None, column: str | None, *, seen: str, wanted: str, fix: str) -> None:
        """Note something that forbids the use of the table."""
        self.add("error", row, column, seen=seen, wanted=wanted, fix=fix)

    def warning(self, row: int | None, column: str | None, *, seen: str, wanted: str, fix: str) -> None:
        """Note something a person should look at."""
        self.add("warning", row, column, seen=seen, wanted=wanted, fix=fix)

    def info(self, row: int | None, column: str | None, *, seen: str, wanted: str, fix: str) -> None:
        """Note what was done with something unusual."""
        self.add("info", row, column, seen=seen, wanted=wanted, fix=fix)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Note several findings."""
        for finding in findings:
            if finding not in self._all:
                self._all.append(finding)

    @property
    def all(self) -> tuple[Finding, ...]:
        """Every finding, those of the whole table first, then by row."""
        return tuple(sorted(self._all, key=lambda f: -1 if f.row is None else f.row))

    @property
    def has_errors(self) -> bool:
        """True when the table cannot be used as it is."""
        return any(f.severity == "error" for f in self._all)


def describe(findings: Sequence[Finding]) -> str:
    """All findings as text, errors first, each with its place and what was seen, wanted and the fix."""
    parts = []
    for severity in ("error", "warning", "info"):
        chosen = [f for f in findings if f.severity == severity]
        if chosen:
            word = {"error": "error", "warning": "warning", "info": "note"}[severity]
            parts.append(f"  {len(chosen)} {word}{'' if len(chosen) == 1 else 's'}")
            parts.extend(_lines(f) for f in chosen)
    return "\n".join(parts)


def _lines(finding: Finding) -> str:
    place = [f"row {finding.row}"] if finding.row is not None else ["whole table"]
    if finding.column is not None:
        place.append(f"column {finding.column}")
    return (
        f"  {finding.severity:8} {', '.join(place)}\n"
        f"    seen    {finding.seen}\n    wanted  {finding.wanted}\n    fix     {finding.fix}"
    )
