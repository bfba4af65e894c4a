"""Observations of a message: each OBX as a coded value, with the name by which its sender will speak of it again.

Sources: HL7 v2.5.1 chapter 7, 7.4.2 (OBX); IHE Patient Care Device technical framework, transaction PCD-01, for MDC
codes in OBX-3, the containment in OBX-4 (MDS.VMD.channel.metric) and the device in OBX-18.
"""

from __future__ import annotations

from typing import Any

from caretwin.ingest.decoded import MDC, Code, CodedValue, RefusedError
from caretwin.ingest.doors.hl7v2.context import Context
from caretwin.ingest.doors.hl7v2.message import Segment
from caretwin.ingest.doors.hl7v2.patient import identify
from caretwin.ingest.doors.hl7v2.reports import Effective, Report, effective, reports
from caretwin.ingest.doors.hl7v2.times import NEVER, Instant
from caretwin.ingest.doors.hl7v2.values import NO_RESULT, STATES, Said, read_value, unit
from caretwin.record.entry import Status


class Observations:
    """The observations of one message.

    otherwise  when they were true where neither they nor an order says so: the event of an ADT message
    """

    def __init__(self, context: Context, otherwise: Instant = NEVER) -> None:
        self.context, self.otherwise = context, otherwise
        self._said: dict[tuple[str, Status], list[Any]] = {}
        self._equipment: dict[str, str] = {}
        self._before: tuple[Report, Any] | None = None

    def read(self) -> list[CodedValue]:
        """Every OBX that says something of a patient; what cannot be accepted is refused with its place."""
        found, context = [], self.context
        patients = 0
        for segment, report in reports(context):
            if report is None:
                patients += 1
                if patients > 1:
                    self._next_patient(segment)
            elif context.subject is not None:
                value = self._one(segment, report)
                if value is not None:
                    found.append(value)
        return found

    def _next_patient(self, pid: Segment) -> None:
        """A message may hold the results of several patients: each OBX belongs to the PID before it."""
        self._equipment.clear()
        try:
            self.context.subject, self.context.anchor = identify(self.context, pid)
        except RefusedError as error:
            self.context.subject = None
            if error.refusal not in self.context.refused:
                self.context.refused.append(error.refusal)

    def _one(self, obx: Segment, report: Report) -> CodedValue | None:
        context, codes = self.context, self.context.codes(obx, 3)
        if self._describes_a_device(obx, codes):
            context.ignore("description of a device")
            return None
        said = read_value(context, obx)
        if said is None:
            context.ignore(f"OBX of type {obx.text(2)[:4]}")
            return None
        status = self._status(obx, report, said)
        if status is None:
            return None
        if not codes:
            if obx.raw(5).strip():
                context.refuse(obx.place(3), "no code", "what was observed", "let the sender fill OBX-3", "required")
            return None
        if said.trouble:
            context.refuse(obx.place(5), said.trouble, said.wanted, "let the sender put it right, and send again")
            return None
        when = effective(context, obx, report, self.otherwise)
        if when.us is None:
            wanted = "a time to the minute with an offset, or the zone of the feed, in OBX-14 or OBR-7"
            context.refuse(obx.place(14), when.trouble, wanted, "let the sender say when, or set the door's zone")
            return None
        return self._value(obx, report, codes, said, status, when)

    def _status(self, obx: Segment, report: Report, said: Said) -> Status | None:
        """What OBX-11 says, else OBR-25, else final; None where there is nothing to keep."""
        letter = obx.text(11).upper() or (report.obr.text(25).upper() if report.obr else "")
        empty = said.value is None and "absent" in said.note
        if empty and letter in NO_RESULT:
            self.context.ignore(NO_RESULT[letter])
            return None
        if empty and letter == "U":
            self.context.ignore("a change of status without a value")
            return None
        if letter in NO_RESULT:
            return Status.PRELIMINARY
        if letter not in STATES and obx.text(11):
            known = ", ".join(sorted({*STATES, *NO_RESULT}))
            self.context.refuse(obx.place(11), "a state that is none", known, "let the sender use table 0085")
            return None
        if empty and letter == "X":
            said.note["absent"] = "it cannot be obtained"
        return STATES.get(letter, Status.FINAL)

    def _value(
        self, obx: Segment, report: Report, codes: tuple[Code, ...], said: Said, status: Status, when: Effective
    ) -> CodedValue:
        context = self.context
        assert context.subject is not None and when.us is not None
        order, issued, specimen = self._of_the_report(report)
        device = self._device(obx) if any(code.system == MDC for code in codes) else ""
        measure = unit(obx)
        note = dict(said.note)
        if when.note:
            note["time"] = when.note
        if specimen:
            note["specimen"] = specimen
        if issued is not None:
            note["issued"] = issued
        if obx.raw(17):
            note["method"] = obx.text(17, 2) or obx.text(17) or obx.text(17, 9)
        if obx.raw(18) and not device:
            note["device"] = obx.text(18)
        name = self._name(obx, codes[0], order, when, bool(device))
        name += self._which(name, said, measure, status)
        version = issued if issued is not None else context.version
        return CodedValue(
            context.subject, codes, when.us, said.value, measure, name, version, status, device, note or None,
            obx.place(5),
        )  # fmt: skip

    def _of_the_report(self, report: Report) -> tuple[str, int | None, str]:
        """Order number, time of the result (us) and specimen: the same for all of a report."""
        if self._before is None or self._before[0] is not report:
            found = (report.order(), report.time(self.context, 22).us, report.specimen_name())
            self._before = (report, found)
        known: tuple[str, int | None, str] = self._before[1]
        return known

    def _name(self, obx: Segment, code: Code, order: str, when: Effective, device: bool) -> str:
        """By what its sender will speak of this observation again.

        Sender, patient, order, code, sub-identifier and the time that the sender states. A device's reading is named
        by the device, its channel and the time: the number of the report that carries it is none of its own. Where no
        order and no time is stated, the time that stands in for it has to tell readings apart.
        """
        context = self.context
        if device and when.stated:
            order = ""
        who = "" if context.options.unique_orders and order else context.anchor
        time = when.stated if order else str(when.us)
        return "|".join((context.origin, who, order, code.system, code.code, obx.raw(4), time))

    def _which(self, name: str, said: Said, measure: str, status: Status) -> str:
        """Tells OBX of one name in one message apart: lines of a text by their order, numbers by what they are.

        The same number twice is one reading; a correction behind its original corrects it.
        """
        key = (name, status if said.value is not None else Status.PRELIMINARY)
        known = self._said.setdefault(key, [])
        what = (said.value, measure) if said.value is not None else None
        if what is not None and what in known:
            number = known.index(what) + 1
        else:
            known.append(what)
            number = len(known)
        return f"|#{number}" if number > 1 else ""

    def _describes_a_device(self, obx: Segment, codes: tuple[Code, ...]) -> bool:
        """Whether an OBX says which device or channel stands at a place of the containment, and no value."""
        if not codes or codes[0].system != MDC or obx.raw(2) or obx.raw(5):
            return False
        if obx.raw(18):
            self._equipment[_path(obx.raw(4))] = _equipment(obx)
        return True

    def _device(self, obx: Segment) -> str:
        """The equipment, its own or that of what contains it, and the containment: which channel spoke."""
        path = obx.raw(4).strip()
        own = _equipment(obx)
        parts = _path(path).split(".")
        while not own and parts:
            own = self._equipment.get(".".join(parts), "")
            parts.pop()
        return "/".join(part for part in (own, path) if part)


def _path(containment: str) -> str:
    """``1.2.0.0`` names the channel group 1.2: trailing zeros are places that are not filled."""
    parts = containment.strip().split(".")
    while parts and parts[-1] in ("0", ""):
        parts.pop()
    return ".".join(parts)


def _equipment(obx: Segment) -> str:
    """OBX-18, an entity identifier: the universal one, else the local one."""
    return (obx.text(18, 3) or obx.text(18)) if obx.raw(18) else ""
