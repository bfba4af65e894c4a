"""The bedside at the time of a question: what was known, the twin brought to that time, and why it may not be
believed."""

from typing import Any, NamedTuple

import numpy as np

from caretwin.base.errors import DataError
from caretwin.record.bedside import BedsideRecord, Quality
from caretwin.twin.bedside import Row, context, settings_at
from caretwin.twin.bedside_twin import BedsideTwin, Living, follow, take_in
from caretwin.twin.drift import Drift, drifts

STAFF = ("oxygenation_chosen", "ventilation_chosen")
"""Channels about what staff aim for: they say nothing about what a setting would do."""
CONTRADICTED, TWICE_CONTRADICTED = 4.0, 2.5
"""-log10 of the tail: one value so unlikely, or two in a row of one channel (assumed; a row has a dozen channels)."""
RECENT_H = 6.0
"""h: an older surprise has been digested (assumed)."""
DRIFT_WINDOWS_H, DRIFT_ALARM = (6.0, 24.0), 4.0
"""h over which parameters are compared, and the size from which a drift is told (assumed: on CLIF demo stays one
question in 31 and in 23 has one, see evidence/physiology/drift)."""


class Surprise(NamedTuple):
    """One value that the twin did not expect: when (h), which channel, what was charted, -log10 of its tail."""

    time: float
    channel: str
    value: float
    tail: float


class Bedside(NamedTuple):
    """Everything a question needs.

    record     as it was known at ``now`` (h)
    living     the twin at ``now``
    settings   the model's inputs that hold at ``now``
    assumed    what the record does not say of the person
    surprises  of the last hours, in order
    drifts     parameters that moved further than such parameters do, the furthest first
    data       rows that were taken in
    """

    record: BedsideRecord
    now: float
    twin: BedsideTwin
    living: Living
    settings: Any
    oxygen_known: bool
    assumed: tuple[str, ...]
    surprises: tuple[Surprise, ...]
    data: int
    drifts: tuple[Drift, ...] = ()

    @property
    def predicted_weight(self) -> float:
        """kg: predicted body weight."""
        return float(self.living.body.predicted_weight)


def at_bedside(twin: BedsideTwin, record: BedsideRecord, now: float) -> Bedside:
    """The bedside at ``now`` (h), with nothing that became known later.

    Raises DataError when nothing at all was known by then.
    """
    known = record.as_of(now)
    followed = list(follow(twin, known, [*(now - h for h in sorted(DRIFT_WINDOWS_H, reverse=True)), now]))
    living, taken = followed[-1][1], [datum for _, _, part in followed for datum in part]
    if living is None:
        raise DataError(
            f"stay of subject {record.person.subject} at {now:g} h",
            seen="no value of any channel that had been received by then",
            wanted="vital signs, ventilator readings or a blood gas before the question",
            fix="ask for a later time (--at), or check the times of the rows",
        )
    body, assumed = context(record.person)
    settings, oxygen_known = settings_at(known, now, float(body.predicted_weight))
    names = twin.model.channel_names
    nothing = Row(now, now, settings, np.ones(len(names)), np.zeros(len(names), dtype=int))
    living, _ = take_in(twin, living, nothing)
    surprises = tuple(s for row, info in taken for s in _surprises(row, info, names) if s.time > now - RECENT_H)
    drifted = alarms(twin, [earlier for _, earlier, _ in followed[:-1] if earlier is not None], living)
    return Bedside(known, now, twin, living, settings, oxygen_known, assumed.what, surprises, len(taken), drifted)


def at_living_bedside(twin: BedsideTwin, living: Living, record: BedsideRecord, now: float) -> Bedside:
    """The bedside of a twin that lives, brought to ``now`` (h).

    living  a fork: its own twin is not touched; record  what is known, in hours of the twin's clock
    What surprised it and what drifted is told where the twin lives, and not here again.
    """
    body, assumed = context(record.person)
    settings, oxygen_known = settings_at(record, now, float(body.predicted_weight))
    names = twin.model.channel_names
    nothing = Row(now, now, settings, np.ones(len(names)), np.zeros(len(names), dtype=int))
    living, _ = take_in(twin, living, nothing)
    return Bedside(record, now, twin, living, settings, oxygen_known, assumed.what, (), 0)


def alarms(twin: BedsideTwin, earlier: list[Living], now: Living) -> tuple[Drift, ...]:
    """The drift of each parameter over the window in which it is largest, where that is an alarm."""
    found: dict[str, Drift] = {}
    for before in earlier:
        for drift in drifts(twin.model, before, now):
            known = found.get(drift.name)
            if abs(drift.size) >= DRIFT_ALARM and (known is None or abs(drift.size) > abs(known.size)):
                found[drift.name] = drift
    return tuple(sorted(found.values(), key=lambda drift: -abs(drift.size)))


def _surprises(row: Row, info: Any, names: tuple[str, ...]) -> list[Surprise]:
    tails, seen = np.asarray(info.surprise), np.asarray(info.seen)
    return [
        Surprise(row.effective, name, float(row.value[i]), float(tails[i]))
        for i, name in enumerate(names)
        if seen[i] and name not in STAFF
    ]


def latest(record: BedsideRecord, name: str, now: float, within_h: float = np.inf) -> tuple[float, float] | None:
    """(time h, value) of the last good value of an observation that was known by ``now`` and is not older than that."""
    signal = record.observations.get(name)
    if signal is None:
        return None
    known = (signal.received_h <= now + 1e-6) & (signal.quality == Quality.GOOD) & np.isfinite(signal.value)
    rows = np.flatnonzero(known & (signal.time_h > now - within_h))
    return (float(signal.time_h[rows[-1]]), float(signal.value[rows[-1]])) if len(rows) else None


def assumptions(bedside: Bedside) -> list[str]:
    """What the record does not say of the person, and what was taken instead; nothing where it says all."""
    body, found = bedside.living.body, []
    if "weight_kg" in bedside.assumed:
        found.append(
            f"weight is not in the record: {float(body.weight):.0f} kg is taken, and blood volume, metabolism and "
            "doses per kg go with it; add a row named weight"
        )
    if "height_cm" in bedside.assumed:
        found.append(
            f"height is not known: predicted body weight {bedside.predicted_weight:.0f} kg is that of a "
            "typical person, so mL/kg may be off by a fifth"
        )
    others = [name for name in bedside.assumed if name not in ("height_cm", "weight_kg")]
    if others:
        found.append(f"not in the record, typical values taken: {', '.join(o.rpartition('_')[0] or o for o in others)}")
    return found


def imaging(bedside: Bedside) -> list[str]:
    """What a chest CT contributes, in a sentence; nothing where there is none."""
    row = latest(bedside.record, "non_aerated_tissue_fraction", bedside.now)
    if row is None:
        return []
    return [
        f"the chest CT of hour {row[0]:g} is taken in: {100 * row[1]:.0f} % of the lung tissue held no gas. It counts "
        "as shunted or collapsed lung, give or take 17 points at 50 %; it is no diagnosis"
    ]


def doubts(bedside: Bedside) -> list[str]:
    """Why the twin must not be believed now, whatever the question."""
    found = [f"the record contradicts itself: {f}" for f in bedside.record.findings if f.severity == "error"]
    contradicted = []
    for name in sorted({s.channel for s in bedside.surprises}):
        last = [s for s in bedside.surprises if s.channel == name][-2:]
        if last[-1].tail >= CONTRADICTED or (len(last) == 2 and min(s.tail for s in last) >= TWICE_CONTRADICTED):
            contradicted.append(f"{name.replace('_', ' ')} {last[-1].value:.3g}")
    if contradicted:
        found.append(
            f"the last data contradict the twin ({'; '.join(contradicted)}): check sensor, sample, line and settings, "
            "then ask again"
        )
    finite = all(np.isfinite(np.asarray(leaf)).all() for leaf in (bedside.living.ensemble.theta,))
    if not finite:
        found.append("the twin has lost its numbers: start again from a shorter record")
    return found
