"""Infusions of MEDS files as rates: a start with its rate, an end with the amount that had run in, for each item.

MEDS keeps no number of an order: an end belongs to the order of its item whose rate and duration give its amount. Each
change of a rate is an end and a start at one time. A start without a rate is a push: of a fluid it
is taken to run in over an assumed time, as in CLIF; of a drug it is left out, for MEDS does not say in which unit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from caretwin.ingest.bedside.infusions import Step, summed
from caretwin.ingest.bedside.units import to_channel
from caretwin.ingest.clif.infusions import PUSH_H
from caretwin.ingest.decoded import Code, CodedValue
from caretwin.ingest.doors.research.meds_codes import SEPARATOR, Meaning, Read
from caretwin.record.bedside import Quality
from caretwin.record.entry import SubjectRef
from caretwin.record.vocabulary import vocabulary

START, END = "INFUSION_START", "INFUSION_END"
POURED = frozenset({"crystalloid"})
"""Channels of fluids, whose amounts are in mL: a push of them is taken to run in over PUSH_H, and is suspect."""
NO_DURATION = f"a volume without a duration: {PUSH_H * 60:g} min is assumed"
HOUR_US = 3_600_000_000


class _Said(NamedTuple):
    """A start with its rate (NaN: a push), or an end with its amount."""

    at: int
    begins: bool
    number: float


class _Order(NamedTuple):
    """An order that ran at one rate (in the unit of its item) until it ended; None: nobody said when.

    amount  that had run in at its end
    """

    begin: int
    rate: float
    end: int | None
    amount: float = 0.0


class Infusions:
    """What is told of the infusions of one subject."""

    def __init__(self) -> None:
        self._said: dict[str, list[_Said]] = defaultdict(list)
        self._meanings: dict[str, Meaning] = {}

    def told(self, read: Read, code: str, at: int, number: float) -> bool:
        """Whether a code is of an infusion that has a meaning."""
        head = code.partition(SEPARATOR)[0]
        if read.meaning is None or not read.meaning.infusion or head not in (START, END):
            return False
        self._meanings[read.item] = read.meaning
        self._said[read.item].append(_Said(at, head == START, number))
        return True

    def values(self, subject: SubjectRef, admissions: Sequence[int]) -> Iterator[CodedValue]:
        """The rate of each channel at each of its changes: all its items together.

        admissions  us, in order: what is charted to start later in a stay did not run from its begin on
        """
        steps: dict[str, list[Step]] = defaultdict(list)
        for item, said in self._said.items():
            meaning = self._meanings[item]
            factor = to_channel(1.0, meaning.unit, meaning.channel)
            for number, order in enumerate(_orders(said)):
                name = f"{item} {number}"
                if order.rate == order.rate:
                    steps[meaning.channel] += _steps(name, order.begin, order.rate * factor, order.end)
                elif meaning.channel in POURED:
                    rate, end = order.amount / PUSH_H * factor, order.begin + round(PUSH_H * HOUR_US)
                    steps[meaning.channel] += _steps(name, order.begin, rate, end, Quality.SUSPECT)
        for channel, several in steps.items():
            begun = {admissions[place - 1] for step in several if (place := bisect_right(admissions, step.time_h))}
            signal = summed([*(Step(f"stay {at}", at, 0.0) for at in begun), *several])
            unit = vocabulary()[channel].unit
            rows = zip(signal.time_h.tolist(), signal.value.tolist(), signal.quality.tolist(), strict=True)
            for at, rate, quality in rows:
                note = {"questionable": NO_DURATION} if quality else None
                yield CodedValue(subject, (Code("caretwin", channel),), int(at), rate, unit, note=note)


def _steps(name: str, begin: int, rate: float, end: int | None, quality: Quality = Quality.GOOD) -> list[Step]:
    stop = [Step(name, end, 0.0)] if end is not None else []
    return [Step(name, begin, rate, int(quality)), *stop]


def _orders(said: Sequence[_Said]) -> list[_Order]:
    """The orders of one item: an end closes the one that fits its amount best, and not one that begins as it ends."""
    rows = sorted(said, key=lambda one: (one.at, one.begins))
    scale = _scale(rows)
    open_: list[_Order] = []
    done: list[_Order] = []
    for row in rows:
        if row.begins:
            open_.append(_Order(row.at, row.number, None))
        elif open_:
            best = min(open_, key=lambda order: _misfit(order, row, scale))
            open_.remove(best)
            done.append(best._replace(end=row.at, amount=row.number))
    every = sorted([*done, *open_], key=lambda order: order.begin)
    return [order for order in every if not order.rate < 0 and (order.amount > 0 or order.rate >= 0)]


def _scale(rows: Sequence[_Said]) -> float:
    """Amount by rate and hour, where only one order runs: units, and the weight of rates per weight, differ by item."""
    found = [
        end.number / (start.number * (end.at - start.at) / HOUR_US)
        for start, end in pairwise(rows)
        if start.begins and not end.begins and end.at > start.at and start.number > 0
    ]
    return median(found) if found else 1.0


def _misfit(order: _Order, end: _Said, scale: float) -> tuple[int, float, int]:
    """How badly an end fits an order; a push, which has no rate, fits what ends soon after its begin."""
    if order.rate != order.rate:
        return (1, float(end.at - order.begin), order.begin)
    ran = order.rate * (end.at - order.begin) / HOUR_US * scale
    wrong = abs(ran - end.number) / max(abs(end.number), abs(ran), 1e-9)
    return (0 if wrong < 0.02 else 2, wrong, order.begin)
