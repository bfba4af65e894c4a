"""Which report an OBX belongs to: its order (OBR, ORC) and its specimen (SPM), and when it was true.

Sources: HL7 v2.5.1 chapter 7, 7.3.1 (ORU), 7.3.6 (OUL), 7.4.1 (OBR), 7.4.2 (OBX), 7.4.3 (SPM).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from caretwin.ingest.doors.hl7v2.context import Context
from caretwin.ingest.doors.hl7v2.message import Segment
from caretwin.ingest.doors.hl7v2.times import NEVER, Instant

_SPECIMEN_FIRST = frozenset({"R22", "R23"})
"""Messages in which the specimen stands before its orders (7.3.7, 7.3.8)."""


@dataclass
class Report:
    """An order and what belongs to it; any part may be missing."""

    obr: Segment | None = None
    orc: Segment | None = None
    specimen: Segment | None = None

    def order(self) -> str:
        """The number that names the order: the filler's, else the placer's; "" where neither is sent."""
        for mark, position in (("filler", 3), ("placer", 2)):
            for segment in (self.obr, self.orc):
                found = segment.repetitions(position) if segment else []
                if segment and found and segment.part(found[0]):
                    return f"{mark}:{segment.whole(found[0])}"
        return ""

    def time(self, context: Context, position: int) -> Instant:
        """A time of the order."""
        return context.when(self.obr.text(position)) if self.obr else NEVER

    def specimen_name(self) -> str:
        """What was taken, in words, or its code; "" where nothing is said."""
        if self.specimen:
            return self.specimen.text(4, 2) or self.specimen.text(4) or self.specimen.text(4, 9)
        return self.obr.text(15) if self.obr else ""


def reports(context: Context) -> Iterator[tuple[Segment, Report | None]]:
    """Each PID (with None) and each OBX with its report, in order."""
    trigger = context.message.header.text(9, 2)
    found: list[tuple[Segment, Report | None]] = []
    now = Report()
    waiting: Segment | None = None
    specimen: Segment | None = None
    for segment in context.message.segments:
        if segment.name == "PID":
            now, waiting, specimen = Report(), None, None
            found.append((segment, None))
        elif segment.name == "OBR":
            now = Report(segment, waiting, specimen)
            waiting = None
        elif segment.name == "ORC":
            if trigger in _SPECIMEN_FIRST and now.obr is not None and now.orc is None:
                now.orc = segment
            else:
                waiting = segment
        elif segment.name == "SPM":
            if trigger in _SPECIMEN_FIRST:
                specimen, now = segment, Report(specimen=segment)
            elif now.specimen is None:
                now.specimen = segment  # the specimen stands behind its results: all of them share this report
        elif segment.name == "OBX":
            found.append((segment, now))
    return iter(found)


class Effective(NamedTuple):
    """When an observation was true.

    us       microseconds UTC; None: it cannot be told, and ``trouble`` says why
    stated   what identifies the time between versions: the sender's own, never one that stands in for it
    note     what stands in for a missing time
    """

    us: int | None
    stated: str = ""
    note: str = ""
    trouble: str = ""


def effective(context: Context, obx: Segment, report: Report, otherwise: Instant = NEVER) -> Effective:
    """OBX-14, else the time of collection (OBR-7, SPM-17), else, noted, when it was reported (OBR-22).

    otherwise  the time of the event of an ADT message, which has no order
    A date alone is no time of day: what stands in for it must be of that day.
    """
    own = context.when(obx.text(14))
    if own.us is not None:
        return Effective(own.us, str(own.us))
    if own.text and not own.only_a_date:
        return Effective(None, trouble=f"in OBX-14 {own.trouble}")
    day = own.date
    specimen = context.when(report.specimen.text(17)) if report.specimen else NEVER
    for name, said in (("OBR-7", report.time(context, 7)), ("SPM-17", specimen)):
        if said.us is not None and said.date.startswith(day):
            note = f"{name}: OBX-14 is a date" if day else ("" if name == "OBR-7" else "SPM-17: no time in OBX-14")
            return Effective(said.us, str(said.us), note)
        if said.text and said.us is None and not said.only_a_date and not day:
            return Effective(None, trouble=f"in {name} {said.trouble}")
        day = day or said.date
    for name, said in (("OBR-22, when it was reported", report.time(context, 22)), ("the event", otherwise)):
        if said.us is not None and said.date.startswith(day):
            return Effective(said.us, day, f"{name}: the time of the observation is {'a date' if day else 'not sent'}")
    return Effective(
        None, trouble="a date without a time of day" if day else "no time in OBX-14, OBR-7, SPM-17, OBR-22"
    )
