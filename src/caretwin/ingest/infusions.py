"""From a medication administration to the settings that a bedside twin knows: the rate from its start, and that it is
no longer set from its end.

The settings carry the event's version and status, and names made of its own (``"<event's id>#rate"``, ``"#stop"``,
``"#dose"``): when the event is corrected or retracted, so are they. What cannot be converted stays an event, with the
reason among its ``findings``; a rate that only lacks a body weight is kept as it came, refused for use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from caretwin.ingest.infusion_drugs import Drug, drug_of
from caretwin.ingest.infusion_rates import NO_WEIGHT, Rate, UnusableError, dose_of, in_channel, rate_of
from caretwin.record.bedside import Quality
from caretwin.record.entry import Event, Observation, Status, Subject
from caretwin.record.vocabulary import vocabulary

Weights: TypeAlias = Callable[[Subject], "float | None"]
"""Body weight (kg) of a subject; None where it is not known."""

GIVEN, NOT_GIVEN = "medication_administration", "medication_not_given"
ENDED = frozenset({"completed", "stopped", "on-hold"})
"""States of an administration that does not run any more."""
FIRST_TIME = 10**14
"""us: a version from here on is a time (1973), and not a number."""
_VEIN = ("iv", "intravenous", "ivp", "ivpb", "47625008", "central", "cvl")
_SKIN = ("sc", "sq", "subcut", "subcutaneous", "34206005")


@dataclass(frozen=True)
class _Given:
    """An administration of a known drug, and what is told of it so far."""

    event: Event
    drug: Drug

    def says(self, part: str, code: str, at: int, value: float | None, **more: Any) -> Observation:
        """A setting; more: fields of the observation."""
        event = self.event
        name = f"{event.source_id}#{part}" if event.source_id else ""
        known = {"version": event.version, "status": event.status} | more
        return Observation(event.subject, code, at, value, event.source, name, **known)

    def taken_back(self, *parts: str) -> list[Observation]:
        """Settings that an earlier version may have told and this one does not."""
        if not self.event.source_id:
            return []
        code = self.drug.channel or self.drug.skin
        gone = {"status": Status.RETRACTED}
        return [self.says(part, code, self.event.effective, None, **gone) for part in parts]


def with_settings(event: Event, weights: Weights | None = None) -> tuple[Event, list[Observation]]:
    """The event, and what it says of settings; any event may be given."""
    if event.kind not in (GIVEN, NOT_GIVEN):
        return event, []
    drug = drug_of(event.body.get("medication") or {})
    if drug is None:
        return event, []
    if isinstance(drug, str):
        return _found(event, drug), []
    given = _Given(event, drug)
    if event.kind == NOT_GIVEN or event.status == Status.RETRACTED:
        return event, given.taken_back("rate", "stop", "dose")
    try:
        told = _dose(given) if _single(given) else _rate(given, weights)
    except UnusableError as problem:
        return _found(event, str(problem)), given.taken_back("rate", "stop", "dose")
    return event, told


def _single(given: _Given) -> bool:
    """Whether it is a dose at one time, of a drug that has a channel for such."""
    body = given.event.body
    return bool(given.drug.vein or given.drug.skin) and given.event.stop is None and "rate" not in body


def _dose(given: _Given) -> list[Observation]:
    body, drug = given.event.body, given.drug
    if body.get("status") == "in-progress":
        raise UnusableError("a dose that is still being given")
    way = _way(body.get("route") or {})
    channel = {"vein": drug.vein, "skin": drug.skin}.get(way, "")
    if not channel:
        raise UnusableError(f"a single dose by a way that no channel holds ({way or 'not said'})")
    value = dose_of(body, channel)
    quality, note = _judged(channel, value)
    told = given.says("dose", channel, given.event.effective, value, quality=quality, note=note | _order(body))
    return [told, *given.taken_back("rate", "stop")]


def _rate(given: _Given, weights: Weights | None) -> list[Observation]:
    event, drug = given.event, given.drug
    if not drug.channel:
        raise UnusableError("a rate of what is not infused")
    if _way(event.body.get("route") or {}) in ("skin", "other"):
        raise UnusableError("a rate by a way that is not into a vein")
    end, note = _end(event)
    rate = rate_of(event.body, event.effective, end if not note else None)
    told = [_begin(given, rate, weights)]
    if end is None:
        return [*told, *given.taken_back("stop", "dose")]
    quality = Quality.SUSPECT if note else Quality.GOOD
    absent = {"absent": "not set", **note, **_order(event.body)}
    # a moment before: the next bag of the same drug, hung at that very time, is what counts from then on
    told.append(given.says("stop", told[0].code, max(end - 1, event.effective), None, unit=told[0].unit,
                           quality=quality, note=absent))  # fmt: skip
    return [*told, *given.taken_back("dose")]


def _begin(given: _Given, rate: Rate, weights: Weights | None) -> Observation:
    """The rate from the start on; as it came and refused for use where the body weight is not known."""
    event, drug = given.event, given.drug
    sent = {"sent": f"{rate.value:g} {rate.unit}", **_order(event.body)}
    try:
        value = in_channel(rate, drug, event.body, weights(event.subject) if weights is not None else None)
    except UnusableError as problem:
        if str(problem) != NO_WEIGHT:
            raise
        trouble = {"trouble": f"{NO_WEIGHT}: {rate.unit} becomes {vocabulary()[drug.channel].unit} by it", **sent}
        code = f"caretwin|{drug.channel}"
        return given.says("rate", code, event.effective, rate.value, unit=rate.unit, quality=Quality.REFUSED,
                          note=trouble)  # fmt: skip
    quality, note = _judged(drug.channel, value)
    return given.says("rate", drug.channel, event.effective, value, quality=quality, note=note | sent)


def _end(event: Event) -> tuple[int | None, dict[str, Any]]:
    """Until when it ran (us), None while it runs, and how that is known. Raises UnusableError."""
    if event.stop is not None:
        return event.stop, {}
    state = event.body.get("status")
    if state not in ENDED:
        return None, {}
    if state != "completed" and event.version >= FIRST_TIME and event.version > event.effective:
        return event.version, {"text": f"{state} by then: when is not said"}
    raise UnusableError(f"{state}, without until when")


def _way(route: Mapping[str, Any]) -> str:
    """Into a vein, under the skin, another way, or "" where it is not said."""
    words = {str(one[1]).lower() for one in route.get("codes") or () if len(one) == 2}
    text = str(route.get("text") or "").lower()
    words |= set(text.replace(",", " ").split())
    if not words:
        return ""
    if words & set(_VEIN) or "intraven" in text:
        return "vein"
    return "skin" if words & set(_SKIN) or "subcut" in text else "other"


def _judged(channel: str, value: float) -> tuple[Quality, dict[str, Any]]:
    term = vocabulary()[channel]
    if term.plausible(value):
        return Quality.GOOD, {}
    return Quality.REFUSED, {"trouble": f"outside {term.low:g} to {term.high:g} {term.unit}"}


def _order(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"order": str(body["request"])} if body.get("request") else {}


def _found(event: Event, reason: str) -> Event:
    """The event with why it says nothing of a setting."""
    return replace(event, body={**event.body, "findings": [*event.body.get("findings", ()), f"no setting: {reason}"]})
