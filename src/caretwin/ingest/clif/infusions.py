"""The drugs, fluids and nutrition of one CLIF hospitalisation as rates and doses.

A rate holds until the next row of its order; orders of one drug are summed; a row that says stop is 0. CLIF has no
table of enteral feeds: enteral_glucose is absent, not zero. Blood products and Ringer's solutions are not in the demo.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from caretwin.base.errors import UnitError
from caretwin.ingest.bedside.infusions import Step, summed
from caretwin.ingest.bedside.units import to_channel
from caretwin.ingest.clif.tables import Columns
from caretwin.ingest.findings import Findings
from caretwin.record.bedside import Quality, Signal, channels

Row = Mapping[str, Any]
DRUGS = {
    "norepinephrine": "norepinephrine", "epinephrine": "epinephrine", "phenylephrine": "phenylephrine",
    "dopamine": "dopamine", "dobutamine": "dobutamine", "milrinone": "milrinone", "vasopressin": "vasopressin",
    "propofol": "propofol", "fentanyl": "fentanyl", "midazolam": "midazolam", "insulin": "insulin",
    "dexmedetomidine": "dexmedetomidine",
}  # fmt: skip
FLUIDS = {
    "sodium chloride": "crystalloid", "sodium_chloride": "crystalloid", "lactated_ringers": "crystalloid",
    "lactated_ringers_solution": "crystalloid", "plasma_lyte": "crystalloid", "albumin_infusion": "colloid",
}  # fmt: skip
"""Dextrose in water is no crystalloid here: it leaves the circulation as water. Assumed."""
RELAXANTS = ("cisatracurium", "rocuronium", "vecuronium", "atracurium", "pancuronium")
DEXTROSE_G_PER_L = (("dextrose 5%", 50.0), ("dextrose 10%", 100.0), ("dextrose 50%", 500.0), ("dextrose 20%", 200.0))
MONOHYDRATE_G_PER_MOL = 198.17
"""Dextrose in US bags is weighed as the monohydrate: labels of Dextrose Injection USP (Pfizer, B. Braun) state 198.17
and 252 mOsmol/L for 50 g/L. So 5 % is 252 mmol/L of glucose, and not the 278 of the anhydrous sugar."""
PARENTERAL_NUTRITION_G_PER_L = 150.0
"""g of dextrose per L of a bag whose content is not charted. Assumed; the rows are suspect."""
PUSH_H = 0.5
"""h over which a volume without a duration is taken to run in (a carrier of an antibiotic, a bolus). Assumed."""
INSULIN_KINDS = (
    ("glargine", "insulin_subcutaneous_long"), ("nph", "insulin_subcutaneous_long"),
    ("detemir", "insulin_subcutaneous_long"), ("", "insulin_subcutaneous_rapid"),
)  # fmt: skip
INTRAVENOUS = ("iv", "intravenous")
DEXTROSE_COPY = "dextrose_in_water_d5w"
"""A second category under which the demo repeats the rows of dextrose."""


def infusions(
    continuous: Columns | None, intermittent: Columns | None, weight_kg: float | None, findings: Findings
) -> dict[str, Signal]:
    """Settings by channel from both tables of administered drugs.

    weight_kg  body weight, for rates that are not per weight; None when it is not known
    What is charted to start after hour 0 is taken not to have run from hour 0 on.
    """
    reader = _Reader(weight_kg, findings)
    if continuous is not None:
        reader.continuous(_once(continuous))
    if intermittent is not None:
        reader.intermittent(_once(intermittent))
    reader.report()
    return reader.signals()


class _Reader:
    """Collects steps and doses by channel."""

    def __init__(self, weight_kg: float | None, findings: Findings) -> None:
        self._weight_kg = weight_kg
        self._findings = findings
        self._steps: dict[str, list[Step]] = defaultdict(list)
        self._doses: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._left: dict[tuple[str, str], int] = defaultdict(int)
        self._factors: dict[tuple[str, str], float] = {}
        self._pushes: dict[str, int] = defaultdict(int)
        self._bags = 0

    def continuous(self, rows: list[Row]) -> None:
        """Rows with rates."""
        analysed = {row["med_order_id"] for row in rows if row["med_name"] == "dextrose pn"}
        for row in rows:
            rate = 0.0 if row["mar_action_category"] == "stop" else row["med_dose"]
            for channel, per_unit, unit, quality in _rates(row, analysed):
                self._bags += channel == "parenteral_glucose" and quality == Quality.SUSPECT
                converted = self._converted(channel, rate * per_unit, unit)
                if converted is not None:
                    order = f"{row['med_order_id']} {row['med_name']}"
                    self._steps[channel].append(Step(order, row["admin_h"], converted, int(quality)))

    def intermittent(self, rows: list[Row]) -> None:
        """Rows with doses."""
        for number, row in enumerate(rows):
            category, hour = row["med_category"], row["admin_h"]
            if category == "insulin":
                self._insulin(hour, row["med_name"], row)
            elif category in FLUIDS or category == "dextrose":
                self._push(f"{number} {row['med_order_id']}", hour, category, row["med_name"], row)

    def _insulin(self, hour: float, name: str, row: Row) -> None:
        vein = row["med_route_category"] in INTRAVENOUS
        channel = "insulin_bolus" if vein else next(c for word, c in INSULIN_KINDS if word in name)
        dose = self._converted(channel, row["med_dose"], row["med_dose_unit"])
        if dose is not None:
            self._doses[channel].append((hour, dose))

    def _push(self, order: str, hour: float, category: str, name: str, row: Row) -> None:
        """A volume without a duration, as a rate over an assumed one."""
        if row["med_dose_unit"].lower() != "ml" or not row["med_dose"] > 0:
            return
        volume, suspect, content = row["med_dose"], int(Quality.SUSPECT), _dextrose(name)
        if category in FLUIDS:
            channel, rate = FLUIDS[category], volume / PUSH_H  # mL/h
        elif content is not None:
            channel, rate = "parenteral_glucose", volume * content / MONOHYDRATE_G_PER_MOL / (60.0 * PUSH_H)  # mmol/min
        else:
            return
        self._steps[channel] += [Step(order, hour, rate, suspect), Step(order, hour + PUSH_H, 0.0)]
        self._pushes[channel] += 1

    def _converted(self, channel: str, value: float, unit: str) -> float | None:
        """The value in the channel's unit; None, and counted, when it has none or the unit does not fit."""
        if not np.isfinite(value):
            self._left[channel, "no rate or dose"] += 1
            return None
        try:
            return float(value) * self._factor(channel, unit)
        except UnitError as problem:
            self._left[channel, f"{unit}: {problem.seen}; {problem.fix}"] += 1
            return None

    def _factor(self, channel: str, unit: str) -> float:
        """Channel units in one charted unit; looked up once, for no unit of a rate or dose has a zero of its own."""
        if (channel, unit) not in self._factors:
            self._factors[channel, unit] = to_channel(1.0, unit, channel, self._weight_kg)
        return self._factors[channel, unit]

    def report(self) -> None:
        """Say what was assumed and what could not be read."""
        for (channel, why), count in self._left.items():
            self._findings.warning(
                None,
                channel,
                seen=f"{count} rows: {why}",
                wanted=f"a value that becomes {channels()[channel].unit}",
                fix="they were not read",
            )
        for channel, count in self._pushes.items():
            self._findings.info(
                None,
                channel,
                seen=f"{count} volumes of fluid or dextrose without a duration",
                wanted="when each began and ended",
                fix=f"{PUSH_H * 60:.0f} min is assumed and marked as suspect",
            )
        if self._bags:
            self._findings.info(
                None,
                "parenteral_glucose",
                seen=f"{self._bags} rates of parenteral nutrition without its content",
                wanted="grams of dextrose",
                fix=f"{PARENTERAL_NUTRITION_G_PER_L:g} g/L is assumed and marked as suspect",
            )

    def signals(self) -> dict[str, Signal]:
        """Rates summed over orders, doses at their times."""
        found = {channel: summed(steps, 0.0) for channel, steps in self._steps.items()}
        for channel, doses in self._doses.items():
            time, dose = (np.array(column) for column in zip(*doses, strict=True))
            found[channel] = Signal.of(time, dose)
        return found


def _rates(row: Row, analysed: set[str]) -> list[tuple[str, float, str, Quality]]:
    """What a rate means: (channel, factor, unit after the factor, quality)."""
    category, name, unit = row["med_category"], row["med_name"], row["med_dose_unit"]
    if category in DRUGS:
        return [(DRUGS[category], 1.0, unit, Quality.GOOD)]
    if category in FLUIDS:
        return [(FLUIDS[category], 1.0, unit, Quality.GOOD)]
    if category in RELAXANTS:
        return [("neuromuscular_block", 1.0 / row["med_dose"] if row["med_dose"] > 0 else 1.0, "1", Quality.GOOD)]
    if name == "dextrose pn":
        return [("parenteral_glucose", 1000.0 / MONOHYDRATE_G_PER_MOL, _per(unit), Quality.GOOD)]
    if category == "tpn" and row["med_order_id"] not in analysed:
        return [_glucose_of(PARENTERAL_NUTRITION_G_PER_L, Quality.SUSPECT)]
    if category == "dextrose" and (content := _dextrose(name)) is not None:
        return [_glucose_of(content, Quality.GOOD)]
    return []


def _glucose_of(g_per_l: float, quality: Quality) -> tuple[str, float, str, Quality]:
    """A rate in mL/h of a solution as mmol/h of glucose."""
    return "parenteral_glucose", g_per_l / MONOHYDRATE_G_PER_MOL, "mmol/h", quality


def _per(unit: str) -> str:
    """grams/min, once divided by the molar mass, is mmol/min."""
    return "mmol/" + unit.partition("/")[2]


def _dextrose(name: str) -> float | None:
    return next((content for start, content in DEXTROSE_G_PER_L if name.startswith(start)), None)


def _once(rows: Columns) -> list[Row]:
    """Rows with a time, without the copies of dextrose under its second category where the first is there too."""
    category = rows["med_category"]
    both = bool(np.any(category == "dextrose"))
    kept = np.isfinite(rows["admin_h"]) & ~(both & (category == DEXTROSE_COPY))
    chosen = {name: column[kept] for name, column in rows.items()}
    chosen["med_category"] = np.where(category[kept] == DEXTROSE_COPY, "dextrose", category[kept])
    return [dict(zip(chosen, values, strict=True)) for values in zip(*chosen.values(), strict=True)]
