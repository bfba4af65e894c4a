"""What a rota's files do not say themselves: which home, its zone, how dates are written, words for absence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caretwin.ingest.doors.mqtt.payload import clean
from caretwin.record.entry import Event, Status, SubjectRef

SHIFT, ABSENCE, STAFF = "shift", "absence", "staff_member"
LONGEST_SHIFT_H = 24.0
"""h: a longer one is a mistake in a date (assumed; the longest shift in use is a sleep-in of 24 h)."""


@dataclass(frozen=True)
class Home:
    """The home that a rota is of.

    subject  the place; source  name of the door; zone  IANA; order  of dates, see ``rota_times.ORDERS``
    absence  words by which an appointment is an absence, in small letters
    """

    subject: SubjectRef
    source: str
    zone: str
    order: str
    absence: frozenset[str]

    def event(
        self,
        kind: str,
        span: tuple[int, int | None],
        body: Mapping[str, Any],
        name: str,
        version: int,
        *,
        cancelled: bool = False,
    ) -> Event:
        """An event of this home.

        span  from when, until when (us); name  by which it is known in later versions
        """
        said = {key: value for key, value in body.items() if value not in ("", [], None)}
        status = Status.RETRACTED if cancelled else Status.FINAL
        return Event(
            self.subject, kind, span[0], self.source, said, span[1], f"{kind}/{clean(name, 400)}", version, status
        )
