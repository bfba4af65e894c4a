"""Whose a value is: who was associated with the device when the value was determined.

Nothing is attributed by who is there when a report arrives. A monitor that is moved to the next patient still holds
the last one's values, and a late report may speak of the time before. So each association has its interval by the
device's clock, and a value belongs to the one association that covers its determination; to nobody when none or two do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from caretwin.base.errors import DataError
from caretwin.ingest.doors.sdc.report import Patient
from caretwin.record.entry import Identifier, SubjectRef
from caretwin.record.identifiers import identifier

REMEMBERED = 8
"""Ended associations that are remembered of a device: enough for an alarm that outlives some of them (assumed)."""


class Owner(NamedTuple):
    """Whose something is; None with the reason."""

    subject: SubjectRef | None
    reason: str = ""


def owner(patients: Iterable[Patient], mds: str, when: int, fixed: SubjectRef | None) -> Owner:
    """Whose a statement of device ``mds`` about time ``when`` (us) is.

    fixed  subject of what the device does not attribute: a bed always, a person only while the device itself has
           never named anybody
    """
    here = [patient for patient in patients if patient.mds == mds]
    held = [one for one in here if one.since <= when and (one.until is None or when < one.until)]
    if len({one.identifiers for one in held}) > 1:
        return Owner(None, "two patients associated at that time")
    if held and (found := _identified(held[0])):
        return Owner(SubjectRef(found))
    if fixed is not None and (fixed.kind == "place" or not here):
        return Owner(fixed)
    return Owner(None, "a patient without a usable identifier" if held else "no patient associated at that time")


def _identified(patient: Patient) -> tuple[Identifier, ...]:
    """The identifiers that can be right: one that is not is left out, and the others still say who it is."""
    found = []
    for system, value in patient.identifiers:
        try:
            found.append(identifier(system, value))
        except DataError:
            continue
    return tuple(found)


class Association(NamedTuple):
    """A patient context state that says "associated", as the device has it now; since  its binding start, if told."""

    mds: str
    identifiers: tuple[tuple[str, str], ...]
    since: int | None = None


class Ended(NamedTuple):
    """A patient context state that is no longer associated; until  its binding end, if told (us)."""

    until: int | None = None


@dataclass
class Associations:
    """Who is and was associated with a device, by what its context states said over time."""

    open: dict[str, Patient] = field(default_factory=dict)
    ended: list[Patient] = field(default_factory=list)

    def patients(self) -> tuple[Patient, ...]:
        """All that are remembered, ended ones first."""
        return (*self.ended, *self.open.values())

    def see(self, states: Mapping[str, Association | Ended], latest: int) -> set[str]:
        """Take in all patient context states of a device, by handle; returns the devices (mds) with a change.

        latest  the latest time that the device has spoken of (us): what it does not date changes just after that, so
                that nothing it said before is given to somebody new
        """
        changed = {self._close(handle, state, latest) for handle, state in self._gone(states)}
        for handle, state in states.items():
            if isinstance(state, Association):
                changed.add(self._meet(handle, state, latest))
        return changed - {""}

    def _gone(self, states: Mapping[str, Association | Ended]) -> list[tuple[str, Ended]]:
        """Open associations that the device ended, or no longer speaks of."""
        now = {handle: states.get(handle, Ended()) for handle in self.open}
        return [(handle, state) for handle, state in now.items() if isinstance(state, Ended)]

    def _close(self, handle: str, state: Ended, latest: int) -> str:
        known = self.open.pop(handle)
        until = latest + 1 if state.until is None else state.until
        self.ended = [*self.ended, replace_until(known, max(until, known.since))][-REMEMBERED:]
        return known.mds

    def _meet(self, handle: str, state: Association, latest: int) -> str:
        known = self.open.get(handle)
        if known is None:
            since = latest + 1 if state.since is None else state.since
        elif known.identifiers == state.identifiers:
            return ""
        elif set(known.identifiers) & set(state.identifiers):
            self.open[handle] = Patient(known.mds, state.identifiers, known.since)
            return ""  # the same person by one more number
        else:
            self._close(handle, Ended(), latest)  # another person under the same handle: no device should, some may
            since = max(latest + 1, state.since or 0)
        self.open[handle] = Patient(state.mds, state.identifiers, since)
        return state.mds


def replace_until(patient: Patient, until: int) -> Patient:
    """The association with its end (us)."""
    return Patient(patient.mds, patient.identifiers, patient.since, until)
