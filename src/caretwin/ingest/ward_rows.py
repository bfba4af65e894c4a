"""The rows of a ward's table, one kind at a time: what can be read becomes a value, what cannot becomes a
finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from caretwin.ingest import cells, names
from caretwin.ingest.cells import CellProblem
from caretwin.ingest.conversion import Converter
from caretwin.ingest.findings import Findings
from caretwin.ingest.hints import DrugHints
from caretwin.record.dosing import CovariateValue, Dose, Level

T = TypeVar("T")
Row = Mapping[str, str]


@dataclass
class WardRows:
    """Collects doses, levels and covariates from rows.

    hours, received   times by row number (h); a row without an entry had no readable time
    comma             True when "1,5" means 1.5
    timed             (row number, time) of every row that was used, in order of the table
    first_dose_h      time of the first row about a dose, readable or not (-inf: its time could not be read)
    """

    findings: Findings
    hints: DrugHints
    hours: Mapping[int, float]
    received: Mapping[int, float]
    comma: bool
    converter: Converter
    doses: list[Dose] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    covariates: list[CovariateValue] = field(default_factory=list)
    timed: list[tuple[int, float]] = field(default_factory=list)
    first_dose_h: float | None = None

    def read(self, number: int, row: Row) -> None:
        """Read one row by its kind."""
        written = row.get("kind", "")
        kind = names.KINDS.get(written.lower())
        if kind is None:
            self._error(
                number,
                "kind",
                repr(written) if written else "nothing",
                "dose, level, covariate or mic",
                "write what this row is, or start the line with # for a remark",
            )
        elif kind == "mic":
            self._covariate(number, row, "mic")
        elif kind == "covariate":
            self._covariate(number, row, row.get("name", ""))
        elif self._about_this_drug(number, row, kind):
            (self._dose if kind == "dose" else self._level)(number, row)

    # Doses

    def _dose(self, number: int, row: Row) -> None:
        written = self.hours.get(number, float("-inf"))
        self.first_dose_h = written if self.first_dose_h is None else min(written, self.first_dose_h)
        amount = self._cell(number, row, "value", cells.number)
        duration = self._duration(number, row)
        unit = self._unit(number, row, self.hints.dose_unit or "mg")
        place = self._place(number, row)
        if amount is None or duration is None or unit is None or place is None:
            return
        if amount < 0 or duration < 0:
            column = "value" if amount < 0 else "duration"
            seen = f"{amount if amount < 0 else duration:g}, less than zero"
            self._error(number, column, seen, "zero or more", "correct the sign; a dose that was not given has no row")
            return
        whole = self._whole_dose(number, amount, unit, duration)
        found = whole and self.converter.to(*whole, self.hints.dose_unit, "the dose", number, self.hints.drug)
        time = self._time(number)
        if found and time is not None:
            self.doses.append(
                Dose(
                    time,
                    *found,
                    duration,
                    None if place == "" else place,  # type: ignore[arg-type]
                    occasion=self._occasion(number, row),
                    row=number,
                    received_h=self.received.get(number),
                    note=row.get("note", ""),
                )
            )

    def _whole_dose(self, number: int, amount: float, unit: str, duration: float) -> tuple[float, str] | None:
        """(amount, unit) of the whole dose; a rate is multiplied by its duration, a dose per kg is
        refused."""
        if "/kg" in unit.replace(" ", "").lower():
            self._error(
                number,
                "unit",
                f"a dose per body weight, {amount:g} {unit}",
                "the whole dose, such as 1500 mg",
                "multiply by the dosing weight that was used and write the result",
            )
            return None
        mass, slash, per = unit.replace(" ", "").rpartition("/")
        if not slash or per.lower() not in {"h", "hr", "hour", "min", "d", "day", "24h"}:
            return amount, unit
        if duration == 0:
            self._error(
                number,
                "duration",
                f"a rate of {amount:g} {unit} without a duration",
                "how long it ran",
                "write the duration, such as 24 h, or the amount that was given",
            )
            return None
        hours = {"m": 1 / 60, "h": 1.0, "d": 24.0, "2": 24.0}[per[0].lower()]
        return amount * duration / hours, mass

    def _duration(self, number: int, row: Row) -> float | None:
        if "duration" in row:
            return self._cell(number, row, "duration", cells.duration_hours)
        if "duration_min" in row:
            minutes = self._cell(number, row, "duration_min", cells.number)
            return None if minutes is None else minutes / 60
        return 0.0

    def _place(self, number: int, row: Row) -> str | None:
        """Where the dose goes; "" when the row does not say, None after an error."""
        route = row.get("route", "").lower()
        place = names.ROUTES.get(route) if route else ""
        if place is None:
            self._error(
                number,
                "route",
                repr(row["route"]),
                "iv or oral (or central, depot)",
                "write how it was given",
            )
        elif place and self.hints.inputs and place not in self.hints.inputs:
            self._error(
                number,
                "route",
                repr(row["route"]),
                f"a route of this model: {', '.join(self.hints.inputs)}",
                "choose a model with this route, or correct the row; an oral dose is not an infusion",
            )
            return None
        return place

    # Levels

    def _level(self, number: int, row: Row) -> None:
        found = self._cell(number, row, "value", cells.measurement)
        name = row.get("name", "").lower()
        channel = self.hints.channel_names.get(name, name if name in self.hints.channel_units else "level")
        wanted = self.hints.channel_units.get(channel)
        unit = self._unit(number, row, wanted or "mg/L")
        if found is None or unit is None:
            return
        if found.value < 0:
            self._error(
                number,
                "value",
                f"{found.value:g}, less than zero",
                "a level of zero or more",
                "correct the sign, or write <2 for less than 2",
            )
            return
        converted = self.converter.to(found.value, unit, wanted, "the level", number, self.hints.drug)
        time = self._time(number)
        if converted is not None and time is not None:
            limit = None if found.censoring == "measured" else converted[0]
            self.levels.append(
                Level(
                    time,
                    *converted,
                    channel,
                    found.censoring,
                    limit,
                    self._occasion(number, row),
                    number,
                    self.received.get(number),
                    row.get("note", ""),
                )
            )

    # Covariates

    def _covariate(self, number: int, row: Row, written: str) -> None:
        if not written:
            self._error(number, "name", "no name", "what was measured, such as weight or creatinine", "write its name")
            return
        name = names.covariate_name(written)
        value = self._covariate_value(number, row, written, name)
        time = self._covariate_time(number, row, written)
        if value is not None and time is not None:
            self.covariates.append(
                CovariateValue(name, time, *value, number, self.received.get(number), row.get("note", ""))
            )

    def _covariate_value(self, number: int, row: Row, written: str, name: str) -> tuple[float, str] | None:
        flag = names.flag_value(written, row.get("value", ""))
        if flag is not None:
            return flag, "1"
        if name == "FEMALE":
            seen = repr(row["value"]) if "value" in row else "nothing"
            self._error(number, "value", seen, "female or male", "write female or male")
            return None
        value = self._cell(number, row, "value", cells.number)
        wanted = self.hints.covariate_units.get(name)
        unit = self._unit(number, row, wanted or names.EXAMPLE_UNITS.get(name, "mg/L"))
        if value is None or unit is None:
            return None
        return self.converter.to(value, unit, wanted, written, number, names.SUBSTANCES.get(name))

    def _covariate_time(self, number: int, row: Row, written: str) -> float | None:
        """The time of the row; without one the value is taken as known from the start, which is noted."""
        if number in self.hours or "time" in row or "date" in row:
            return self._time(number)
        self.findings.info(
            number,
            "time",
            seen=f"no time for {written}",
            wanted="a time, when it changes over the course",
            fix="it was taken as known from the start",
        )
        return min(self.hours.values(), default=0.0)

    # Cells

    def _cell(self, number: int, row: Row, column: str, read: Callable[..., T]) -> T | None:
        """The cell read by ``read``, or None after noting what was wrong."""
        try:
            if column not in row:
                raise CellProblem("a value", "write it, or delete the row if nothing was measured or given")
            return read(row[column], decimal_comma=self.comma)
        except CellProblem as problem:
            self._error(number, column, repr(row[column]) if column in row else "nothing", problem.wanted, problem.fix)
            return None

    def _unit(self, number: int, row: Row, expected: str) -> str | None:
        if "unit" in row:
            return row["unit"]
        if expected == "1":
            return "1"
        self._error(
            number,
            "unit",
            f"{row.get('value', 'a value')} without a unit",
            f"its unit, such as {expected}",
            "write the unit; caretwin never guesses one",
        )
        return None

    def _time(self, number: int) -> float | None:
        if number not in self.hours:
            return None  # the missing or unreadable time has been noted
        self.timed.append((number, self.hours[number]))
        return self.hours[number]

    def _occasion(self, number: int, row: Row) -> int | None:
        value = self._cell(number, row, "occasion", cells.number) if "occasion" in row else None
        return None if value is None else int(value)

    def _about_this_drug(self, number: int, row: Row, kind: str) -> bool:
        name, drug = row.get("name", "").lower(), self.hints.drug
        known = {"", "level", "dose", *self.hints.channel_names, *self.hints.channel_units}
        if drug is None or name in known or drug in name or name in drug:
            return True
        self.findings.warning(
            number,
            "name",
            seen=f"a {kind} of {row['name']!r}",
            wanted=drug,
            fix=f"it was not used; write {drug} if it is a spelling of it, or delete the row",
        )
        return False

    def _error(self, number: int, column: str, seen: str, wanted: str, fix: str) -> None:
        self.findings.error(number, column, seen=seen, wanted=wanted, fix=fix)
