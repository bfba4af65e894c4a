"""Where people are now, and who said no to being looked at: as far as doors have told the record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from caretwin.record.entry import StoredEvent
from caretwin.record.record import Record
from caretwin.record.store import read_events
from caretwin.record.store.accounts import all_keys
from caretwin.record.store.connection import Connection
from caretwin.twin.living.stays import ENDED, NOT_YET, OUTSIDE

KINDS = ("encounter", "consent")
"""Events that say where somebody is, and what they permit."""
STILL_US = 24 * 3_600_000_000
"""us after a discharge in which a person is still of the unit that they left: as long as the board shows them
(assumed)."""
LOOK_EVERY_US = 250_000
"""us between two looks at what other programs wrote (assumed: nobody changes wards faster)."""
PRIVACY, DENIED, TREATMENT = "patient-privacy", "deny", "TREAT"
"""Codes of a Consent that closes a record to those who care (FHIR R4: consentscope, provision-type, PurposeOfUse)."""


class Standing(NamedTuple):
    """Where somebody is (None: nobody has said), and whether the person said no to being looked at."""

    unit: str | None
    sealed: bool


class Whereabouts:
    """Standings of the people of a record, remembered until something new is said of them.

    clock  microseconds UTC now, as the record has it
    """

    def __init__(self, record: Record, clock: Callable[[], int]) -> None:
        self._record, self._clock = record, clock
        self._lock = threading.Lock()
        self._known: dict[str, list[StoredEvent]] = {}
        self._heard, self._epoch, self._looked = 0, -1, 0
        self._news = True
        record.listen(lambda batches, receipts: self._tell())

    def _tell(self) -> None:
        self._news = True

    def of(self, key: str) -> Standing:
        """The standing of a subject; of whom the record does not know: nowhere."""
        now = self._clock()
        with self._lock:
            connection = self._record.connection()
            self._look(connection, now)
            if key not in self._known:
                self._known[key] = read_events.events(connection, key, KINDS)
            events = self._known[key]
        return Standing(unit_at(events, now), sealed_by(events))

    def _look(self, connection: Connection, now: int) -> None:
        """Forget those of whom something new was said, by whichever program."""
        if not self._news and 0 <= now - self._looked < LOOK_EVERY_US:
            return
        self._news, self._looked = False, now
        epoch, newest = (int(one) for one in connection.query("SELECT erasures, sequence FROM counter")[0])
        if epoch != self._epoch:
            self._known.clear()
        elif newest > self._heard:
            for key in read_events.told_of(connection, KINDS, self._heard):
                for one in all_keys(connection, key):
                    self._known.pop(one, None)
        self._epoch, self._heard = epoch, max(newest, self._heard)


def unit_at(events: Iterable[StoredEvent], now: int) -> str | None:
    """The unit in which somebody is at a time (us): that of the stay which began last of those that are not over; of
    one that ended within STILL_US where all are over. None where no stay says.
    """
    stays = [one for one in events if one.kind == "encounter" and _inside(one) and one.effective <= now]
    present = [one for one in stays if not _over(one, now)]
    past = [one for one in stays if _over(one, now) and one.stop is not None and now - one.stop < STILL_US]
    for some, last in ((present, _begun), (past, _stopped)):
        for stay in sorted(some, key=last, reverse=True):
            if unit := _unit(stay.body):
                return unit
    return None


def sealed_by(events: Iterable[StoredEvent]) -> bool:
    """Whether a consent that stands closes the record to those who care, all of it and without saying what for.

    One that denies some use, such as research, does not: who cares for the person goes on.
    """
    return any(_denies(one.body) for one in events if one.kind == "consent")


def _denies(body: Mapping[str, Any]) -> bool:
    purposes = body.get("purposes") or []
    about_care = not purposes or TREATMENT in purposes
    return (
        body.get("status") == "active"
        and body.get("scope") == PRIVACY
        and body.get("provision") == DENIED
        and about_care
    )


def _inside(stay: StoredEvent) -> bool:
    return stay.body.get("class") not in OUTSIDE and stay.body.get("status") not in NOT_YET


def _over(stay: StoredEvent, now: int) -> bool:
    return stay.body.get("status") in ENDED or (stay.stop is not None and stay.stop <= now)


def _begun(stay: StoredEvent) -> tuple[int, int]:
    return stay.effective, stay.sequence


def _stopped(stay: StoredEvent) -> tuple[int, int]:
    return stay.stop or 0, stay.sequence


def _unit(body: Mapping[str, Any]) -> str | None:
    """The unit that a stay names: the point of care of HL7 v2 (else its facility), the last place of FHIR."""
    location = body.get("location")
    if isinstance(location, Mapping):
        return location.get("point_of_care") or location.get("facility") or None
    places = body.get("places")
    return str(places[-1]) if isinstance(places, list) and places and places[-1] else None
