"""Which drug a medication is: by the codes that its sender gives, or else by how its words begin; see the table
``infusion_drugs.toml`` for both and their sources.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from caretwin.ingest.decoded import SNOMED

ATC, RXNORM, DMD = "http://www.whocc.no/atc", "http://www.nlm.nih.gov/research/umls/rxnorm", "https://dmd.nhs.uk"
_SYSTEMS = {"atc": (ATC, "http://fhir.de/CodeSystem/bfarm/atc"), "rxnorm": (RXNORM,), "snomed": (SNOMED, DMD)}
FLUIDS = frozenset({"crystalloid", "parenteral_glucose"})
"""Channels of what drugs are dissolved in."""


@dataclass(frozen=True)
class Drug:
    """A drug or fluid of the table.

    channel     that holds its rate, "" where it is not infused; vein, skin  channels of single doses, "" for none
    running     the channel is 1 while it runs
    mmol_per_l  glucose of the solution, 0 for none
    """

    name: str
    channel: str
    names: tuple[str, ...]
    codes: frozenset[tuple[str, str]]
    vein: str = ""
    skin: str = ""
    running: bool = False
    mmol_per_l: float = 0.0


@cache
def drugs() -> tuple[Drug, ...]:
    """The table."""
    return tuple(_drug(name, row) for name, row in _table()["drug"].items())


def drug_of(medication: Mapping[str, Any]) -> Drug | str | None:
    """The drug of a medication ``{"text", "codes"}``; a sentence where it is not clear, None where it is none of ours.

    >>> drug_of({"text": "Norepinephrine 4 mg in sodium chloride 0.9% 250 mL"}).channel
    'norepinephrine'
    >>> drug_of({"text": "Potassium chloride 20 mmol"}) is None
    True
    """
    words = " ".join(str(medication.get("text") or "").lower().replace("\N{NO-BREAK SPACE}", " ").split())
    codes = {(str(one[0]), str(one[1])) for one in medication.get("codes") or () if len(one) == 2}
    by_code = [one for one in drugs() if one.codes & codes]
    by_word = _by_words(words)
    found = by_code[0] if by_code else by_word
    if found is None:
        return None
    if len(by_code) > 1 or (by_word is not None and _differ(found, by_word)):
        return "its codes and words name different drugs"
    strange = next((word for word in _table()["unlike"] if re.search(rf"(?<!\w){re.escape(word)}", words)), None)
    if strange is not None:
        return f"its words say {strange!r}: another way in, or a mixture"
    if any(_differ(found, one) for one in _named_in(words) if one.channel not in FLUIDS or found.channel in FLUIDS):
        return "its words name two drugs"
    return found


def _differ(found: Drug, other: Drug) -> bool:
    """Whether they are two drugs; plain insulin is any of them."""
    return other.channel != found.channel and not (other.name == "insulin" and found.name.startswith("insulin"))


def _by_words(words: str) -> Drug | None:
    """The drug whose name begins the words, the longest name of all."""
    fits = [(len(name), drug) for drug in drugs() for name in drug.names if _begins(words, name)]
    return max(fits, key=lambda one: one[0])[1] if fits else None


def _begins(words: str, name: str) -> bool:
    return words.startswith(name) and not words[len(name) : len(name) + 1].isalnum()


def _named_in(words: str) -> list[Drug]:
    return [
        drug for drug in drugs() if any(re.search(rf"(?<![\w-]){re.escape(name)}(?!\w)", words) for name in drug.names)
    ]


def _drug(name: str, row: Mapping[str, Any]) -> Drug:
    codes = frozenset((uri, code) for key, uris in _SYSTEMS.items() for uri in uris for code in row.get(key, ()))
    more = {key: row[key] for key in ("vein", "skin", "running", "mmol_per_l") if key in row}
    return Drug(name, row.get("channel", ""), tuple(row["names"]), codes, **more)


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((files("caretwin.ingest") / "infusion_drugs.toml").read_text(encoding="utf-8"))
