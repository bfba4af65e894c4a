"""Identifiers that contradict one another: a message gives one person numbers that the record knows as two people's."""

from __future__ import annotations

from collections.abc import Sequence

from caretwin.base.errors import CaretwinError


class IdentityConflictError(CaretwinError):
    """Raised when one entry names several subjects of the record: nothing of its batch is kept.

    places   of the entries in their batch that do
    systems  who gives the numbers that contradict one another; the numbers themselves stand in no error
    """

    def __init__(self, places: Sequence[int], systems: Sequence[str]) -> None:
        self.places, self.systems = tuple(places), tuple(systems)
        super().__init__(
            "identifiers of a subject",
            seen="numbers that the record knows as different subjects', given by " + " and ".join(self.systems),
            wanted="numbers of one subject",
            fix="if they are one, merge them (HL7 v2 ADT^A40, FHIR Patient.link, caretwin record merge); else let the"
            " sender put its numbers right; then caretwin ingest replay",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """What contradicts survives pickling."""
        return (IdentityConflictError, (self.places, self.systems))
