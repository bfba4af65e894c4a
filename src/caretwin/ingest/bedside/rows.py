"""The rows of a bedside table: each becomes one or two values of a channel, or a finding with its row and column."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from caretwin.base.errors import UnitError
from caretwin.ingest import cells
from caretwin.ingest.bedside import names
from caretwin.ingest.bedside.units import to_channel
from caretwin.ingest.cells import CellProblem
from caretwin.ingest.findings import Findings
from caretwin.record.bedside import channels

Row = Mapping[str, str]
ONE_UNIT = frozenset(
    {
        "heart_rate", "systolic_pressure", "diastolic_pressure", "mean_arterial_pressure",
        "central_venous_pressure", "cardiac_output", "respiratory_rate", "oxygen_saturation",
        "arterial_saturation", "central_venous_saturation", "base_excess", "bicarbonate", "plateau_pressure",
        "peak_pressure", "mean_airway_pressure", "total_peep", "minute_ventilation", "peep",
        "respiratory_rate_set", "inspiratory_pressure", "pressure_support", "inspiratory_time",
        "inspiratory_flow", "oxygen_flow",
    }
)  # fmt: skip
"""Channels whose values go without a unit at most bedsides; all others circulate in several. Our own judgement."""
ENDED_BY_OFF = frozenset(
    {
        "fio2", "peep", "tidal_volume_set", "respiratory_rate_set", "inspiratory_pressure", "pressure_support",
        "inspiratory_time", "inspiratory_flow",
    }
)  # fmt: skip
"""Settings that "off" takes away; "off" makes any other setting or rate 0."""
STOPPED = {"off", "stop", "stopped", "paused", "ended"}
YES = {"yes": 1.0, "y": 1.0, "true": 1.0, "on": 1.0, "no": 0.0, "n": 0.0, "false": 0.0}


class Read(NamedTuple):
    """One value as it was read, in the channel's unit."""

    time_h: float
    value: float
    received_h: float
    row: int


@dataclass
class BedsideRows:
    """Collects values by channel from rows.

    hours, received   times by row number (h)
    comma             True when "1,5" means 1.5
    weight_kg         for rates per weight, None when it is not known
    """

    findings: Findings
    hours: Mapping[int, float]
    received: Mapping[int, float]
    comma: bool
    weight_kg: float | None
    values: dict[str, list[Read]] = field(default_factory=lambda: defaultdict(list))

    def read(self, number: int, row: Row) -> None:
        """Read one row about a channel; a row without a readable time was reported already."""
        if number not in self.hours:
            return
        name, text = row.get("name", ""), row.get("value", "")
        if names.plain(name) in names.BLOOD_PRESSURE and "/" in text:
            upper, _, lower = text.partition("/")
            self._value(number, "systolic_pressure", upper.strip(), row.get("unit", "mm[Hg]"))
            self._value(number, "diastolic_pressure", lower.strip(), row.get("unit", "mm[Hg]"))
            return
        channel = names.channel_of(name)
        if channel is None:
            self._unknown(number, name)
        else:
            self._value(number, channel, text, row.get("unit"))

    def _unknown(self, number: int, name: str) -> None:
        either = names.AMBIGUOUS.get(names.plain(name))
        if either is not None:
            wanted, fix = "a name with one meaning", f"write {either}"
        else:
            wanted, fix = (
                "a channel of the bedside record",
                "write one of its names, or its LOINC code; see the documentation",
            )
        self.findings.error(number, "name", seen=repr(name) if name else "nothing", wanted=wanted, fix=fix)

    def _value(self, number: int, channel: str, text: str, unit: str | None) -> None:
        try:
            value, unit = self._number(channel, text, unit)
        except CellProblem as problem:
            self.findings.error(number, "value", seen=repr(text), wanted=problem.wanted, fix=problem.fix)
            return
        converted = self._converted(number, channel, value, unit)
        if converted is None or self._negative(number, channel, converted):
            return
        time = self.hours[number]
        received = self.received.get(number, time)
        if received < time:
            self.findings.error(
                number,
                "received",
                seen=f"received at {received:g} h, before {time:g} h when it was true",
                wanted="a time at or after the value's own",
                fix="correct one of the two, or leave the cell empty",
            )
            return
        self.values[channel].append(Read(time, converted, received, number))

    def _number(self, channel: str, text: str, unit: str | None) -> tuple[float, str | None]:
        """The number in a cell, or the meaning of a word; a word has no unit to convert."""
        word, own = names.plain(text), channels()[channel].unit
        if channel == "ventilator_mode" and not text.replace(".", "").isdigit():
            if word not in names.MODES:
                raise CellProblem("a mode", f"write one of {', '.join(sorted(names.MODES))}")
            return float(names.MODES[word]), own
        if word in STOPPED and channels()[channel].kind == "setting":
            return (math.nan if channel in ENDED_BY_OFF else 0.0), own
        if word in YES and channel in ("prone", "neuromuscular_block", "renal_replacement"):
            return YES[word], own
        return cells.number(text, decimal_comma=self.comma), unit

    def _converted(self, number: int, channel: str, value: float, unit: str | None) -> float | None:
        own = channels()[channel].unit
        if unit is None:
            if own != "1" and channel not in ONE_UNIT:
                self.findings.error(
                    number,
                    "unit",
                    seen=f"{channel} {value:g} without a unit",
                    wanted="its unit: this quantity circulates in several",
                    fix=f"write {own}, or the unit it was charted in",
                )
                return None
            unit = own
        try:
            if channel == "fio2" and unit.strip() in ("%", "1", ""):
                return value / 100.0 if unit.strip() == "%" else value
            return to_channel(value, unit, channel, self.weight_kg)
        except UnitError as problem:
            self.findings.error(
                number, "unit", seen=f"{unit!r}: {problem.seen}", wanted=problem.wanted, fix=problem.fix
            )
            return None

    def _negative(self, number: int, channel: str, value: float) -> bool:
        if not (value < 0 and channels()[channel].kind == "setting"):
            return False
        self.findings.error(
            number,
            "value",
            seen=f"{channel} {value:g}, a negative rate or setting",
            wanted="0 or more",
            fix="write 0 or off when it was stopped",
        )
        return True
