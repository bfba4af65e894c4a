"""Medication: what was ordered (RXE, RXO), given (RXA) and dispensed (RXD), as events.

A dose needs the minute at which it was given: one that is known only by its day is refused, and waits in quarantine.
Kinds and bodies are those of the FHIR door: see docs/doors/medication.md.
Source: HL7 v2.5.1 chapter 4, 4.14.1 (RXO), 4.14.2 (RXR), 4.14.3 (RXC), 4.14.4 (RXE), 4.14.5 (RXD), 4.14.7 (RXA),
4.5.1 (ORC), 4.5.4 (TQ1); tables 0119, 0322 and 0323.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from caretwin.ingest.decoded import Code
from caretwin.ingest.doors.hl7v2.context import Context
from caretwin.ingest.doors.hl7v2.message import Segment
from caretwin.ingest.doors.hl7v2.times import NEVER, Instant
from caretwin.ingest.doors.hl7v2.values import number
from caretwin.record.entry import Event, Status

NOT_GIVEN = {"RE": "refused", "NA": "not administered"}
"""Completion states (RXA-20, table 0322) of a dose that nobody got."""
UNKNOWN_AMOUNT = 999.0
"""RXA-6 of an amount that is not known (4.14.7.6): none, and no dose of 999."""
_ENDS = {"DC": "stopped", "OD": "stopped", "DR": "stopped", "CA": "cancelled", "OC": "cancelled", "CR": "cancelled",
         "HD": "on-hold", "OH": "on-hold", "HR": "on-hold"}  # fmt: skip
"""Order controls (ORC-1, table 0119) that end or hold an order, in the words of FHIR."""
_DONE = {"CP": "completed", "PA": "stopped", "RE": "not-done", "NA": "not-done"}
"""Completion states (RXA-20, table 0322) in the words of FHIR."""
_PER = re.compile(r"([SMHDW])(\d{1,6})", re.IGNORECASE)
_TIMES = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk"}
"""Units of time of RXA-12 and RXE-22: H1 is "in one hour" (4.14.4.22)."""
_QUANTITY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(\S.*)")


@dataclass
class Order:
    """An order of a message and the segments that belong to it."""

    orc: Segment | None = None
    timing: Segment | None = None
    drugs: list[tuple[Segment, list[Segment], list[Segment]]] = field(default_factory=list)

    def number(self) -> str:
        """The filler's number, else the placer's."""
        found = [(self.orc.repetitions(p), p) for p in (3, 2)] if self.orc else []
        return next((f"{position}:{self.orc.whole(r[0])}" for r, position in found if self.orc and r), "")


def medication(context: Context) -> list[Event]:
    """Events of a pharmacy message; what cannot be placed in time is refused."""
    wanted = _wanted(context)
    found: list[Event] = []
    numbers: dict[str, int] = {}
    for order in _orders(context):
        for drug, routes, parts in order.drugs:
            if drug.name != wanted:
                continue
            event = _event(context, order, drug, routes, parts, numbers)
            if event is not None:
                found.append(event)
    return found


def _wanted(context: Context) -> str:
    """The segment that says what the message is for; the others repeat the order."""
    names = {segment.name for segment in context.message.segments}
    kind = context.message.header.text(9)
    if kind in ("RAS", "RDS"):
        return {"RAS": "RXA", "RDS": "RXD"}[kind]
    return "RXE" if "RXE" in names else "RXO"


def _orders(context: Context) -> Iterator[Order]:
    order = Order()
    for segment in context.message.segments:
        if segment.name == "ORC":
            yield order
            order = Order(segment)
        elif segment.name == "TQ1":
            order.timing = segment if _timed(segment) or order.timing is None else order.timing
        elif segment.name in ("RXO", "RXE", "RXA", "RXD"):
            order.drugs.append((segment, [], []))
        elif segment.name == "RXR" and order.drugs:
            order.drugs[-1][1].append(segment)
        elif segment.name == "RXC" and order.drugs:
            order.drugs[-1][2].append(segment)
    yield order


def _timed(segment: Segment) -> bool:
    return bool(segment.raw(7))


def _event(
    context: Context,
    order: Order,
    drug: Segment,
    routes: list[Segment],
    parts: list[Segment],
    numbers: dict[str, int],
) -> Event | None:
    position = {"RXA": 5, "RXE": 2, "RXD": 2, "RXO": 1}[drug.name]
    codes = context.codes(drug, position)
    if not codes:
        context.refuse(drug.place(position), "no code", "which drug", "let the sender name it", "required")
        return None
    read = {"RXA": _administration, "RXD": _dispense}.get(drug.name, _request)
    kind, begin, stop, body, status = read(context, order, drug)
    if begin.us is None:
        at = {"RXA": 3, "RXD": 3}.get(drug.name, 1)
        wanted = "a time to the minute, with an offset or the zone of the feed"
        context.refuse(drug.place(at), begin.trouble, wanted, "let the sender say when, or set the door's zone")
        return None
    body = {"medication": _concept(codes), **body, **_parts(context, parts)}
    body |= _of_order(order) | (_route(context, routes) if "dosage" not in body else {})
    if "dosage" in body:
        dosage = body["dosage"][0] | _route(context, routes)
        body["dosage"] = [dosage] if dosage else None
    assert context.subject is not None
    name = _name(context, order, drug, kind, codes[0], begin, numbers)
    late = stop.us if stop.us is not None and stop.us >= begin.us else None
    return Event(
        context.subject, kind, begin.us, context.door, _said(body), late, name, context.version, status,
    )  # fmt: skip


def _name(
    context: Context, order: Order, drug: Segment, kind: str, code: Code, begin: Instant, numbers: dict[str, int]
) -> str:
    """A request is known by its order; a dose by its order, its number (RXA-2) and when it began."""
    when = "" if drug.name in ("RXE", "RXO") and order.number() else str(begin.us)
    kind = kind.replace("not_given", "administration")  # the same dose: told now to have been given, or not
    which = drug.text(2) if drug.name == "RXA" else drug.text(1) if drug.name == "RXD" else ""
    parts = (kind, context.origin, context.anchor, order.number(), code.system, code.code, which, when)
    name = "|".join(parts)
    numbers[name] = numbers.get(name, 0) + 1
    return name if numbers[name] == 1 else f"{name}|#{numbers[name]}"


def _request(context: Context, order: Order, drug: Segment) -> tuple[str, Instant, Instant, dict[str, Any], Status]:
    """RXE or RXO: what was ordered, from when (TQ1-7, RXE-1.4, ORC-15, ORC-9) until when (TQ1-8, RXE-1.5)."""
    given, orc, timing = drug.name == "RXE", order.orc, order.timing
    times = (
        context.when(timing.text(7)) if timing else NEVER,
        context.when(drug.text(1, 4)) if given else NEVER,
        context.when(orc.text(15)) if orc else NEVER,
        context.when(orc.text(9)) if orc else NEVER,
    )
    begin = next((time for time in times if time.us is not None), next((t for t in times if t.text), NEVER))
    stop = context.when(timing.text(8)) if timing else (context.when(drug.text(1, 5)) if given else NEVER)
    state = _ENDS.get(orc.text(1).upper(), "") if orc else ""
    if orc and state:
        stop = context.when(orc.text(15) or orc.text(9))
    frequency = timing.text(3) if timing else drug.text(1, 2)
    dose, rate = _ordered(drug)
    dosage = _said({"dose": dose, "rate": rate, "timing": {"text": frequency} if frequency else None})
    strength = _quantity(drug, 25, 26) if given else _quantity(drug, 18, 19)
    body = {"status": state or "active", "intent": "order", "dosage": [dosage], "strength": strength}
    if state and all(time.us is None for time in times[:2]):
        return "medication_stop", stop, NEVER, body, Status.FINAL  # it would move the begin of the order to its end
    return "medication_request", begin, stop, body, Status.FINAL


def _administration(
    context: Context, order: Order, drug: Segment
) -> tuple[str, Instant, Instant, dict[str, Any], Status]:
    """RXA: what was given. What was refused or left out is another kind of event: nobody got it."""
    begin, stop = context.when(drug.text(3)), context.when(drug.text(4))
    completion, action = drug.text(20).upper(), drug.text(21).upper()
    dose = _quantity(drug, 6, 7)
    dose = None if dose is not None and dose["value"] == UNKNOWN_AMOUNT else dose
    wrong = "entered-in-error" if action in ("D", "X") else ""
    body = {
        "status": wrong or _DONE.get(completion, ""), "dose": dose, "rate": _rate(drug.text(12), dose),
        "strength": _quantity(drug, 13, 14), "strength_volume": _quantity(drug, 23, 24),
        "reason": [NOT_GIVEN[completion]] if completion in NOT_GIVEN else None,
    }  # fmt: skip
    stop = NEVER if stop.us == begin.us else stop  # one moment twice: when a rate was told, not for how long it ran
    kind = "medication_not_given" if completion in NOT_GIVEN else "medication_administration"
    status = {"D": Status.RETRACTED, "U": Status.CORRECTED, "X": Status.RETRACTED}.get(action, Status.FINAL)
    return kind, begin, stop, body, status


def _dispense(context: Context, order: Order, drug: Segment) -> tuple[str, Instant, Instant, dict[str, Any], Status]:
    """RXD: what the pharmacy handed out."""
    body = {"quantity": _quantity(drug, 4, 5), "strength": _quantity(drug, 16, 17), "prescription": drug.text(7)}
    return "medication_dispense", context.when(drug.text(3)), NEVER, body, Status.FINAL


def _ordered(drug: Segment) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Dose (one, or from the least to the most) and rate of an order."""
    given = drug.name == "RXE"
    least, most, unit = (3, 4, 5) if given else (2, 3, 4)
    low, high = _quantity(drug, least, unit), _quantity(drug, most, unit)
    dose = {"low": low, "high": high} if low and high and low != high else low or high
    rate = _quantity(drug, 23, 24) if given else _quantity(drug, 21, 22)
    return dose, rate or (_rate(drug.text(22), low) if given else None)


def _rate(text: str, dose: dict[str, Any] | None) -> dict[str, Any] | None:
    """A rate as it is told: the time in which the dose is given (H1), or in words of its own (20 mg/min)."""
    per, quantity = _PER.fullmatch(text.strip()), _QUANTITY.fullmatch(text.strip())
    if per is not None and dose is not None and int(per.group(2)):
        time = {"value": float(per.group(2)), "unit": _TIMES[per.group(1).upper()]}
        return {"numerator": dose, "denominator": time}
    if quantity is not None and "/" in quantity.group(2):
        return {"value": float(quantity.group(1)), "unit": quantity.group(2)}
    return {"text": text} if text.strip() else None


def _quantity(segment: Segment, position: int, unit: int) -> dict[str, Any] | None:
    """An amount with its unit; None where there is none."""
    value = _amount(segment, position)
    return {"value": value, "unit": _word(segment, unit)} if value is not None else None


def _amount(segment: Segment, position: int) -> float | None:
    value, comparator = number(segment.text(position))
    return value if value is not None and not comparator and math.isfinite(value) else None


def _word(segment: Segment, position: int) -> str:
    """A unit or form: its code, or its words where the code is a number of a table."""
    code, words = segment.text(position), segment.text(position, 2)
    return words if words and (not code or code.isdigit()) else code


def _route(context: Context, routes: list[Segment]) -> dict[str, Any]:
    if not routes:
        return {}
    found = {}
    for name, position in (("route", 1), ("site", 2), ("method", 4)):
        codes = context.codes(routes[0], position)
        found[name] = _concept(codes) if codes else None
    return _said(found)


def _of_order(order: Order) -> dict[str, Any]:
    """Which order it belongs to: its name, and what the sender says of it."""
    if order.orc is None:
        return {}
    said = {"control": order.orc.text(1), "placer": order.orc.text(2), "filler": order.orc.text(3)}
    return {"request": said["filler"] or said["placer"], "order": said}


def _parts(context: Context, parts: list[Segment]) -> dict[str, Any]:
    """RXC: base and additives of a compound."""
    found = []
    for part in parts:
        codes = context.codes(part, 2)
        if codes:
            kind = {"B": "base", "A": "additive"}.get(part.text(1).upper(), part.text(1))
            found.append(_said({"kind": kind, **_concept(codes), "amount": _quantity(part, 3, 4)}))
    return {"ingredients": found} if found else {}


def _said(body: dict[str, Any]) -> dict[str, Any]:
    """What is said; what is absent stays absent."""
    return {name: value for name, value in body.items() if value not in ("", None)}


def _concept(codes: Sequence[Code]) -> dict[str, Any]:
    """What something is: its words, and all its codes as [system, code]."""
    words = next((code.display for code in codes if code.display), codes[0].code)
    return {"text": words, "codes": [[code.system, code.code] for code in codes]}
