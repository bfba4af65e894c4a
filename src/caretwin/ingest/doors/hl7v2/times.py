"""Times of a message: one instant, or the reason why it is none.

Source: HL7 v2.5.1 chapter 2.A.22 (DTM: YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]) and 2.15.9.7 (an offset in
MSH-7 is the default of the message).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from caretwin.base.errors import TimeError
from caretwin.base.time import parse_instant, to_microseconds

_DTM = re.compile(
    r"""(?P<date>\d{4}(?:\d\d(?:\d\d)?)?)
        (?:(?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d)(?P<fraction>\.\d{1,9})?)?)?)?
        (?P<offset>[+-]\d{4})?""",
    re.VERBOSE | re.ASCII,
)
IMPRECISE = "a date without a time of day to the minute"


class Instant(NamedTuple):
    """A time of a message.

    us    microseconds UTC; None: it is no instant, and ``trouble`` says why
    text  as it was sent; date  ISO 8601 date where one can be read ("2024-03-01", "2024-03", "2024")
    """

    us: int | None
    text: str = ""
    date: str = ""
    trouble: str = ""

    @property
    def only_a_date(self) -> bool:
        """Whether a day (or month, or year, or hour of it) is said, and no time of day to the minute."""
        return self.trouble == IMPRECISE


NEVER = Instant(None, trouble="no time")


@lru_cache(maxsize=8192)
def instant(text: str, zone: str) -> Instant:
    """A time as sent.

    zone  IANA zone, or an offset such as ``"+0100"``, of a time without an offset; "" for none

    >>> instant("20240301061000.5+0100", "").us == instant("202403010510", "UTC").us + 500_000
    True
    >>> instant("20240301", "UTC").date, instant("20241027013000", "Europe/London").us
    ('2024-03-01', None)
    """
    text = text.strip()
    if not text:
        return NEVER
    found = _DTM.fullmatch(text)
    if found is None:
        return Instant(None, text[:40], trouble="not a time as HL7 writes it")
    date = "-".join(part for part in (found["date"][:4], found["date"][4:6], found["date"][6:8]) if part)
    if found["minute"] is None:
        return Instant(None, text, date, IMPRECISE)
    offset = found["offset"] or (zone if zone[:1] in ("+", "-") else "")
    clock = f"{date}T{found['hour']}:{found['minute']}:{found['second'] or '00'}{(found['fraction'] or '')[:7]}"
    try:
        moment = parse_instant(clock + (f"{offset[:3]}:{offset[3:]}" if offset else ""), zone or None)
        return Instant(to_microseconds(moment), text, date)
    except TimeError as problem:
        return Instant(None, text, date, problem.seen)
    except (OverflowError, ValueError):
        return Instant(None, text, date, "a time beyond the calendar")
