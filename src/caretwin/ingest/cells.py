"""Numbers, durations and clock times as people write them. Each reader returns a value or says what was
wrong."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from caretwin.record.dosing import Censoring

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}\.\d{3}")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
_DURATION = re.compile(r"([+-]?[\d.]+)\s*(h|hr|hrs|hours?|min|mins|minutes?|d|days?)?")
_CLOCK_DURATION = re.compile(r"(\d+):([0-5]\d)(:[0-5]\d)?")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?")
_HOURS = {"h": 1.0, "m": 1 / 60, "d": 24.0}


class CellProblem(Exception):
    """A cell that cannot be read; carries what was wanted and the fix for the finding."""

    def __init__(self, wanted: str, fix: str) -> None:
        super().__init__(wanted, fix)
        self.wanted = wanted
        self.fix = fix


class Measurement(NamedTuple):
    """A number, or a limit that it is below or above."""

    value: float
    censoring: Censoring


MOST_BARE_HOURS = 12.0  # assumption: a longer infusion without a unit is as likely to be in minutes


def number(text: str, *, decimal_comma: bool = False) -> float:
    """The number in a cell. With ``decimal_comma`` (tables not separated by commas) "1,5" is 1.5.

    Raises CellProblem for anything else, above all for a mark that could be decimal or of thousands.

    >>> number("1.5"), number("1,5", decimal_comma=True), number("2e3")
    (1.5, 1.5, 2000.0)
    """
    if decimal_comma and _THOUSANDS.fullmatch(text):
        plain = text.replace(".", "")
        fix = f"write {plain} or {text.replace('.', ',')}, whichever is meant"
        raise CellProblem("a number with one meaning in a table that has decimal commas", fix)
    if _NUMBER.fullmatch(text):
        if not math.isfinite(float(text)):
            raise CellProblem("a number that can be", "correct the exponent")
        return float(text)
    if _COMMA_NUMBER.fullmatch(text):
        if decimal_comma:
            return float(text.replace(",", "."))
        raise CellProblem(
            "a number with a decimal point",
            f"write {text.replace(',', '.')} or {text.replace(',', '')}, whichever is meant",
        )
    if split := re.fullmatch(r"([<>]?\s*[\d.,]+)\s*([A-Za-zµμ\[].*)", text):
        raise CellProblem("a number alone", f"write {split[1]} here and {split[2]} in the column unit")
    raise CellProblem("a number", "write a number, or delete the row if nothing was measured or given")


def measurement(text: str, *, decimal_comma: bool = False) -> Measurement:
    """A measured number or a limit: "<2.0" is below, ">80" above the limit of quantification.

    >>> measurement("<2.0")
    Measurement(value=2.0, censoring='below')
    """
    if found := re.fullmatch(r"(<=?|>=?|less than|more than|above|below)\s*([\d.,]+)", text.lower()):
        below = found[1] in {"<", "<=", "less than", "below"}
        return Measurement(number(found[2], decimal_comma=decimal_comma), "below" if below else "above")
    return Measurement(number(text, decimal_comma=decimal_comma), "measured")


def duration_hours(text: str, *, decimal_comma: bool = False) -> float:
    """A duration in hours from "1.5", "1.5 h", "90 min" or "1:30"; a bare number up to 12 is hours.

    >>> duration_hours("90 min"), duration_hours("1:30"), duration_hours("2")
    (1.5, 1.5, 2.0)
    """
    if found := _CLOCK_DURATION.fullmatch(text):
        return int(found[1]) + int(found[2]) / 60
    found = _DURATION.fullmatch(text.lower().replace(",", ".") if decimal_comma else text.lower())
    if not found:
        raise CellProblem("a duration such as 1.5 h, 90 min or 1:30", "write hours, or a number with h or min")
    value = number(found[1])
    if not found[2] and value > MOST_BARE_HOURS:
        raise CellProblem("a duration with its unit", f"write {value:g} min or {value:g} h, whichever is meant")
    return value * _HOURS[(found[2] or "h")[0]]


def looks_like_clock(text: str) -> bool:
    """True for an ISO date with a time of day, with or without a zone."""
    return _DATE_TIME.fullmatch(text) is not None


def clock_problem(text: str) -> CellProblem:
    """What is wrong with a time that is neither hours nor an ISO clock time."""
    wanted = "hours from the start, or a clock time such as 2026-03-01 08:00"
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return CellProblem("a time of day with the date", f"write {text} 08:00, with the true time of day")
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?( ?[ap]\.?m\.?)?", text.lower()):
        return CellProblem("a date with the time of day", f"write 2026-03-01 {text}, with the true date")
    if re.match(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", text):
        return CellProblem(
            wanted, "day and month could be exchanged here: write year-month-day, such as 2026-03-01 08:00"
        )
    return CellProblem(wanted, "write hours as a number, or the clock time as year-month-day hour:minute")
