"""Where a device stands, as its discovery scope and a site's settings write it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlsplit

PLACE = ("fac", "bldng", "flr", "poc", "rm", "bed")
"""Parts of a location, from the facility to the bed (IEEE 11073-20701, location scope)."""


def parse_location(text: str) -> dict[str, str]:
    """A location as a site writes it, parts that do not matter left out. Raises ValueError for anything else.

    >>> parse_location("fac=H1, bed=7")
    {'fac': 'H1', 'bed': '7'}
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    found = {name.strip(): value.strip() for name, _, value in pairs}
    if any(name not in PLACE or not value for name, value in found.items()):
        raise ValueError(text)
    return found


def inside(place: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether a place has all the parts that are wanted; nothing wanted is nowhere.

    >>> inside({"fac": "H1", "bed": "7"}, {"fac": "H1"}), inside({"fac": "H1"}, {"bed": "7"}), inside({}, {})
    (True, False, False)
    """
    return bool(wanted) and all(place.get(name) == value for name, value in wanted.items())


def of_scopes(scopes: Iterable[str]) -> dict[str, str]:
    """The location among a device's discovery scopes, {} for none.

    >>> of_scopes(["sdc.ctxt.loc:/sdc.ctxt.loc.detail/H1%2F%2F%2F%2F%2F7?fac=H1&bed=7"])
    {'fac': 'H1', 'bed': '7'}
    """
    for scope in scopes:
        parts = urlsplit(str(scope))
        if parts.scheme.lower() == "sdc.ctxt.loc":
            return {name: value for name, value in parse_qsl(parts.query) if name in PLACE}
    return {}
