"""Which observation would make a forecast sharper, and how much of its width is there only because data are missing.

Everything follows from the particles: those that differ in what would be measured now differ in what they foretell. The
share of a forecast's variance that a measurement would explain is their squared correlation; of several measurements,
that of the linear regression on all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from caretwin.twin.bedside_twin import BedsideTwin, Living
from caretwin.twin.staff import HELD, Care
from caretwin.twin.vital_forecasts import samples_ahead

SOON_H = 1.0 / 60.0
"""h from now at which a measurement would be made."""
FEWEST_PER_CHANNEL = 10
"""Particles for each channel of a regression, at least: with fewer it would find what is not there."""


class Worth(NamedTuple):
    """What one measurement now would do: by how much it would narrow the forecast (0.2: a fifth narrower)."""

    channel: str
    narrower: float


class Widened(NamedTuple):
    """A forecast and what is missing.

    by      how much wider it is than with the stale channels measured now (1: no wider)
    worth   of each candidate alone, the most helpful first
    """

    by: float
    worth: tuple[Worth, ...]


def widened(
    twin: BedsideTwin,
    living: Living,
    now_h: float,
    target: str,
    horizon_h: float,
    stale: Sequence[str],
    candidates: Sequence[str],
    care: Care = HELD,
) -> Widened:
    """How missing data widen a forecast, and which measurement would help most.

    now_h       h of the twin's clock; target, horizon_h  the forecast: its channel, and h from now
    stale       channels that should have been measured by now, and were not
    candidates  channels that could be measured
    Raises ValueError for a channel that the model does not have.
    """
    names = twin.model.channel_names
    for name in (target, *stale, *candidates):
        if name not in names:
            raise ValueError(f"channel {name!r}: wanted one of {', '.join(names)}")
    samples = samples_ahead(twin, living, np.array([now_h + SOON_H, now_h + horizon_h]), care)
    future = samples[1][:, names.index(target)]
    now = {name: samples[0][:, names.index(name)] for name in {*stale, *candidates}}
    explained = _explained(future, [now[name] for name in stale])
    alone = [Worth(name, 1.0 - math.sqrt(1.0 - _explained(future, [now[name]]))) for name in candidates]
    return Widened(
        float(1.0 / np.sqrt(max(1.0 - explained, 1e-3))), tuple(sorted(alone, key=lambda one: -one.narrower))
    )


def _explained(future: Float[np.ndarray, " N"], measured: Sequence[Float[np.ndarray, " N"]]) -> float:
    """Share of the variance that a linear regression explains, corrected for the number of regressors (Wherry 1931)."""
    fine = np.isfinite(future) & np.all([np.isfinite(one) for one in measured], axis=0) if measured else None
    if fine is None or np.sum(fine) < FEWEST_PER_CHANNEL * (len(measured) + 1) or np.ptp(future[fine]) == 0:
        return 0.0
    columns = np.stack([one[fine] for one in measured], axis=1)
    columns = (columns - columns.mean(axis=0)) / np.maximum(columns.std(axis=0), 1e-12)
    centred = future[fine] - future[fine].mean()
    fitted = columns @ np.linalg.lstsq(columns, centred, rcond=1e-8)[0]
    raw = float(np.sum(fitted**2) / np.sum(centred**2))
    n, k = len(centred), len(measured)
    return float(np.clip(1.0 - (1.0 - raw) * (n - 1) / (n - k - 1), 0.0, 0.999))
