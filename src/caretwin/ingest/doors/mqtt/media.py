"""What is known of an MQTT message beside its bytes, written as the media text that a door's decoder gets.

It stands in the quarantine too, so that a message which is accepted later keeps the time at which it arrived.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

_TIME = re.compile(r"\d{1,17}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message came.

    topic     as published
    received  when it arrived (us UTC); None: not known
    retained  the broker had kept it from some time before
    waited    it may have waited at the broker while we were away: its arrival says nothing of when it was true
    """

    topic: str
    received: int | None = None
    retained: bool = False
    waited: bool = False


def media_of(arrival: Arrival) -> str:
    """The media text of an arrival.

    >>> media_of(Arrival("rooms/12/t°", 1_700_000_000_000_000, retained=True))
    'mqtt;received=1700000000000000;retained=1;topic=rooms/12/t%C2%B0'
    """
    words = ["mqtt"]
    if arrival.received is not None:
        words.append(f"received={arrival.received}")
    words += [f"{name}=1" for name in ("retained", "waited") if getattr(arrival, name)]
    return ";".join([*words, f"topic={quote(arrival.topic)}"])


def arrival_of(media: str) -> Arrival:
    """The arrival that a media text tells; what is not in it is not known.

    >>> arrival_of("mqtt;topic=rooms/12/t%C2%B0")
    Arrival(topic='rooms/12/t°', received=None, retained=False, waited=False)
    """
    said = dict(word.partition("=")[::2] for word in media.split(";"))
    received = said.get("received", "")
    known = int(received) if _TIME.fullmatch(received) and received.isascii() else None
    flags = [said.get(name) == "1" for name in ("retained", "waited")]
    return Arrival(unquote(said.get("topic", "")), known, *flags)
