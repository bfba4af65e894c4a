"""Where a value came from, and what the twin did with it: for whoever clicks on a point of a chart."""

from __future__ import annotations

from caretwin.record.bedside import Quality, channels
from caretwin.record.entry import Status
from caretwin.record.reading import Reading
from caretwin.record.store.provenance import Origin, Version
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.channel_groups import title_of
from caretwin.serve.web.person_answers import interval_of
from caretwin.serve.web.views.person import Expected, Provenance, TwinUse, ValueVersion
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.kept_forecasts import FORECAST, HOUR

QUALITY_WORDS = {
    Quality.GOOD: "good",
    Quality.SUSPECT: "odd: the note says what",
    Quality.REFUSED: "cannot be what its name says: kept for the eye, used by nothing",
}
LONGEST_NOTE = 400
"""Characters of a note that are shown."""
SAID_BACK_US = 6 * HOUR
"""us: the longest horizon of a forecast, and its window, are over by then."""


def provenance_of(
    reading: Reading, subject: str, found: Origin, twin: BedsideTwin | None, upto: int | None
) -> Provenance:
    """Where a value came from, and what the twin did with it.

    twin  None where the site has none; upto  time up to which the twin knows its person (us)
    """
    one = found.observation
    term = vocabulary().get(one.code)
    return Provenance(
        channel=one.code,
        title=title_of(one.code),
        value=one.value,
        unit=term.unit if term is not None else one.unit,
        effective=one.effective,
        received=one.received,
        source=one.source,
        sender=found.actor,
        message=found.message,
        status=one.status.name.lower(),
        quality=QUALITY_WORDS[one.quality],
        note={name: str(said)[:LONGEST_NOTE] for name, said in one.note.items()},
        versions=[_version(version) for version in found.versions],
        twin=_use(reading, subject, found, twin, upto),
    )


def _version(version: Version) -> ValueVersion:
    one = version.observation
    return ValueVersion(
        seq=one.sequence,
        value=one.value,
        effective=one.effective,
        received=one.received,
        status=one.status.name.lower(),
        superseded=version.superseded,
    )


def _use(reading: Reading, subject: str, found: Origin, twin: BedsideTwin | None, upto: int | None) -> TwinUse:
    one = found.observation
    why = _why_not(found, twin, upto)
    said = [
        kept
        for kept in reading.derived(subject, [FORECAST], one.effective - SAID_BACK_US, one.effective)
        if kept.body["channel"] == one.code and kept.body["window"][0] < one.effective <= kept.body["window"][1]
    ]
    expected = None
    if said and one.value is not None:
        last = max(said, key=lambda kept: kept.at)
        low, median, high = interval_of(last)
        inside = low <= one.value <= high
        hours = float(last.body["horizon_h"])
        expected = Expected(said_at=last.at, hours=hours, low=low, median=median, high=high, inside=inside)
    return TwinUse(used=not why, why=why or "taken in at its own time", expected=expected)


def _why_not(found: Origin, twin: BedsideTwin | None, upto: int | None) -> str:
    """Why the twin did not use a value; "" where it did."""
    one = found.observation
    superseded = next((v.superseded for v in found.versions if v.observation.sequence == one.sequence), False)
    reasons = (
        (twin is None or upto is None, "nobody's twin lives on this record"),
        (one.status == Status.RETRACTED, "taken back by its source"),
        (superseded, "a better version of it is known"),
        (one.quality == Quality.REFUSED, f"refused for use: {one.note.get('trouble', 'no living body can have it')}"),
        (one.code not in channels(), "kept, but no part of this twin's model"),
        (upto is not None and one.effective > upto, "its time has not come yet"),
    )  # fmt: skip
    if any(said for said, _ in reasons):
        return next(words for said, words in reasons if said)
    term = channels()[one.code]
    if twin is not None and term.kind == "observation" and one.code not in twin.model.channel_names:
        return "kept, but no channel of this twin's model"
    return "" if one.value is not None or term.kind == "setting" else "it has no value"
