"""From a coded value to an observation of the record: which channel it is, in that channel's unit, and how plausible.

This happens once, at the border, and the same way for every door. What no mapping knows is kept as it came, under
``"system|code"``, and listed for somebody to map; what has a wrong unit is kept the same way, refused for use.
"""

from __future__ import annotations

from typing import Any

from caretwin.base.errors import UnitError
from caretwin.base.units import convert, parse
from caretwin.ingest.decoded import LOINC, Code, CodedValue
from caretwin.ingest.mapping import IGNORE, CodeMapping, Meaning
from caretwin.ingest.meanings import FRACTION_CHANNELS, SUBSTANCES, readable
from caretwin.ingest.unusable import A_TEXT
from caretwin.record.bedside import Quality
from caretwin.record.entry import Observation, Status
from caretwin.record.store.keep import Unmapped
from caretwin.record.vocabulary import Term, vocabulary

OXIMETRY_OR_BLOOD = "2708-6"
"""LOINC for arterial saturation that UK Core and FHIR vital signs use for pulse oximetry: with a specimen it is blood.
"""
DOUBTS = ("comparator", "precision", "questionable")
"""Notes that make a value suspect: a bound is no value, a day is no time, and a doubt of the sender is one of ours."""


class Translator:
    """Maps what one door sends.

    source   name of the door, as rules and the record know it; mapping  what the site's codes mean
    """

    def __init__(self, source: str, mapping: CodeMapping) -> None:
        self.source, self.mapping = source, mapping
        self._units: dict[tuple[str, str], str | None] = {}

    def translate(self, said: CodedValue, now: int) -> tuple[Observation, Unmapped | None]:
        """The observation, and the code where nobody mapped it yet.

        now  when it was received (us)
        """
        meaning = self._meaning(said)
        if meaning is None or meaning.channel == IGNORE:
            unknown = None if meaning is not None else _unmapped(self.source, said, now)
            return self._as_it_came(said, Quality.GOOD), unknown
        return self._of_channel(said, vocabulary()[meaning.channel], self._unit(said.unit, meaning.unit)), None

    def _meaning(self, said: CodedValue) -> Meaning | None:
        if said.note and said.note.get("specimen") and any(c[:2] == (LOINC, OXIMETRY_OR_BLOOD) for c in said.codes):
            return Meaning("arterial_saturation")
        return self.mapping.meaning(self.source, said.codes, said.unit)

    def _unit(self, said: str, mapped: str) -> str:
        """The unit as sent; that of the mapping only where none was sent, or none that can be read."""
        if not mapped or not said:
            return mapped or said
        try:
            parse(said)
        except UnitError:
            return mapped
        return said

    def _of_channel(self, said: CodedValue, term: Term, unit: str) -> Observation:
        if said.value is None:
            return self._without_number(said, term)
        try:
            value = float(self._converted(float(said.value), unit, term))
        except UnitError as problem:
            note = {"trouble": f"{problem.seen}; wanted {problem.wanted}"}
            return self._as_it_came(said, Quality.REFUSED, note)
        value = _fraction(value, unit, term)
        quality = Quality.GOOD if term.plausible(value) else Quality.REFUSED
        note = {} if quality == Quality.GOOD else {"trouble": f"outside {term.low:g} to {term.high:g} {term.unit}"}
        if said.note and any(said.note.get(name) for name in DOUBTS):
            quality = max(quality, Quality.SUSPECT)
        return self._observation(said, term.name, value, quality, "", note)

    def _without_number(self, said: CodedValue, term: Term) -> Observation:
        """A value that is absent; or a text, which says nothing that a number could: it ends no setting either."""
        note = said.note or {}
        if "text" not in note or "absent" in note or said.status == Status.RETRACTED:
            return self._observation(said, term.name, None, Quality.GOOD, "")
        return self._observation(said, term.name, None, Quality.REFUSED, "", {"trouble": A_TEXT})

    def _converted(self, value: float, unit: str, term: Term) -> float:
        """The value in the channel's unit. Raises UnitError."""
        key = (unit, term.name)
        if key not in self._units:
            self._units[key] = readable(unit, term)
        read = self._units[key]
        if read is None or read == term.unit:
            return value
        return convert(value, read, term.unit, substance=SUBSTANCES.get(term.name))

    def _as_it_came(self, said: CodedValue, quality: Quality, more: dict[str, Any] | None = None) -> Observation:
        code = said.codes[0] if said.codes else Code("", "unknown")
        return self._observation(said, f"{code.system}|{code.code}", said.value, quality, said.unit, more)

    def _observation(
        self,
        said: CodedValue,
        code: str,
        value: float | None,
        quality: Quality,
        unit: str,
        more: dict[str, Any] | None = None,
    ) -> Observation:
        note = {**(said.note or {}), **(more or {})}
        if said.status == Status.RETRACTED:
            value = None
        source = f"{self.source}/{said.device}" if said.device else self.source
        return Observation(
            said.subject, code, said.effective, value, source, said.source_id, said.version, said.status, quality, unit,
            note or None,
        )  # fmt: skip


def _fraction(value: float, unit: str, term: Term) -> float:
    """An inspired fraction charted as a number above 1 without a unit is a percentage: no fraction is."""
    return value / 100.0 if term.name in FRACTION_CHANNELS and unit in ("", "1") and value > 1.0 else value


def _unmapped(source: str, said: CodedValue, now: int) -> Unmapped:
    code = said.codes[0] if said.codes else Code("", "unknown")
    example = str((said.note or {}).get("text", "")) if said.value is None else f"{said.value:g} {said.unit}".strip()
    return Unmapped(source, code.system, code.code, said.unit, code.display, example[:60], now, now, 1)
