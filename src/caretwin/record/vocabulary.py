"""The vocabulary: every channel that caretwin knows, its unit, its plausible range, and the codes that others use for
it.

Channels of the bedside models stand in bedside_channels.toml; their further codes, and channels of persons and
places, in vocabulary.toml, with the sources of the codes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from caretwin.record.bedside import channels

LOINC, SNOMED, MDC = "http://loinc.org", "http://snomed.info/sct", "urn:iso:std:iso:11073:10101"
STALE_AFTER = 3.0
"""Expected intervals without a value after which a channel is stale (assumed)."""


@dataclass(frozen=True)
class Term:
    """A channel of the vocabulary.

    unit      UCUM; low, high  range outside of which a value is an artefact or in a wrong unit
    kind      "observation" is seen, "setting" holds until it is set anew
    about     "person" or "place"
    codes     (system, code) by which it is known
    interval  s between values that are expected while it is in use; None: no expectation
    """

    name: str
    unit: str
    low: float
    high: float
    kind: Literal["observation", "setting"]
    about: Literal["person", "place"]
    codes: tuple[tuple[str, str], ...]
    interval: float | None = None
    note: str = ""

    def plausible(self, value: float) -> bool:
        """Whether a living body, or a house that stands, can have it."""
        return self.low <= value <= self.high


@cache
def vocabulary() -> Mapping[str, Term]:
    """Every channel by name."""
    table = tomllib.loads((files("caretwin.record") / "vocabulary.toml").read_text(encoding="utf-8"))
    more: Mapping[str, Any] = table["codes"]
    found = {}
    for name, channel in channels().items():
        entry = dict(more.get(name, {}))
        loinc = [channel.loinc] if channel.loinc and not entry.get("loinc") else entry.get("loinc", [])
        if channel.loinc and channel.loinc not in loinc and not _taken(more, name, channel.loinc):
            loinc = [channel.loinc, *loinc]
        entry["loinc"] = [code for code in loinc if not _taken(more, name, code)]
        limits = (channel.unit, channel.low, channel.high)
        found[name] = Term(name, *limits, channel.kind, "person", _codes(entry), entry.get("interval"), channel.note)
    for section in ("person", "place"):
        for name, entry in table[section].items():
            limits = (entry["unit"], float(entry["low"]), float(entry["high"]))
            about: Literal["person", "place"] = "person" if section == "person" else "place"
            rest = (_codes(entry), entry.get("interval"), entry.get("note", ""))
            found[name] = Term(name, *limits, "observation", about, *rest)
    return found


@cache
def by_code() -> Mapping[tuple[str, str], str]:
    """Name of the channel of every standard code.

    >>> by_code()[LOINC, "8867-4"], by_code()[MDC, "150456"]
    ('heart_rate', 'oxygen_saturation')
    """
    return {code: term.name for term in vocabulary().values() for code in term.codes}


def _taken(more: Mapping[str, Any], name: str, code: str) -> bool:
    """Whether another channel claims a LOINC code: 2708-6 names arterial blood and carries pulse oximetry."""
    return any(code in entry.get("loinc", []) for other, entry in more.items() if other != name)


def _codes(entry: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    systems = (("loinc", LOINC), ("snomed", SNOMED), ("mdc", MDC))
    return tuple((uri, code) for key, uri in systems for code in entry.get(key, []))
