"""One value, one conversion: from the unit of a table to the unit of the drug file, with a note when it
changed."""

from __future__ import annotations

from caretwin.base.errors import UnitError
from caretwin.base.spellings import COMMON
from caretwin.base.units import convert, parse
from caretwin.ingest.findings import Findings


class Converter:
    """Converts values to wanted units and notes each kind of conversion once.

    >>> noted = Findings()
    >>> round(Converter(noted).to(90.0, "umol/L", "mg/dL", "SCR", 2, "creatinine")[0], 3)
    1.018
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._noted: set[tuple[str, str]] = set()

    def to(
        self,
        value: float,
        unit: str,
        wanted: str | None,
        name: str,
        row: int | None,
        substance: str | None = None,
    ) -> tuple[float, str] | None:
        """(value, unit) in ``wanted`` (None: its own UCUM unit), or None after noting an error."""
        try:
            if unit == wanted or (wanted is None and unit in COMMON):
                return value, unit
            target = wanted or parse(unit).code
            converted = convert(value, unit, target)
        except UnitError as problem:
            bridged = self._through_substance(value, unit, wanted, row, substance, problem)
            if bridged is None:
                return None
            converted = bridged
        if converted != value:
            self._note(name, row, f"{value:g} {unit}", f"{converted:.4g} {target}")
        return converted, target

    def _through_substance(
        self,
        value: float,
        unit: str,
        wanted: str | None,
        row: int | None,
        substance: str | None,
        first: UnitError,
    ) -> float | None:
        """The conversion by molar mass when there is one; otherwise the error is noted."""
        try:
            if wanted is not None and substance is not None:
                return convert(value, unit, wanted, substance=substance)
            problem = first
        except UnitError as second:
            problem = second
        wanted_text = problem.wanted if wanted is None or wanted in problem.wanted else f"{wanted} ({problem.wanted})"
        self._findings.error(
            row,
            "unit",
            seen=problem.seen if unit in problem.seen else f"{unit!r}: {problem.seen}",
            wanted=wanted_text,
            fix=problem.fix,
        )
        return None

    def _note(self, name: str, row: int | None, before: str, after: str) -> None:
        key = (name, before.split()[-1])
        if key not in self._noted:
            self._noted.add(key)
            self._findings.info(
                row,
                "unit",
                seen=f"{name} {before}",
                wanted=f"the unit of the drug file, {after.split()[-1]}",
                fix=f"it was converted to {after}; other rows of {name} in this unit too",
            )
