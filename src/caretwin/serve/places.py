"""Where somebody lies: unit and bed, as the stays that stand in a record say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from caretwin.base.time import parse_instant, to_microseconds
from caretwin.twin.living.stays import Stay

_BED = ("room", "bed")


class Place(NamedTuple):
    """A place: its unit and its bed, None for what nobody said; since  when the person came to the unit (us)."""

    unit: str | None = None
    bed: str | None = None
    since: int | None = None


NOWHERE = Place()


def place_of(stays: Iterable[Stay]) -> Place:
    """Where a person lies, by the stay that began last of those that are not over and name a place.

    >>> place_of([Stay("encounter", 5, None, {"location": {"point_of_care": "ICU", "bed": "3"}})])
    Place(unit='ICU', bed='3', since=5)
    >>> place_of([Stay("encounter", 5, 9, {"location": {"point_of_care": "ICU", "bed": "3"}})])
    Place(unit=None, bed=None, since=None)
    """
    open_ones = [one for one in stays if one.kind == "encounter" and one.stop is None and _named(one.body)]
    if not open_ones:
        return NOWHERE
    last = max(open_ones, key=lambda one: one.begun)
    unit, bed = _words(last.body)
    return Place(unit, bed, _moved(last) or last.begun)


def _named(body: Mapping[str, Any]) -> bool:
    return any(_words(body))


def _words(body: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Unit and bed: of HL7 v2 a place in parts (PL), of FHIR one in words, the last that was told."""
    parts = body.get("location")
    if isinstance(parts, Mapping):
        bed = " ".join(str(parts[name]) for name in _BED if parts.get(name))
        return (str(parts.get("point_of_care") or parts.get("facility") or "") or None), bed or None
    words = [str(one) for one in body.get("places") or () if one]
    return (words[-1], None) if words else (None, None)


def _moved(stay: Stay) -> int | None:
    said = stay.body.get("moved")
    try:
        return None if not said else to_microseconds(parse_instant(str(said)))
    except ValueError:
        return None
