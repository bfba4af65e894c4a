"""Whether a value can be of the time that it says: not of one that has not come, nor of before the person was born.

One value of another century would be the first that is known of a person, and change the age at which the twin lives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from caretwin.ingest.unusable import AHEAD, BY, LONG_AGO, UNBORN
from caretwin.record.entry import Subject, SubjectRef
from caretwin.record.reading import Reading

Births: TypeAlias = Callable[[Subject], "int | None"]
"""The earliest time (us) at which a subject can have been born; None where nobody said."""

DAY_US = 86_400_000_000
AHEAD_US = 15 * 60_000_000
"""us by which a time may be ahead of our clock: clocks of devices differ by minutes (assumed)."""
FIRST_US = -2_208_902_400_000_000
"""1900-01-02 (us): what is of before it was never measured in anybody alive; many systems write an empty date as the
day before, or as 1899-12-30 (assumed).
"""
OLDEST_US = round(130 * 365.2425) * DAY_US
"""us that a person lives at most, as :func:`caretwin.record.bedside_reading.age` has it (assumed)."""


def trouble(at: int, now: int, born: Callable[[], int | None]) -> str:
    """Why a value can not be of a time; "" where it can.

    at  when it was true, or began (us); now  when it was received (us)
    born  when its subject can have been born at the earliest (us): asked only of what is more than a day old
    """
    if at - now > AHEAD_US:
        return f"{AHEAD}{BY}{(at - now) / 3.6e9:.1f} h"
    if at < max(FIRST_US, now - OLDEST_US):
        return LONG_AGO
    if at < now - DAY_US and (birth := born()) is not None and at < birth:
        return UNBORN
    return ""


def earliest_birth(birth_date: str) -> int | None:
    """The earliest time (us) of a birth date (year, year-month or date), anywhere on earth; None where it is no date.

    >>> earliest_birth("1970-01"), earliest_birth("unknown")
    (-86400000000, None)
    """
    try:
        born = np.datetime64(birth_date[:10], "us")
    except ValueError:
        return None
    return None if np.isnat(born) else int(born.astype(np.int64)) - DAY_US


def births(reading: Reading) -> Births:
    """Births as the record knows them: of several that were told, the last holds."""

    def born(subject: Subject) -> int | None:
        for key in _keys(reading, subject):
            events = reading.events(key, ["person"])
            told = [str(event.body["birth_date"]) for event in events if event.body.get("birth_date")]
            if told:
                return earliest_birth(told[-1])
        return None

    return born


def _keys(reading: Reading, subject: Subject) -> list[str]:
    if not isinstance(subject, SubjectRef):
        return [subject]
    found = (reading.subject_of(one) for one in subject.identifiers)
    return list(dict.fromkeys(key for key in found if key is not None))
