"""Vancomycin doses of a MIMIC-III patient: given doses without milligrams, orders without times, and what
they can mean.

What is uncertain becomes a short weighted list of complete dose histories, never one guess:

- a given dose (MetaVision) has a start but no amount and no infusion time: the amount is that of the order
  that covers the day, the infusion time 1, 1.5 or 2 h per gram;
- an order (CareVue and the wards) has dates and an amount but no frequency: one of four intervals or one
  dose each, from one of a few first hours. Days that several orders cover are dosed once, by the latest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from caretwin.record.dosing import Dose, DoseHistory

GIVEN_ITEM = 225798
INTERVALS: dict[float | None, float] = {8.0: 0.10, 12.0: 0.40, 24.0: 0.20, 48.0: 0.10, None: 0.20}
"""Interval (h) of an order and prior weight; None: one dose per order. Assumed: 1 g every 12 h was the usual
adult dose of these years, with longer intervals or single doses by level in renal failure."""
HOURS_PER_GRAM = {1.0: 1 / 3, 1.5: 1 / 3, 2.0: 1 / 3}
"""Infusion time per gram (h) and prior weight. Assumed: the US label asks for at least 1 h and at most 10
mg/min."""
UNKNOWN_AMOUNTS = {1000.0: 0.7, 750.0: 0.1, 500.0: 0.1, 1250.0: 0.05, 1500.0: 0.05}
"""Amount (mg) and prior weight of a given dose that no order covers. Assumed from the amounts that were
ordered."""
FIRST_HOURS = 4
MOST_HISTORIES = 24
LAST_DAY_UNTIL_H = 12.0
"""On the last day of an order of several days, doses before this hour were given. Assumed."""
INTRAVENOUS = {"IV", "PB", "IVPB", "IV DRIP", "IV BOLUS", "IVP", "IV PUSH"}
MILLIGRAMS = {"mg": 1.0, "g": 1000.0, "gm": 1000.0, "gram": 1000.0, "grams": 1000.0, "mcg": 0.001}


@dataclass(frozen=True)
class Order:
    """An intravenous order: first and last day (hours of their midnights from the origin) and the amount
    (mg)."""

    start_h: float
    end_h: float
    amount: float

    def covers(self, time_h: float, after_h: float = 0.0) -> bool:
        """True from the first day's midnight to the end of the last day, or ``after_h`` hours later."""
        return self.start_h <= time_h < self.end_h + 24.0 + after_h


def orders(prescriptions: Any, hours: Callable[[Any], float], drop: Callable[[str], None]) -> list[Order]:
    """The usable intravenous orders in order of time; every other one is handed to ``drop`` with the
    reason."""
    found = []
    for row in prescriptions.to_dict("records"):
        route = str(row["route"] or "").strip().upper()
        if route not in INTRAVENOUS:
            drop(f"order by route {route or 'unknown'}: not intravenous")
            continue
        amount = _milligrams(row["dose_val_rx"], row["dose_unit_rx"])
        start, end = row["startdate"], row["enddate"]
        if amount is None:
            drop("order without a readable amount")
        elif start != start:
            drop("order without a start")
        elif end == end and end < start:
            drop("order that ends before it starts")
        else:
            end = start if end != end else end
            found.append(Order(hours(start.normalize()), hours(end.normalize()), amount))
    return sorted(found, key=lambda order: (order.start_h, order.end_h))


def _milligrams(value: Any, unit: Any) -> float | None:
    """The amount of an order: "1000", "1,000" or "500-1000" (its upper end)."""
    factor = MILLIGRAMS.get(str(unit or "").strip().lower())
    text = re.sub(r"(?<=\d),(?=\d{3})", "", str(value or "")).strip()
    found = re.fullmatch(r"(?:[\d.]+\s*-\s*)?(\d+\.?\d*)", text)
    amount = float(found[1]) * factor if found and factor else 0.0
    return amount if 0 < amount <= 5000 else None


def given(events: Any, hours: Callable[[Any], float], drop: Callable[[str], None]) -> list[tuple[float, float | None]]:
    """(hour, milligrams or None) of each given intravenous dose; every other row goes to ``drop`` with the
    reason."""
    found: dict[float, float | None] = {}
    for row in events.to_dict("records"):
        category, status = str(row["ordercategoryname"] or ""), str(row["statusdescription"] or "")
        if status.lower() == "rewritten":
            drop("given dose that was rewritten")
        elif "non iv" in category.lower():
            drop("given dose that was oral (category 'Non IV')")
        elif row["starttime"] != row["starttime"]:
            drop("given dose without a time")
        elif hours(row["starttime"]) in found:
            drop("given dose charted twice at one time")
        else:
            factor = MILLIGRAMS.get(str(row["amountuom"] or "").strip().lower())
            amount = row["amount"] * factor if factor and row["amount"] == row["amount"] else None
            found[hours(row["starttime"])] = amount
    return sorted(found.items())


def histories(
    given_doses: list[tuple[float, float | None]],
    placed: list[Order],
    *,
    earliest_h: float,
    latest_h: float,
    charted: list[tuple[float, float]],
) -> list[DoseHistory]:
    """All dose histories that the rows allow, at most MOST_HISTORIES, with weights.

    given_doses  of ``given``; placed  of ``orders``
    earliest_h, latest_h   no ordered dose lies outside (admission to discharge)
    charted      stays in which every given dose was charted: orders add nothing there
    """
    fixed = _fixed(given_doses, placed)
    ward = _ward(placed, earliest_h, latest_h, charted)
    if not ward:
        return fixed
    per_gram = fixed[: len(fixed) if len(fixed) * len(ward) <= MOST_HISTORIES else 1]
    return [
        DoseHistory(
            tuple(sorted((*a.doses, *b.doses), key=lambda dose: dose.time_h)), a.weight * b.weight,
            f"{a.label}; {b.label}" if a.doses else b.label,
        )
        for a in per_gram or [DoseHistory(())]
        for b in ward
    ]  # fmt: skip


def _fixed(given_doses: list[tuple[float, float | None]], placed: list[Order]) -> list[DoseHistory]:
    """Histories of the given doses: infusion times, and amounts where no order tells."""
    if not given_doses:
        return []
    known = [(time, amount if amount is not None else ordered_amount(time, placed)) for time, amount in given_doses]
    unknown = UNKNOWN_AMOUNTS if any(amount is None for _, amount in known) else {0.0: 1.0}
    return [
        DoseHistory(
            tuple(_infusion(time, amount or guess, pace) for time, amount in known), weight * share,
            f"given doses, {pace:g} h per gram" + (f", {guess:g} mg if not ordered" if guess else "") + " (assumed)",
        )
        for pace, weight in HOURS_PER_GRAM.items()
        for guess, share in unknown.items()
    ]  # fmt: skip


def ordered_amount(time_h: float, placed: list[Order]) -> float | None:
    """The amount (mg) of the latest order that covers the day, or of the nearest within two days; else
    None."""
    covering = [order for order in placed if order.covers(time_h)]
    near = covering or [order for order in placed if order.start_h - 48 <= time_h < order.end_h + 72]
    return max(near, key=lambda order: order.start_h).amount if near else None


def _infusion(time: float, amount: float, per_gram: float) -> Dose:
    duration = max(0.5, amount / 1000 * per_gram)
    return Dose(time, amount, "mg", duration, "central", note="infusion time assumed")


def _ward(placed: list[Order], earliest: float, latest: float, charted: list[tuple[float, float]]) -> list[DoseHistory]:
    """Histories of the ordered doses: intervals and first hours. Histories with the same doses are joined."""
    merged: dict[tuple[Dose, ...], DoseHistory] = {}
    for interval, weight in INTERVALS.items():
        for k in range(FIRST_HOURS):
            part = (k + 0.5) / FIRST_HOURS
            doses = tuple(
                _infusion(time, amount, 1.0)
                for time, amount in _times(placed, interval, part, earliest, latest)
                if not any(start <= time < stop for start, stop in charted)
            )
            often = "one dose each" if interval is None else f"every {interval:g} h"
            label = f"orders only, {often}, first dose after {part:.0%} of the first day (assumed)"
            before = merged.get(doses)
            total = weight / FIRST_HOURS + (before.weight if before else 0.0)
            if doses:
                merged[doses] = DoseHistory(doses, total, before.label if before else label)
    return list(merged.values())


def _times(
    placed: list[Order], interval: float | None, part: float, earliest: float, latest: float
) -> list[tuple[float, float]]:
    """(hour, mg) of the doses of one hypothesis: each run of covered days is dosed regularly, or each
    order once."""
    if interval is None:
        days = {order.start_h: order.amount for order in placed}
        once = [(_within(day, part, earliest), amount) for day, amount in days.items()]
        return sorted((time, amount) for time, amount in once if time < latest)
    found: list[tuple[float, float]] = []
    for first, last, single in _runs(placed):
        time = _within(first, part, earliest)
        stop = min(latest, last + (24.0 if single else LAST_DAY_UNTIL_H))
        while time < stop and (amount := ordered_amount(time, placed)) is not None:
            found.append((time, amount))
            time += interval
    return found


def _within(day: float, part: float, earliest: float) -> float:
    """The hour that lies ``part`` of the way through a day, or through what is left of it after
    ``earliest``."""
    start = max(day, earliest)
    return start + part * max(day + 24.0 - start, 0.0)


def _runs(placed: list[Order]) -> list[tuple[float, float, bool]]:
    """(first day, last day, single day?) of each run of days that orders cover without a gap, in hours."""
    days: set[float] = set()
    for order in placed:
        count = math.floor((order.end_h - order.start_h) / 24 + 0.5)
        days.update(order.start_h + 24 * k for k in range(count + 1))
    runs: list[tuple[float, float, bool]] = []
    for day in sorted(days):
        if runs and day - runs[-1][1] < 24.5:
            runs[-1] = (runs[-1][0], day, False)
        else:
            runs.append((day, day, True))
    return runs
