"""From doses, measurements and covariates over time to the engine's history.

Rows are every time at which something happens: a dose starts or ends, a sample is taken, a covariate or the occasion
changes, an answer is wanted. Between rows everything is constant, which is what the closed forms need.

What a covariate is between two of its records is stated per covariate: "locf" holds the last value, "nocb" reaches back
from the next one (the rule of NONMEM), "linear" joins them (in steps of at most an hour, each at its midpoint).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from caretwin.core.events import GivenDose, Sample, Series
from caretwin.core.history import Doses, History
from caretwin.core.model import MISSING, Observation
from caretwin.models.pharmacology.drug import Drug
from caretwin.models.pharmacology.kinetics import DoseContext
from caretwin.models.pharmacology.placement import DoseInputs
from caretwin.models.pharmacology.response import LONGEST_STEP

LONGEST_LINEAR_STEP = 1.0  # h; assumption: covariates that are joined by lines move little within an hour


def build_history(
    drug: Drug,
    doses: Sequence[GivenDose],
    samples: Sequence[Sample],
    covariates: Mapping[str, Series],
    *,
    occasions: Series | None = None,
    times: Sequence[float] = (),
    movable: bool = False,
    start: float | None = None,
    contexts: DoseContext | None = None,
    room: int | None = None,
) -> History:
    """The history of one subject for one drug.

    covariates  those of ``drug.covariates`` that are known; others are derived from them where the drug says how
    occasions   index of the occasion over time, for drugs that vary between occasions
    times       further times (h) that must be rows: where predictions are wanted
    movable     leave the placing of doses to the model (lag times, estimated durations)
    start       time of the first row (h); the earliest event when not given
    contexts    the one context that holds throughout, when it is known already; covariates are then not looked at
    room        terms of each parameter that the model has room for; None: as many as the drug has

    Raises DomainError when a covariate is absent and cannot be derived, or typical parameters are impossible.
    """
    names = [name for name in drug.covariates if name in covariates and contexts is None]
    series = {name: covariates[name] for name in names}
    if occasions is not None and contexts is None:
        series["occasion"] = occasions
    samples = _undelayed(drug, samples, covariates)
    if movable and doses and start is None:
        start = min(*(d.time for d in doses), *(s.time for s in samples), np.inf)
    fixed = () if movable else doses  # movable doses need no rows of their own
    spacing = LONGEST_STEP if drug.structure.response in ("turnover", "coagulation") else np.inf
    time, sample_rows, dose_rows = _rows(fixed, samples, series, times, start, spacing)
    if contexts is None:
        between, at, contexts = _contexts(drug, names, series, time, room)
    else:
        between = at = np.zeros(len(time), dtype=np.int32)
    value, kind = _observations(samples, sample_rows, len(time), len(drug.structure.channels))
    inputs = len(drug.structure.inputs)
    u = _no_inputs(len(time), inputs) if movable else _inputs(doses, dose_rows, time, inputs)
    moved = _movable(doses, time, between) if movable else None
    return History(time, u, between, at, Observation(value, kind), contexts, moved)


def _undelayed(drug: Drug, samples: Sequence[Sample], covariates: Mapping[str, Series]) -> Sequence[Sample]:
    """Samples with effects moved to when they arose: a monitor shows them DELAY hours late."""
    if "DELAY" not in drug.structure.optional or not samples:
        return samples
    first = {name: series.values[0] for name, series in covariates.items() if name in drug.covariates}
    delay = float(drug.typical(first)[0, drug.structure.parameters.index("DELAY")])
    effect = drug.structure.channels.index("effect")
    return [replace(s, time=s.time - delay) if s.channel == effect else s for s in samples]


def _rows(
    doses: Sequence[GivenDose],
    samples: Sequence[Sample],
    series: Mapping[str, Series],
    times: Sequence[float],
    start: float | None,
    spacing: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times of the rows [E], the row of each sample and of each dose; ties keep the order of the record.

    spacing   h; no two rows are further apart
    """
    events = [(s.time, s.order, i) for i, s in enumerate(samples)]
    events += [(d.time, d.order, len(samples) + i) for i, d in enumerate(doses)]
    late = 1 << 40
    events += [(d.time + d.duration, late, -1) for d in doses if d.duration > 0]
    events += [(t, late, -1) for s in series.values() for t in s.times]
    events += [(t, late, -1) for t in times]
    first = min(e[0] for e in events) if start is None else start
    for s in series.values():
        if s.rule == "linear" and len(s.times) > 1:
            count = int(np.ceil((s.times[-1] - s.times[0]) / LONGEST_LINEAR_STEP))
            events += [(t, late, -1) for t in np.linspace(s.times[0], s.times[-1], count + 1)]
    if np.isfinite(spacing):
        events += [(float(t), late, -1) for t in np.arange(first, max(e[0] for e in events), spacing)]
    events = sorted(e for e in events if e[0] >= first)
    kept: list[float] = [first]
    rows = np.zeros(len(samples) + len(doses), dtype=np.int64)
    anchored = False  # whether the present row already carries a dose or sample, whose order must not be lost
    for t, order, which in events:
        plain = order == late
        if t > kept[-1] or (not plain and anchored):
            kept.append(t)
            anchored = False
        anchored |= not plain
        if which >= 0:
            rows[which] = len(kept) - 1
    return np.asarray(kept, dtype=np.float64), rows[: len(samples)], rows[len(samples) :]


def _value_at(s: Series, t: np.ndarray) -> np.ndarray:
    times, values = np.asarray(s.times), np.asarray(s.values)
    if s.rule == "nocb":
        return values[np.minimum(np.searchsorted(times, t, side="left"), len(values) - 1)]
    if s.rule == "linear":
        return np.interp(t, times, values)
    return values[np.maximum(np.searchsorted(times, t, side="right") - 1, 0)]


def _contexts(
    drug: Drug, names: list[str], series: Mapping[str, Series], time: np.ndarray, room: int | None
) -> tuple[np.ndarray, np.ndarray, DoseContext]:
    """Context of each interval [E], of each row [E], and the distinct contexts."""
    middle = np.concatenate([time[:1], 0.5 * (time[:-1] + time[1:])])
    moments = np.concatenate([middle, time])
    columns = [_value_at(s, moments) for s in series.values()]
    table = np.stack(columns, axis=1) if columns else np.zeros((len(moments), 0))
    distinct, index = np.unique(table, axis=0, return_inverse=True)
    index = index.reshape(-1).astype(np.int32)
    occasion = distinct[:, -1].astype(np.int32) if "occasion" in series else np.zeros(len(distinct), dtype=np.int32)
    values = {name: distinct[:, i] for i, name in enumerate(names)}
    if drug.log_loading() is None:
        drug.typical(values)  # raises where the model has none
        known = drug.derive(values).values
        columns = [np.broadcast_to(known[name], (len(distinct),)) for name in drug.covariate_names]
        basis = np.stack(columns, axis=1) if columns else np.zeros((len(distinct), 0))
    else:
        rows = drug.log_typical(values, room)
        basis = np.broadcast_to(rows.reshape(len(rows), -1), (len(distinct), rows[0].size))
    return index[: len(time)], index[len(time) :], DoseContext(basis.astype(np.float64), occasion)


def _observations(
    samples: Sequence[Sample], rows: np.ndarray, count: int, channels: int
) -> tuple[np.ndarray, np.ndarray]:
    value = np.ones((count, channels))
    kind = np.full((count, channels), MISSING, dtype=np.int32)
    for sample, row in zip(samples, rows, strict=True):
        value[row, sample.channel] = sample.value
        kind[row, sample.channel] = sample.kind
    return value, kind


def _no_inputs(rows: int, inputs: int) -> DoseInputs:
    return DoseInputs(np.zeros((rows, inputs)), np.zeros((rows, inputs)))


def _inputs(doses: Sequence[GivenDose], rows: np.ndarray, time: np.ndarray, inputs: int) -> DoseInputs:
    u = _no_inputs(len(time), inputs)
    for dose in doses:
        if dose.duration > 0:
            begun = time[:-1] >= dose.time - 1e-12
            running = begun & (time[1:] <= dose.time + dose.duration + 1e-9)
            u.rate[1:][running, dose.target] += dose.amount / dose.duration
    for dose, row in zip(doses, rows, strict=True):
        if dose.duration == 0 and row + 1 < len(time):
            u.bolus[row + 1, dose.target] += dose.amount  # after what was sampled at the row itself
    return u


def _movable(doses: Sequence[GivenDose], time: np.ndarray, between: np.ndarray) -> Doses:
    start = np.asarray([d.time for d in doses], dtype=np.float64)
    row = np.minimum(np.searchsorted(time, start, side="right"), len(time) - 1)
    return Doses(
        time=start,
        amount=np.asarray([d.amount for d in doses], dtype=np.float64),
        duration=np.asarray([d.duration for d in doses], dtype=np.float64),
        target=np.asarray([d.target for d in doses], dtype=np.int32),
        context=between[row].astype(np.int32),
    )
